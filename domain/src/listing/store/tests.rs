//! What a store decides, in given/when/then.

mod members;
mod profile;
mod verification;

use chrono::{DateTime, Utc};

use super::*;
use crate::{
    decision::{Refusal, RefusalKind},
    fault::Fault,
    scenario::Scenario,
    viewer::{Role, Viewer},
};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// A store with its first admin.
struct Shop {
    owner: UserId,
}

impl Shop {
    fn new() -> Self {
        Self {
            owner: UserId::generate(),
        }
    }

    /// Registered, and asked by its admin.
    fn open(&self) -> Scenario<Store> {
        Scenario::new()
            .at(NOW)
            .by(Viewer::new(self.owner, []))
            .given(registered(self.owner))
    }
}

fn profile() -> Profile {
    Profile {
        name: "Mercado da Esquina".to_owned(),
        description: None,
        website: Some("https://mercado.example".to_owned()),
    }
}

fn location() -> Location {
    Location {
        street: None,
        city: "campinas".to_owned(),
        state: Some("SP".to_owned()),
        zip: Some("13023".to_owned()),
        country: "BR".to_owned(),
        point: Some(GeoPoint {
            latitude: -22_898_536,
            longitude: -47_063_125,
        }),
    }
}

fn register() -> RegisterStore {
    RegisterStore {
        kind: StoreKind::Market,
        profile: profile(),
        contact: None,
        location: Some(location()),
        owner: None,
    }
}

fn registered(owner: UserId) -> StoreRegistered {
    StoreRegistered {
        kind: StoreKind::Market,
        profile: profile(),
        contact: None,
        location: Some(location()),
        owner,
    }
}

fn somebody() -> Viewer {
    Viewer::new(UserId::generate(), [])
}

fn with_role(role: Role) -> Viewer {
    Viewer::new(UserId::generate(), [role])
}

const NEEDS_ADMIN: StoreRefusal = StoreRefusal::Forbidden {
    needs: "an admin of the store",
};

/// One command of each sort that only an admin may give.
fn admins_commands() -> Vec<StoreCommand> {
    vec![
        ChangeStoreProfile {
            profile: profile(),
            contact: None,
        }
        .into(),
        SetBusinessHours {
            business_hours: BusinessHours {
                time_zone: "America/Sao_Paulo".to_owned(),
                periods: Vec::new(),
            },
        }
        .into(),
        SetDeliveryOptions {
            delivery_options: Vec::new(),
        }
        .into(),
        SetPaymentMethods {
            payment_methods: BTreeSet::new(),
        }
        .into(),
        SetLocation { location: location() }.into(),
        SubmitVerification {
            registration_number: "12.345.678/0001-95".to_owned(),
            documents: Vec::new(),
            note: None,
        }
        .into(),
        AddMember {
            user: UserId::generate(),
            role: StoreRole::Staff,
        }
        .into(),
        ChangeMemberRole {
            user: UserId::generate(),
            role: StoreRole::Staff,
        }
        .into(),
        RemoveMember {
            user: UserId::generate(),
        }
        .into(),
    ]
}

/// One command of each sort that only a moderator may give.
fn moderators_commands() -> Vec<StoreCommand> {
    let reason = "no licence".to_owned();
    vec![
        VerifyStore { until: None }.into(),
        RejectStore { reason: reason.clone() }.into(),
        SuspendStore { reason }.into(),
        ExpireStore {}.into(),
    ]
}

#[test]
fn whoever_registers_a_store_is_its_first_admin() {
    let owner = UserId::generate();
    let story = Scenario::<Store>::new()
        .by(Viewer::new(owner, []))
        .when(register())
        .then_one(registered(owner));
    let state = story.state().state.as_ref().expect("it is registered");
    assert_eq!(state.members, BTreeMap::from([(owner, StoreRole::Admin)]));
    assert_eq!(state.verification, Verification::Unsubmitted);
}

#[test]
fn an_importer_may_register_a_store_for_its_owner() {
    let owner = UserId::generate();
    let command = RegisterStore {
        owner: Some(owner),
        ..register()
    };
    for role in [Role::Importer, Role::System, Role::Administrator] {
        Scenario::<Store>::new()
            .by(with_role(role))
            .when(command.clone())
            .then_one(registered(owner));
    }
    Scenario::<Store>::new()
        .by(somebody())
        .when(command)
        .then_refused(StoreRefusal::Forbidden {
            needs: "an importer, a process or an administrator, for another person,",
        });
}

#[test]
fn nobody_registers_a_store_without_signing_in() {
    Scenario::<Store>::new()
        .when(register())
        .then_refused(StoreRefusal::Forbidden {
            needs: "a signed-in user",
        });
}

#[test]
fn a_store_is_registered_once() {
    Shop::new()
        .open()
        .when(register())
        .then_refused(StoreRefusal::AlreadyExists);
}

#[test]
fn before_it_is_registered_there_is_no_store() {
    for command in admins_commands().into_iter().chain(moderators_commands()) {
        Scenario::<Store>::new()
            .by(with_role(Role::Administrator))
            .when(command)
            .then_refused(StoreRefusal::NotFound);
    }
}

#[test]
fn only_admins_change_a_store() {
    let shop = Shop::new();
    let staff = UserId::generate();
    for command in admins_commands() {
        for viewer in [
            Viewer::anonymous(),
            somebody(),
            Viewer::new(staff, []),
            with_role(Role::Moderator),
        ] {
            shop.open()
                .given(MemberAdded {
                    user: staff,
                    role: StoreRole::Staff,
                })
                .by(viewer)
                .when(command.clone())
                .then_refused(NEEDS_ADMIN);
        }
    }
}

#[test]
fn only_moderators_decide_on_verification() {
    for command in moderators_commands() {
        for viewer in [Viewer::anonymous(), somebody(), with_role(Role::Auditor)] {
            Shop::new()
                .open()
                .by(viewer)
                .when(command.clone())
                .then_refused(StoreRefusal::Forbidden { needs: "a moderator" });
        }
    }
}

#[test]
fn each_refusal_answers_as_what_it_is() {
    let user = UserId::generate();
    let until = NOW;
    for (refusal, kind, field) in [
        (StoreRefusal::NotFound, RefusalKind::NotFound, None),
        (StoreRefusal::AlreadyExists, RefusalKind::Conflict, None),
        (NEEDS_ADMIN, RefusalKind::Forbidden, None),
        (StoreRefusal::NothingToChange, RefusalKind::Conflict, None),
        (
            StoreRefusal::UntilNotInFuture { until, now: NOW },
            RefusalKind::Invalid,
            Some("/until"),
        ),
        (
            StoreRefusal::NotYetExpired { until, now: NOW },
            RefusalKind::Conflict,
            None,
        ),
        (
            StoreRefusal::AlreadyMember { user },
            RefusalKind::Conflict,
            Some("/user"),
        ),
        (StoreRefusal::LastAdmin { user }, RefusalKind::Conflict, Some("/user")),
        (StoreRefusal::TooManyMembers { limit: 1 }, RefusalKind::Conflict, None),
        (
            Fault::malformed("/profile/name", "a name").into(),
            RefusalKind::Invalid,
            Some("/profile/name"),
        ),
    ] {
        assert_eq!((refusal.kind(), refusal.field().as_deref()), (kind, field), "{refusal}");
    }
}
