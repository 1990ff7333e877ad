//! What a payment amounts to: set aside, charged and given back, each apart.

use serde::{Deserialize, Serialize};

use super::{PaymentEvent, PaymentMethod, PaymentRefusal, PaymentStatus};
use crate::money::Money;

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

impl Ledger {
    /// The ledger that a first event opens.
    pub(super) fn opened(event: PaymentEvent) -> Option<Self> {
        let status = event.status();
        let (requested, authorised, method, installments, reference) = match event {
            PaymentEvent::Requested(event) => {
                let nothing = Money::zero(event.amount.currency);
                (event.amount, nothing, event.method, event.installments, None)
            }
            PaymentEvent::Authorised(event) => (
                event.amount,
                event.amount,
                event.method,
                event.installments,
                event.reference,
            ),
            _ => return None,
        };
        let nothing = Money::zero(requested.currency);
        Some(Self {
            status,
            method,
            installments,
            reference,
            requested,
            authorised,
            captured: nothing,
            refunded: nothing,
        })
    }

    pub(super) fn apply(&mut self, event: PaymentEvent) {
        self.status = event.status();
        match event {
            PaymentEvent::Authorised(event) => {
                self.authorised = event.amount;
                self.installments = event.installments;
                self.reference = event.reference;
            }
            PaymentEvent::Captured(event) => self.captured = event.captured,
            PaymentEvent::Refunded(event) => self.refunded = event.refunded,
            PaymentEvent::Requested(_)
            | PaymentEvent::Voided(_)
            | PaymentEvent::Failed(_)
            | PaymentEvent::ChargedBack(_) => {}
        }
    }

    /// What is set aside and not charged yet.
    pub(super) fn uncaptured(&self) -> Money {
        rest(self.authorised, self.captured)
    }

    /// What was charged and not given back.
    pub(super) fn unrefunded(&self) -> Money {
        rest(self.captured, self.refunded)
    }

    /// What this payment takes up of the order's total, while it may still be charged or was.
    pub(super) fn claims(&self) -> i64 {
        match self.status {
            PaymentStatus::Pending => self.requested.amount,
            PaymentStatus::Authorised | PaymentStatus::Captured | PaymentStatus::PartlyRefunded => {
                rest(self.authorised, self.refunded).amount
            }
            PaymentStatus::Refunded | PaymentStatus::Failed | PaymentStatus::Voided | PaymentStatus::ChargedBack => 0,
        }
    }

    pub(super) fn may_become(&self, wanted: PaymentStatus) -> Result<(), PaymentRefusal> {
        let status = self.status;
        if status.next().contains(&wanted) {
            return Ok(());
        }
        if status == wanted {
            return Err(PaymentRefusal::NothingToChange { status });
        }
        Err(PaymentRefusal::WrongStatus { status, wanted })
    }
}

/// What is left of `whole` once `part` is taken. Both come from one payment, which has one currency and keeps the larger
/// one on the left.
pub(super) fn rest(whole: Money, part: Money) -> Money {
    Money::new(whole.amount - part.amount, whole.currency)
}
