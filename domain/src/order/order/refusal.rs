//! Why a command for an order was refused.

use serde::Serialize;

use super::OrderStatus;
use crate::{
    bounds::OutOfBounds,
    decision::{Refusal, RefusalKind},
    money::{Currency, Money},
    order::delivery::DeliveryFault,
};

/// Why a command for an order was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum OrderRefusal {
    /// Nobody placed it.
    #[error("there is no such order")]
    NotFound,
    /// It was placed before.
    #[error("the order was placed before")]
    AlreadyExists,
    /// The viewer has no part in the order that lets them do this.
    #[error("only {needs} may do this")]
    Forbidden {
        /// Who may.
        needs: &'static str,
    },
    /// The order is where the command would take it.
    #[error("the order is {status} already")]
    NothingToChange {
        /// Where the order stands.
        status: OrderStatus,
    },
    /// No way leads there from where the order stands.
    #[error("the order is {status}, it can not be {wanted}")]
    WrongStatus {
        /// Where the order stands.
        status: OrderStatus,
        /// Where the command would take it.
        wanted: OrderStatus,
    },
    /// Nothing was ordered.
    #[error("an order has at least one line")]
    NoLines,
    /// None of something was ordered.
    #[error("the quantity of a line is at least one")]
    NoQuantity {
        /// Which line, from 0.
        line: usize,
    },
    /// More of something was ordered than anybody has.
    #[error("the quantity of a line is at most {most}")]
    QuantityTooLarge {
        /// Which line, from 0.
        line: usize,
        /// The most.
        most: u32,
        /// How many were ordered.
        given: u32,
    },
    /// A text or list is too long, or empty.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// An amount is negative.
    #[error("{field} must not be negative")]
    NegativeAmount {
        /// JSON pointer to it; told beside the facts.
        #[serde(skip)]
        field: String,
        /// The amount.
        amount: Money,
    },
    /// An amount is not in the order's currency.
    #[error("{field} is in {given}, the order in {expected}")]
    OtherCurrency {
        /// JSON pointer to it; told beside the facts.
        #[serde(skip)]
        field: String,
        /// The order's.
        expected: Currency,
        /// The amount's.
        given: Currency,
    },
    /// The subtotal is not the sum of the lines.
    #[error("the lines add up to {expected}, and not to {given}")]
    WrongSubtotal {
        /// The sum of the lines.
        expected: Money,
        /// What the command said.
        given: Money,
    },
    /// The total does not follow from its parts.
    #[error("subtotal - discount + tax + delivery fee is {expected}, and not {given}")]
    WrongTotal {
        /// What follows from the parts.
        expected: Money,
        /// What the command said.
        given: Money,
    },
    /// An amount, or what it must come to, is larger than an order's may be.
    #[error("{field} must not be more than {most}")]
    AmountTooLarge {
        /// JSON pointer to it; told beside the facts.
        #[serde(skip)]
        field: String,
        /// The most.
        most: Money,
    },
    /// It has to go somewhere, and no address says where.
    #[error("an address is needed unless the order is collected")]
    AddressMissing,
    /// The country is not a code.
    #[error("a country is an ISO 3166-1 code of two upper-case letters, such as BR")]
    CountryUnknown,
    /// The slot ends before it begins.
    #[error("the slot must end after it begins")]
    SlotEndsFirst,
}

impl From<DeliveryFault> for OrderRefusal {
    fn from(fault: DeliveryFault) -> Self {
        match fault {
            DeliveryFault::AddressMissing => Self::AddressMissing,
            DeliveryFault::SlotEndsFirst => Self::SlotEndsFirst,
            DeliveryFault::CountryUnknown => Self::CountryUnknown,
            DeliveryFault::OutOfBounds(fault) => Self::OutOfBounds(fault),
        }
    }
}

impl Refusal for OrderRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::Forbidden { .. } => RefusalKind::Forbidden,
            Self::AlreadyExists | Self::NothingToChange { .. } | Self::WrongStatus { .. } => RefusalKind::Conflict,
            Self::NoLines
            | Self::NoQuantity { .. }
            | Self::OutOfBounds(_)
            | Self::NegativeAmount { .. }
            | Self::OtherCurrency { .. }
            | Self::WrongSubtotal { .. }
            | Self::WrongTotal { .. }
            | Self::AmountTooLarge { .. }
            | Self::QuantityTooLarge { .. }
            | Self::AddressMissing
            | Self::CountryUnknown
            | Self::SlotEndsFirst => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<String> {
        Some(match self {
            Self::NoLines => "/lines".to_owned(),
            Self::NoQuantity { line } | Self::QuantityTooLarge { line, .. } => format!("/lines/{line}/quantity"),
            Self::OutOfBounds(fault) => fault.field.clone(),
            Self::NegativeAmount { field, .. }
            | Self::OtherCurrency { field, .. }
            | Self::AmountTooLarge { field, .. } => field.clone(),
            Self::WrongSubtotal { .. } => "/subtotal".to_owned(),
            Self::WrongTotal { .. } => "/total".to_owned(),
            Self::AddressMissing => "/delivery/address".to_owned(),
            Self::CountryUnknown => "/delivery/address/country".to_owned(),
            Self::SlotEndsFirst => "/delivery/slot/until".to_owned(),
            Self::NotFound
            | Self::AlreadyExists
            | Self::Forbidden { .. }
            | Self::NothingToChange { .. }
            | Self::WrongStatus { .. } => return None,
        })
    }
}
