//! Who works there.

use super::*;

const STAFF: StoreRole = StoreRole::Staff;
const ADMIN: StoreRole = StoreRole::Admin;

#[test]
fn an_admin_adds_members() {
    let user = UserId::generate();
    Shop::new()
        .open()
        .when(AddMember { user, role: STAFF })
        .then_one(MemberAdded { user, role: STAFF })
        .when(AddMember { user, role: ADMIN })
        .then_refused(StoreRefusal::AlreadyMember { user });
}

#[test]
fn a_store_has_a_bounded_number_of_members() {
    let mut story = Shop::new().open();
    for _ in 1..MOST_MEMBERS {
        let user = UserId::generate();
        story = story.given(MemberAdded { user, role: STAFF });
    }
    let user = UserId::generate();
    story
        .when(AddMember { user, role: STAFF })
        .then_refused(StoreRefusal::TooManyMembers { limit: MOST_MEMBERS });
}

#[test]
fn an_admin_changes_a_members_role() {
    let user = UserId::generate();
    Shop::new()
        .open()
        .given(MemberAdded { user, role: STAFF })
        .when(ChangeMemberRole { user, role: ADMIN })
        .then_one(MemberRoleChanged { user, role: ADMIN })
        .when(ChangeMemberRole { user, role: ADMIN })
        .then_refused(StoreRefusal::NothingToChange)
        .when(ChangeMemberRole { user, role: STAFF })
        .then_one(MemberRoleChanged { user, role: STAFF });
}

#[test]
fn the_role_of_somebody_else_can_not_be_changed() {
    let user = UserId::generate();
    Shop::new()
        .open()
        .when(ChangeMemberRole { user, role: ADMIN })
        .then_refused(StoreRefusal::NotMember { user, field: "/user" })
        .when(RemoveMember { user })
        .then_refused(StoreRefusal::NotMember { user, field: "/user" });
}

#[test]
fn the_last_admin_is_neither_removed_nor_made_staff() {
    let shop = Shop::new();
    let staff = UserId::generate();
    let user = shop.owner;
    shop.open()
        .given(MemberAdded {
            user: staff,
            role: STAFF,
        })
        .when(RemoveMember { user })
        .then_refused(StoreRefusal::LastAdmin { user })
        .when(ChangeMemberRole { user, role: STAFF })
        .then_refused(StoreRefusal::LastAdmin { user });
}

#[test]
fn one_of_two_admins_may_be_removed() {
    let shop = Shop::new();
    let second = UserId::generate();
    let story = shop
        .open()
        .given(MemberAdded {
            user: second,
            role: ADMIN,
        })
        .by(Viewer::new(second, []))
        .when(RemoveMember { user: shop.owner })
        .then_one(MemberRemoved { user: shop.owner })
        .by(Viewer::new(shop.owner, []))
        .when(AddMember {
            user: shop.owner,
            role: ADMIN,
        })
        .then_refused(NEEDS_ADMIN);
    let state = story.state().state.as_ref().expect("it is registered");
    assert_eq!(state.members.len(), 1);
}

#[test]
fn a_member_may_leave() {
    let user = UserId::generate();
    Shop::new()
        .open()
        .given(MemberAdded { user, role: STAFF })
        .by(Viewer::new(user, []))
        .when(RemoveMember { user })
        .then_one(MemberRemoved { user })
        .when(RemoveMember { user })
        .then_refused(NEEDS_ADMIN);
}

#[test]
fn staff_do_not_remove_others() {
    let shop = Shop::new();
    let staff = UserId::generate();
    shop.open()
        .given(MemberAdded {
            user: staff,
            role: STAFF,
        })
        .by(Viewer::new(staff, []))
        .when(RemoveMember { user: shop.owner })
        .then_refused(NEEDS_ADMIN);
}

#[test]
fn who_leaves_takes_their_contact_along() {
    let user = UserId::generate();
    let contact = Contact {
        email: Some("ana@mercado.example".to_owned()),
        phone: None,
    };
    Shop::new()
        .open()
        .given(MemberAdded { user, role: STAFF })
        .given(StoreProfileChanged {
            profile: profile(),
            contact: Some(Personal::open(user, contact)),
        })
        .when(RemoveMember { user })
        .then(vec![
            MemberRemoved { user }.into(),
            StoreProfileChanged {
                profile: profile(),
                contact: None,
            }
            .into(),
        ]);
}
