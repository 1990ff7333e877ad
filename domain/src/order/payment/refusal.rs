//! Why a command for a payment was refused.

use serde::Serialize;

use super::{PaymentMethod, PaymentStatus};
use crate::{
    bounds::OutOfBounds,
    decision::{Refusal, RefusalKind},
    money::{Currency, Money},
    order::order::OrderStatus,
};

/// Why a command for a payment was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PaymentRefusal {
    /// Nobody requested or authorised it.
    #[error("there is no such payment")]
    NotFound,
    /// The order that it would pay does not exist.
    #[error("there is no such order")]
    NoSuchOrder,
    /// It was requested or authorised before.
    #[error("the payment exists already")]
    AlreadyExists,
    /// The viewer has no part in the order that lets them do this.
    #[error("only {needs} may do this")]
    Forbidden {
        /// Who may.
        needs: &'static str,
    },
    /// The payment is where the command would take it.
    #[error("the payment is {status} already")]
    NothingToChange {
        /// Where the payment stands.
        status: PaymentStatus,
    },
    /// No way leads there from where the payment stands.
    #[error("the payment is {status}, it can not be {wanted}")]
    WrongStatus {
        /// Where the payment stands.
        status: PaymentStatus,
        /// Where the command would take it.
        wanted: PaymentStatus,
    },
    /// Nothing more comes of the order, so no more money is taken for it.
    #[error("the order is {order}: no more money is taken for it")]
    OrderIsOff {
        /// Where the order stands.
        order: OrderStatus,
    },
    /// The amount is nothing or less.
    #[error("the amount must be more than nothing")]
    NothingAsked {
        /// The amount.
        amount: Money,
    },
    /// The amount is not in the order's currency.
    #[error("the amount is in {given}, the order in {expected}")]
    OtherCurrency {
        /// The order's.
        expected: Currency,
        /// The amount's.
        given: Currency,
    },
    /// More than there is to take.
    #[error("{wanted} wanted, {available} left to be {action}")]
    AmountTooLarge {
        /// What would be done with it.
        action: PaymentStatus,
        /// What is left.
        available: Money,
        /// Asked for.
        wanted: Money,
    },
    /// It was requested by another method.
    #[error("the payment was requested by {expected}, and not by {given}")]
    OtherMethod {
        /// As requested.
        expected: PaymentMethod,
        /// As given.
        given: PaymentMethod,
    },
    /// The number of instalments is out of range.
    #[error("{given} instalments, 1 to {most} are allowed")]
    Installments {
        /// The most allowed.
        most: u8,
        /// As given.
        given: u8,
    },
    /// A text is too long, or empty.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
}

impl Refusal for PaymentRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound | Self::NoSuchOrder => RefusalKind::NotFound,
            Self::Forbidden { .. } => RefusalKind::Forbidden,
            Self::AlreadyExists
            | Self::NothingToChange { .. }
            | Self::WrongStatus { .. }
            | Self::OrderIsOff { .. }
            | Self::AmountTooLarge { .. }
            | Self::OtherMethod { .. } => RefusalKind::Conflict,
            Self::NothingAsked { .. }
            | Self::OtherCurrency { .. }
            | Self::Installments { .. }
            | Self::OutOfBounds(_) => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<String> {
        Some(match self {
            Self::NothingAsked { .. } | Self::AmountTooLarge { .. } => "/amount".to_owned(),
            Self::OtherCurrency { .. } => "/amount/currency".to_owned(),
            Self::OtherMethod { .. } => "/method".to_owned(),
            Self::Installments { .. } => "/installments".to_owned(),
            Self::OutOfBounds(fault) => fault.field.clone(),
            Self::NotFound
            | Self::NoSuchOrder
            | Self::AlreadyExists
            | Self::Forbidden { .. }
            | Self::NothingToChange { .. }
            | Self::WrongStatus { .. }
            | Self::OrderIsOff { .. } => return None,
        })
    }
}
