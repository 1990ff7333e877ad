//! A payment of an order, in the order's scope. What is authorised (set aside) and what is captured (charged) are
//! tracked apart: refunded ≤ captured ≤ authorised holds after every event.
//!
//! Nothing here talks to a payment provider: the fulfilment process does, and tells what came of it by the same commands
//! that a store's administrator gives for cash.

mod commands;
mod events;
mod ledger;
mod refusal;
mod status;
#[cfg(test)]
#[allow(
    clippy::inconsistent_digit_grouping,
    reason = "amounts are in cents: 100_00 is one hundred"
)]
mod tests;

pub use commands::*;
use cqrs_es::{Aggregate, event_sink::EventSink};
pub use events::*;
pub use ledger::Ledger;
use ledger::rest;
pub use refusal::PaymentRefusal;
use serde::{Deserialize, Serialize};
pub use status::{PaymentMethod, PaymentStatus};

use crate::{
    bounds,
    decision::{Reads, ScopeView, Services, Target},
    entity::Entity,
    family::Family,
    id::StoreId,
    money::Money,
    order::order::{Fulfilment, Order, PlacedOrder},
    viewer::{Role, StoreRole},
};

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payment {
    /// The payment, once it was requested or authorised.
    pub ledger: Option<Ledger>,
}

const SIGNED_IN: &str = "signed-in users";
const CUSTOMER_OR_STORE: &str = "the customer and the administrators of the store";
const STORE: &str = "the administrators of the store";
const MODERATOR: &str = "moderators";

impl Payment {
    fn existing(&self) -> Result<&Ledger, PaymentRefusal> {
        self.ledger.as_ref().ok_or(PaymentRefusal::NotFound)
    }

    fn request(&self, command: RequestPayment, services: &Services) -> Result<PaymentEvent, PaymentRefusal> {
        let order = order_of(services)?;
        if !order.is_of(services) && !order.is_served_by(services, StoreRole::Admin) {
            return Err(PaymentRefusal::Forbidden {
                needs: CUSTOMER_OR_STORE,
            });
        }
        if self.ledger.is_some() {
            return Err(PaymentRefusal::AlreadyExists);
        }
        let RequestPayment {
            amount,
            method,
            installments,
        } = command;
        check_installments(installments)?;
        check_amount(amount, order)?;
        check_order_has_room(amount, order, services)?;
        Ok(PaymentRequested {
            amount,
            method,
            installments,
        }
        .into())
    }

    fn authorise(&self, command: AuthorisePayment, services: &Services) -> Result<PaymentEvent, PaymentRefusal> {
        let order = served_order(services)?;
        let AuthorisePayment {
            amount,
            method,
            installments,
            reference,
        } = command;
        if let Some(ledger) = &self.ledger {
            ledger.may_become(PaymentStatus::Authorised)?;
        }
        check_installments(installments)?;
        bounds::optional_text("/reference", reference.as_ref(), 1..=LONGEST_REASON)?;
        check_amount(amount, order)?;
        match &self.ledger {
            None => check_order_has_room(amount, order, services)?,
            Some(ledger) => {
                check_order_goes_on(order)?;
                check_available(PaymentStatus::Authorised, amount, ledger.requested)?;
                if ledger.method != method {
                    return Err(PaymentRefusal::OtherMethod {
                        expected: ledger.method,
                        given: method,
                    });
                }
            }
        }
        Ok(PaymentAuthorised {
            amount,
            method,
            installments,
            reference,
        }
        .into())
    }

    fn capture(&self, command: CapturePayment, services: &Services) -> Result<PaymentEvent, PaymentRefusal> {
        let order = served_order(services)?;
        let ledger = self.existing()?;
        ledger.may_become(PaymentStatus::Captured)?;
        let available = ledger.uncaptured();
        if available.amount == 0 {
            return Err(PaymentRefusal::NothingToChange { status: ledger.status });
        }
        check_order_goes_on(order)?;
        let amount = command.amount.unwrap_or(available);
        check_amount(amount, order)?;
        check_available(PaymentStatus::Captured, amount, available)?;
        let captured = Money::new(ledger.captured.amount + amount.amount, amount.currency);
        Ok(PaymentCaptured { amount, captured }.into())
    }

    fn refund(&self, command: RefundPayment, services: &Services) -> Result<PaymentEvent, PaymentRefusal> {
        let order = served_order(services)?;
        let ledger = self.existing()?;
        ledger.may_become(PaymentStatus::Refunded)?;
        let available = ledger.unrefunded();
        let amount = command.amount.unwrap_or(available);
        check_amount(amount, order)?;
        check_available(PaymentStatus::Refunded, amount, available)?;
        Ok(PaymentRefunded {
            amount,
            refunded: Money::new(ledger.refunded.amount + amount.amount, amount.currency),
            remaining: rest(available, amount),
            reason: reasoned(command.reason)?,
        }
        .into())
    }

    fn void(&self, command: VoidPayment, services: &Services) -> Result<PaymentEvent, PaymentRefusal> {
        served_order(services)?;
        self.existing()?.may_become(PaymentStatus::Voided)?;
        let reason = reasoned(command.reason)?;
        Ok(PaymentVoided { reason }.into())
    }

    fn fail(&self, command: FailPayment, services: &Services) -> Result<PaymentEvent, PaymentRefusal> {
        served_order(services)?;
        self.existing()?.may_become(PaymentStatus::Failed)?;
        let reason = reasoned(command.reason)?;
        Ok(PaymentFailed { reason }.into())
    }

