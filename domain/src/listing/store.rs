//! A store: a market, or a law firm. What it tells of itself, who works there, and whether it is verified.
//!
//! The store is its own scope. Its members stand in its own state, so who may change it is decided on the newest; what a
//! member may do elsewhere (listings, orders) goes by a read model ([`crate::viewer::Standing`]).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{
    decision::Services, entity::Entity, family::Family, id::UserId, order::payment::PaymentMethod, personal::Personal,
    viewer::StoreRole,
};

mod commands;
mod events;
mod members;
mod profile;
mod refusal;
#[cfg(test)]
mod tests;
mod verification;

pub use commands::*;
pub use events::*;
pub use members::MOST_MEMBERS;
pub use profile::*;
pub use refusal::StoreRefusal;
pub use verification::Verification;

/// A store, once it is registered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Store {
    /// Absent before it is registered.
    pub state: Option<StoreState>,
}

/// How a registered store stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreState {
    /// A market or a firm.
    pub kind: StoreKind,
    /// How it presents itself.
    pub profile: Profile,
    /// How to reach it.
    pub contact: Option<Personal<Contact>>,
    /// Where it is.
    pub location: Option<Location>,
    /// When it is open.
    pub business_hours: Option<BusinessHours>,
    /// How orders reach customers.
    pub delivery_options: Vec<DeliveryOffer>,
    /// How customers may pay.
    pub payment_methods: BTreeSet<PaymentMethod>,
    /// Who works there; at least one is an admin.
    pub members: BTreeMap<UserId, StoreRole>,
    /// Whether it is verified.
    pub verification: Verification,
    /// When the verification ends, if it does.
    pub verified_until: Option<DateTime<Utc>>,
}

/// What most commands come to: the events, or why not.
type Decision = Result<Vec<StoreEvent>, StoreRefusal>;

impl Store {
    fn decide(&self, command: StoreCommand, services: &Services) -> Decision {
        let command = match command {
            StoreCommand::Register(command) => return self.register(command, services),
            other => other,
        };
        let store = self.state.as_ref().ok_or(StoreRefusal::NotFound)?;
        match command {
            StoreCommand::Register(_) => Err(StoreRefusal::AlreadyExists),
            StoreCommand::ChangeProfile(command) => store.change_profile(command, services),
            StoreCommand::SetBusinessHours(command) => store.set_business_hours(command, services),
            StoreCommand::SetDeliveryOptions(command) => store.set_delivery_options(command, services),
            StoreCommand::SetPaymentMethods(command) => store.set_payment_methods(command, services),
            StoreCommand::SetLocation(command) => store.set_location(command, services),
            StoreCommand::SubmitVerification(command) => store.submit_verification(command, services),
            StoreCommand::Verify(command) => store.verify(command, services),
            StoreCommand::Reject(command) => store.reject(command, services),
            StoreCommand::Suspend(command) => store.suspend(command, services),
            StoreCommand::Expire(_) => store.expire(services),
            StoreCommand::AddMember(command) => store.add_member(command, services),
            StoreCommand::ChangeMemberRole(command) => store.change_member_role(command, services),
            StoreCommand::RemoveMember(command) => store.remove_member(command, services),
        }
    }

    fn register(&self, command: RegisterStore, services: &Services) -> Decision {
        let viewer = &services.viewer;
        let owner = match command.owner {
            Some(owner) if viewer.is(owner) || viewer.is_trusted() => owner,
            Some(_) => {
                return Err(StoreRefusal::Forbidden {
                    needs: "an importer, a process or an administrator, for another person,",
                });
            }
            None => viewer.user.ok_or(StoreRefusal::Forbidden {
                needs: "a signed-in user",
            })?,
        };
        if self.state.is_some() {
            return Err(StoreRefusal::AlreadyExists);
        }
        command.profile.check()?;
        if let Some(location) = &command.location {
            location.check()?;
        }
        let contact = command
            .contact
            .map(|contact| {
                let person = contact.person.unwrap_or(owner);
                checked_contact(contact, person, |person| person == owner)
            })
            .transpose()?;
        Ok(vec![
            StoreRegistered {
                kind: command.kind,
                profile: command.profile,
                contact,
                location: command.location,
                owner,
            }
            .into(),
        ])
    }
}

/// The contact as events carry it, if its person is a member.
fn checked_contact(
    contact: NewContact,
    person: UserId,
    is_member: impl Fn(UserId) -> bool,
) -> Result<Personal<Contact>, StoreRefusal> {
    let NewContact { email, phone, .. } = contact;
    let contact = Contact { email, phone };
    contact.check()?;
    if !is_member(person) {
        return Err(StoreRefusal::NotMember {
            user: person,
            field: "/contact/person",
        });
    }
    Ok(Personal::open(person, contact))
}

