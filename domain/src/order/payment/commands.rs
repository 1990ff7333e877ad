//! What can be asked of a payment, with the limits of each command.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PaymentMethod;
use crate::{commands, money::Money};

commands! {
    /// What can be asked of a payment.
    pub enum PaymentCommand {
        Request(RequestPayment) = "request", "Asks for an amount that is not there yet.";
        Authorise(AuthorisePayment) = "authorise", "Sets an amount aside for the order.";
        Capture(CapturePayment) = "capture", "Charges what was authorised, or part of it.";
        Void(VoidPayment) = "void", "Lets go of what was not charged.";
        Refund(RefundPayment) = "refund", "Gives back what was charged, or part of it.";
        Fail(FailPayment) = "fail", "Says that the money could not be had.";
        ChargeBack(ChargeBackPayment) = "charge-back", "Says that the customer's bank took the money back.";
    }
}

/// The longest reason or reference, in characters.
pub const LONGEST_REASON: usize = 500;
/// The most instalments.
pub const MOST_INSTALLMENTS: u8 = 60;

/// Asks for an amount that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RequestPayment {
    /// How much; more than nothing.
    pub amount: Money,
    /// How it is to be paid.
    pub method: PaymentMethod,
    /// In how many instalments: 1 to 60.
    #[serde(default)]
    pub installments: Option<u8>,
}

/// Sets an amount aside for the order. It is the first command of a payment that nobody requested; one that was
/// requested is authorised by the same method, and for no more than was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AuthorisePayment {
    /// How much; more than nothing.
    pub amount: Money,
    /// How it is paid.
    pub method: PaymentMethod,
    /// In how many instalments: 1 to 60.
    #[serde(default)]
    pub installments: Option<u8>,
    /// The payment provider's name for it.
    #[serde(default)]
    pub reference: Option<String>,
}

/// Charges what was authorised, or part of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CapturePayment {
    /// How much; all that is left when it is left out.
    #[serde(default)]
    pub amount: Option<Money>,
}

/// Lets go of what was not charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VoidPayment {
    /// Why.
    pub reason: String,
}

/// Gives back what was charged, or part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RefundPayment {
    /// How much; all that is left when it is left out.
    #[serde(default)]
    pub amount: Option<Money>,
    /// Why.
    pub reason: String,
}

/// Says that the money could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FailPayment {
    /// Why.
    pub reason: String,
}

/// Says that the customer's bank took the money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChargeBackPayment {
    /// Why.
    pub reason: String,
}
