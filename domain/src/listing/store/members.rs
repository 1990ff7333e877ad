//! Who works for a store. Admins say who; a member may leave; the last admin stays.

use super::{
    AddMember, ChangeMemberRole, Decision, MemberAdded, MemberRemoved, MemberRoleChanged, RemoveMember,
    StoreProfileChanged, StoreRefusal, StoreState, changed,
};
use crate::{decision::Services, id::UserId, viewer::StoreRole};

/// How many members a store may have.
pub const MOST_MEMBERS: usize = 500;

impl StoreState {
    pub(super) fn add_member(&self, AddMember { user, role }: AddMember, services: &Services) -> Decision {
        self.by_an_admin(services)?;
        if self.members.contains_key(&user) {
            return Err(StoreRefusal::AlreadyMember { user });
        }
        if self.members.len() >= MOST_MEMBERS {
            return Err(StoreRefusal::TooManyMembers { limit: MOST_MEMBERS });
        }
        Ok(vec![MemberAdded { user, role }.into()])
    }

    pub(super) fn change_member_role(
        &self,
        ChangeMemberRole { user, role }: ChangeMemberRole,
        services: &Services,
    ) -> Decision {
        self.by_an_admin(services)?;
        changed(self.member(user)? != role)?;
        if role < StoreRole::Admin {
            self.leaves_an_admin(user)?;
        }
        Ok(vec![MemberRoleChanged { user, role }.into()])
    }

    pub(super) fn remove_member(&self, RemoveMember { user }: RemoveMember, services: &Services) -> Decision {
        let leaves = services.viewer.is(user) && self.members.contains_key(&user);
        if !leaves {
            self.by_an_admin(services)?;
        }
        self.member(user)?;
        self.leaves_an_admin(user)?;
        let mut events = vec![MemberRemoved { user }.into()];
        // The contact is a member's: who leaves takes theirs along.
        if self.contact.as_ref().is_some_and(|contact| contact.subject == user) {
            let profile = self.profile.clone();
            events.push(StoreProfileChanged { profile, contact: None }.into());
        }
        Ok(events)
    }

    fn member(&self, user: UserId) -> Result<StoreRole, StoreRefusal> {
        self.members
            .get(&user)
            .copied()
            .ok_or(StoreRefusal::NotMember { user, field: "/user" })
    }

    fn leaves_an_admin(&self, user: UserId) -> Result<(), StoreRefusal> {
        let mut others = self.members.iter().filter(|(member, _)| **member != user);
        if others.any(|(_, role)| *role == StoreRole::Admin) {
            return Ok(());
        }
        Err(StoreRefusal::LastAdmin { user })
    }
}
