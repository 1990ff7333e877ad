//! Where a payment stands, which is the state machine, and how it is paid.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