impl StoreState {
    fn change_profile(&self, command: ChangeStoreProfile, services: &Services) -> Decision {
        self.by_an_admin(services)?;
        command.profile.check()?;
        let contact = match command.contact {
            None => None,
            Some(contact) => {
                let person = contact.person.or(services.user()).ok_or(StoreRefusal::Forbidden {
                    needs: "a signed-in user",
                })?;
                Some(checked_contact(contact, person, |person| {
                    self.members.contains_key(&person)
                })?)
            }
        };
        changed(self.profile != command.profile || self.contact != contact)?;
        Ok(vec![
            StoreProfileChanged {
                profile: command.profile,
                contact,
            }
            .into(),
        ])
    }

    fn set_business_hours(
        &self,
        SetBusinessHours { business_hours }: SetBusinessHours,
        services: &Services,
    ) -> Decision {
        self.by_an_admin(services)?;
        business_hours.check()?;
        changed(self.business_hours.as_ref() != Some(&business_hours))?;
        Ok(vec![BusinessHoursSet { business_hours }.into()])
    }

    fn set_delivery_options(&self, command: SetDeliveryOptions, services: &Services) -> Decision {
        let SetDeliveryOptions { delivery_options } = command;
        self.by_an_admin(services)?;
        DeliveryOffer::check_all(&delivery_options)?;
        changed(self.delivery_options != delivery_options)?;
        Ok(vec![DeliveryOptionsSet { delivery_options }.into()])
    }

    fn set_payment_methods(&self, command: SetPaymentMethods, services: &Services) -> Decision {
        let SetPaymentMethods { payment_methods } = command;
        self.by_an_admin(services)?;
        changed(self.payment_methods != payment_methods)?;
        Ok(vec![PaymentMethodsSet { payment_methods }.into()])
    }

    fn set_location(&self, SetLocation { location }: SetLocation, services: &Services) -> Decision {
        self.by_an_admin(services)?;
        location.check()?;
        changed(self.location.as_ref() != Some(&location))?;
        Ok(vec![LocationSet { location }.into()])
    }

    pub(super) fn by_an_admin(&self, services: &Services) -> Result<(), StoreRefusal> {
        let role = services.user().and_then(|user| self.members.get(&user));
        if services.viewer.is_trusted() || role == Some(&StoreRole::Admin) {
            return Ok(());
        }
        Err(StoreRefusal::Forbidden {
            needs: "an admin of the store",
        })
    }

    fn apply(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Registered(_) => {}
            StoreEvent::ProfileChanged(event) => {
                self.profile = event.profile;
                self.contact = event.contact;
            }
            StoreEvent::BusinessHoursSet(event) => self.business_hours = Some(event.business_hours),
            StoreEvent::DeliveryOptionsSet(event) => self.delivery_options = event.delivery_options,
            StoreEvent::PaymentMethodsSet(event) => self.payment_methods = event.payment_methods,
            StoreEvent::LocationSet(event) => self.location = Some(event.location),
            StoreEvent::VerificationSubmitted(_) => self.verification = Verification::Pending,
            StoreEvent::Verified(event) => {
                self.verification = Verification::Verified;
                self.verified_until = event.until;
            }
            StoreEvent::Rejected(_) => self.verification = Verification::Rejected,
            StoreEvent::Suspended(_) => self.verification = Verification::Suspended,
            StoreEvent::Expired(_) => self.verification = Verification::Expired,
            StoreEvent::MemberAdded(MemberAdded { user, role })
            | StoreEvent::MemberRoleChanged(MemberRoleChanged { user, role }) => {
                self.members.insert(user, role);
            }
            StoreEvent::MemberRemoved(event) => {
                self.members.remove(&event.user);
            }
        }
    }
}

impl From<StoreRegistered> for StoreState {
    fn from(event: StoreRegistered) -> Self {
        Self {
            kind: event.kind,
            profile: event.profile,
            contact: event.contact,
            location: event.location,
            business_hours: None,
            delivery_options: Vec::new(),
            payment_methods: BTreeSet::new(),
            members: BTreeMap::from([(event.owner, StoreRole::Admin)]),
            verification: Verification::Unsubmitted,
            verified_until: None,
        }
    }
}

fn changed(is_so: bool) -> Result<(), StoreRefusal> {
    if is_so {
        Ok(())
    } else {
        Err(StoreRefusal::NothingToChange)
    }
}

impl Aggregate for Store {
    const TYPE: &'static str = "store";
    type Command = StoreCommand;
    type Event = StoreEvent;
    type Error = StoreRefusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: StoreCommand,
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), StoreRefusal> {
        for event in self.decide(command, services)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: StoreEvent) {
        match (&mut self.state, event) {
            (state, StoreEvent::Registered(event)) => *state = Some(event.into()),
            (Some(state), event) => state.apply(event),
            (None, _) => {}
        }
    }
}

impl Entity for Store {
    const FAMILY: Family = Family::Listing;
    const PREFIX: &'static str = "sto";
    const PATH: &'static str = "stores/{store}";
}
