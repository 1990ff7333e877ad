//! What happened to a payment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PaymentMethod, PaymentStatus};
use crate::{events, money::Money};

events! {
    /// What happened to a payment.
    pub enum PaymentEvent {
        Requested(PaymentRequested) = "payment.requested.v1";
        Authorised(PaymentAuthorised) = "payment.authorised.v1";
        Captured(PaymentCaptured) = "payment.captured.v1";
        Voided(PaymentVoided) = "payment.voided.v1";
        Refunded(PaymentRefunded) = "payment.refunded.v1";
        Failed(PaymentFailed) = "payment.failed.v1";
        ChargedBack(PaymentChargedBack) = "payment.charged-back.v1";
    }
}

/// An amount was asked for, and is not there yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequested {
    /// How much.
    pub amount: Money,
    /// How it is to be paid.
    pub method: PaymentMethod,
    /// In how many instalments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installments: Option<u8>,
}

/// An amount is set aside for the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentAuthorised {
    /// How much.
    pub amount: Money,
    /// How it is paid.
    pub method: PaymentMethod,
    /// In how many instalments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installments: Option<u8>,
    /// The payment provider's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Money was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCaptured {
    /// How much this time.
    pub amount: Money,
    /// How much in all.
    pub captured: Money,
}

/// What was asked for or set aside was let go, uncharged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentVoided {
    /// Why.
    pub reason: String,
}

/// Money was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// How much this time.
    pub amount: Money,
    /// How much in all.
    pub refunded: Money,
    /// How much of what was charged is left: nothing, once all is refunded.
    pub remaining: Money,
    /// Why.
    pub reason: String,
}

/// The money could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFailed {
    /// Why.
    pub reason: String,
}

/// The customer's bank took the money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentChargedBack {
    /// How much: what was charged and not yet refunded.
    pub amount: Money,
    /// Why.
    pub reason: String,
}

impl PaymentEvent {
    /// Where the payment stands after this event: the event alone tells.
    pub const fn status(&self) -> PaymentStatus {
        match self {
            Self::Requested(_) => PaymentStatus::Pending,
            Self::Authorised(_) => PaymentStatus::Authorised,
            Self::Captured(_) => PaymentStatus::Captured,
            Self::Voided(_) => PaymentStatus::Voided,
            Self::Refunded(event) if event.remaining.amount == 0 => PaymentStatus::Refunded,
            Self::Refunded(_) => PaymentStatus::PartlyRefunded,
            Self::Failed(_) => PaymentStatus::Failed,
            Self::ChargedBack(_) => PaymentStatus::ChargedBack,
        }
    }
}
