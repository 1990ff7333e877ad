//! A payment of an order, in the order's scope. What is authorised (set aside) and what is captured (charged) are
//! tracked apart: refunded ≤ captured ≤ authorised holds after every event.
//!
//! Nothing here talks to a payment provider: the fulfilment process does, and tells what came of it by the same commands
//! that a store's administrator gives for cash.

mod commands;
mod events;
mod refusal;
#[cfg(test)]
mod tests;

use std::fmt;

pub use commands::*;
use cqrs_es::{Aggregate, event_sink::EventSink};
pub use events::*;
pub use refusal::PaymentRefusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// What a payment amounts to so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Where it stands.
    pub status: PaymentStatus,
    /// How it is paid.
    pub method: PaymentMethod,
    /// In how many instalments.
    pub installments: Option<u8>,
    /// The payment provider's name for it.
    pub reference: Option<String>,
    /// Asked for; what was authorised when nobody asked before.
    pub requested: Money,
    /// Set aside.
    pub authorised: Money,
    /// Charged.
    pub captured: Money,
    /// Given back of what was charged.
    pub refunded: Money,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentStatus {
    /// Asked for.
    Pending,
    /// Set aside.
    Authorised,
    /// Charged, in part or in whole.
    Captured,
    /// Part of what was charged was given back.
    PartlyRefunded,
    /// All that was charged was given back.
    Refunded,
    /// The money could not be had.
    Failed,
    /// Let go, uncharged.
    Voided,
    /// Taken back by the customer's bank.
    ChargedBack,
}

impl PaymentStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Authorised,
        Self::Captured,
        Self::PartlyRefunded,
        Self::Refunded,
        Self::Failed,
        Self::Voided,
        Self::ChargedBack,
    ];

    /// Where a payment may go from here: the state machine. A capture in parts stays at captured, a refund in parts at
    /// partly refunded.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Authorised, Self::Failed, Self::Voided],
            Self::Authorised => &[Self::Captured, Self::Failed, Self::Voided],
            Self::Captured => &[Self::Captured, Self::PartlyRefunded, Self::Refunded, Self::ChargedBack],
            Self::PartlyRefunded => &[Self::PartlyRefunded, Self::Refunded, Self::ChargedBack],
            Self::Refunded | Self::Failed | Self::Voided | Self::ChargedBack => &[],
        }
    }

    /// The name, as it stands in events: `partly-refunded`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::PartlyRefunded => "partly-refunded",
            Self::Refunded => "refunded",
            Self::Failed => "failed",
            Self::Voided => "voided",
            Self::ChargedBack => "charged-back",
        }
    }
}

impl fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a payment is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentMethod {
    /// Credit card.
    Card,
    /// Boleto bancário: a printed slip, paid at a bank.
    Boleto,
    /// Voucher or gift card.
    Voucher,
    /// Debit card.
    Debit,
    /// Cash.
    Cash,
    /// Something else.
    Other,
}

impl PaymentMethod {
    /// The name, as it stands in events: `card`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Boleto => "boleto",
            Self::Voucher => "voucher",
            Self::Debit => "debit",
            Self::Cash => "cash",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const SIGNED_IN: &str = "signed-in users";
const CUSTOMER_OR_STORE: &str = "the customer and the administrators of the store";
const STORE: &str = "the administrators of the store";
const MODERATOR: &str = "moderators";

impl Ledger {
    /// What is set aside and not charged yet.
    fn uncaptured(&self) -> Money {
        rest(self.authorised, self.captured)
    }

    /// What was charged and not given back.
    fn unrefunded(&self) -> Money {
        rest(self.captured, self.refunded)
    }

    /// What this payment takes up of the order's total, while it may still be charged or was.
    fn claims(&self) -> i64 {
        match self.status {
            PaymentStatus::Pending => self.requested.amount,
            PaymentStatus::Authorised | PaymentStatus::Captured | PaymentStatus::PartlyRefunded => {
                rest(self.authorised, self.refunded).amount
            }
            PaymentStatus::Refunded | PaymentStatus::Failed | PaymentStatus::Voided | PaymentStatus::ChargedBack => 0,
        }
    }

    fn may_become(&self, wanted: PaymentStatus) -> Result<(), PaymentRefusal> {
        let status = self.status;
        if status.next().contains(&wanted) {
            return Ok(());
        }
        if status == wanted {
            return Err(PaymentRefusal::NothingToChange { status });
        }
        Err(PaymentRefusal::WrongState { status, wanted })
    }
}

/// What is left of `whole` once `part` is taken. Both come from one payment, which has one currency and keeps the larger
/// one on the left.
fn rest(whole: Money, part: Money) -> Money {
    Money::new(whole.amount - part.amount, whole.currency)
}

impl Payment {
    fn existing(&self) -> Result<&Ledger, PaymentRefusal> {
        self.ledger.as_ref().ok_or(PaymentRefusal::NotFound)
    }

    fn request(&self, command: RequestPayment, services: &Services) -> Result<PaymentEvent, PaymentRefusal> {
        let order = order_of(services)?;
        if !order.is_of(services) && !order.is_served_by(services, StoreRole::Admin) {
            return Err(PaymentRefusal::Forbidden { who: CUSTOMER_OR_STORE });
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
            return Err(PaymentRefusal::Forbidden { who: MODERATOR });
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
        return Err(PaymentRefusal::Forbidden { who: SIGNED_IN });
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
        return Err(PaymentRefusal::Forbidden { who: STORE });
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
        let status = event.status();
        match (event, &mut self.ledger) {
            (PaymentEvent::Requested(event), _) => {
                let nothing = Money::zero(event.amount.currency);
                self.ledger = Some(Ledger {
                    status,
                    method: event.method,
                    installments: event.installments,
                    reference: None,
                    requested: event.amount,
                    authorised: nothing,
                    captured: nothing,
                    refunded: nothing,
                });
            }
            (PaymentEvent::Authorised(event), ledger) => {
                let nothing = Money::zero(event.amount.currency);
                *ledger = Some(Ledger {
                    status,
                    method: event.method,
                    installments: event.installments,
                    reference: event.reference,
                    requested: ledger.as_ref().map_or(event.amount, |ledger| ledger.requested),
                    authorised: event.amount,
                    captured: nothing,
                    refunded: nothing,
                });
            }
            (event, Some(ledger)) => {
                ledger.status = status;
                match event {
                    PaymentEvent::Captured(event) => ledger.captured = event.captured,
                    PaymentEvent::Refunded(event) => ledger.refunded = event.refunded,
                    _ => {}
                }
            }
            (_, None) => {}
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