    fn charge_back(&self, command: ChargeBackPayment, services: &Services) -> Result<PaymentEvent, PaymentRefusal> {
        order_of(services)?;
        if !services.viewer.is_trusted() && !services.viewer.has(Role::Moderator) {
            return Err(PaymentRefusal::Forbidden { needs: MODERATOR });
        }
        let ledger = self.existing()?;
        ledger.may_become(PaymentStatus::ChargedBack)?;
        Ok(PaymentChargedBack {
            amount: ledger.unrefunded(),
            reason: reasoned(command.reason)?,
        }
        .into())
    }
}

/// The order that is paid.
fn order_of(services: &Services) -> Result<&PlacedOrder, PaymentRefusal> {
    if services.user().is_none() {
        return Err(PaymentRefusal::Forbidden { needs: SIGNED_IN });
    }
    services
        .scope
        .get::<Order>(&services.target.scope)
        .and_then(|order| order.placed.as_ref())
        .ok_or(PaymentRefusal::NoSuchOrder)
}

/// The order that is paid, if the viewer runs one of its stores.
fn served_order(services: &Services) -> Result<&PlacedOrder, PaymentRefusal> {
    let order = order_of(services)?;
    if !order.is_served_by(services, StoreRole::Admin) {
        return Err(PaymentRefusal::Forbidden { needs: STORE });
    }
    Ok(order)
}

fn check_order_goes_on(order: &PlacedOrder) -> Result<(), PaymentRefusal> {
    if order.is_off() {
        return Err(PaymentRefusal::OrderIsOff { order: order.status });
    }
    Ok(())
}

/// Refuses a new claim that would take the order's payments above its total. What is told as history is not refused:
/// interest and vouchers make real payments differ from the total.
fn check_order_has_room(amount: Money, order: &PlacedOrder, services: &Services) -> Result<(), PaymentRefusal> {
    check_order_goes_on(order)?;
    if order.terms.fulfilment == Fulfilment::External {
        return Ok(());
    }
    let claimed: i64 = services
        .scope
        .all::<Payment>()
        .filter(|(stream, _)| *stream != services.target.stream)
        .filter_map(|(_, payment)| payment.ledger.as_ref())
        .map(Ledger::claims)
        .sum();
    let total = order.terms.total;
    check_available(
        PaymentStatus::Authorised,
        amount,
        rest(total, Money::new(claimed, total.currency)),
    )
}

fn check_available(action: PaymentStatus, wanted: Money, available: Money) -> Result<(), PaymentRefusal> {
    if wanted.amount > available.amount {
        return Err(PaymentRefusal::AmountTooLarge {
            action,
            available,
            wanted,
        });
    }
    Ok(())
}

fn check_amount(amount: Money, order: &PlacedOrder) -> Result<(), PaymentRefusal> {
    if amount.currency != order.terms.currency {
        return Err(PaymentRefusal::OtherCurrency {
            expected: order.terms.currency,
            given: amount.currency,
        });
    }
    if amount.amount <= 0 {
        return Err(PaymentRefusal::NothingAsked { amount });
    }
    Ok(())
}

fn check_installments(installments: Option<u8>) -> Result<(), PaymentRefusal> {
    match installments {
        Some(given) if !(1..=MOST_INSTALLMENTS).contains(&given) => Err(PaymentRefusal::Installments {
            most: MOST_INSTALLMENTS,
            given,
        }),
        _ => Ok(()),
    }
}

fn reasoned(reason: String) -> Result<String, PaymentRefusal> {
    bounds::text("/reason", &reason, 1..=LONGEST_REASON)?;
    Ok(reason)
}

impl Aggregate for Payment {
    const TYPE: &'static str = "payment";
    type Command = PaymentCommand;
    type Event = PaymentEvent;
    type Error = PaymentRefusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: PaymentCommand,
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), PaymentRefusal> {
        let event = match command {
            PaymentCommand::Request(command) => self.request(command, services)?,
            PaymentCommand::Authorise(command) => self.authorise(command, services)?,
            PaymentCommand::Capture(command) => self.capture(command, services)?,
            PaymentCommand::Void(command) => self.void(command, services)?,
            PaymentCommand::Refund(command) => self.refund(command, services)?,
            PaymentCommand::Fail(command) => self.fail(command, services)?,
            PaymentCommand::ChargeBack(command) => self.charge_back(command, services)?,
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: PaymentEvent) {
        match &mut self.ledger {
            Some(ledger) => ledger.apply(event),
            None => self.ledger = Ledger::opened(event),
        }
    }
}

impl Entity for Payment {
    const FAMILY: Family = Family::Order;
    const PREFIX: &'static str = "pay";
    const PATH: &'static str = "orders/{order}/payments/{payment}";

    /// The order says who may do what. What is asked for or set aside is weighed against the other payments too: an
    /// order has a handful.
    fn reads(target: &Target, command: &PaymentCommand) -> Reads {
        match command {
            PaymentCommand::Request(_) | PaymentCommand::Authorise(_) => Reads::WholeScope,
            _ => Reads::Streams(vec![target.scope.clone()]),
        }
    }

    fn stores(&self, scope: &ScopeView, _command: &PaymentCommand) -> Vec<StoreId> {
        scope
            .all::<Order>()
            .filter_map(|(_, order)| order.placed.as_ref())
            .flat_map(PlacedOrder::stores)
            .collect()
    }
}
