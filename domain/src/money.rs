//! Money: an integer of minor units with an ISO 4217 currency, never a float. Arithmetic is checked: a sum over two
//! currencies or past 64 bits is an error, not a surprise.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod currency;
#[cfg(test)]
mod tests;

pub use currency::{Currency, InvalidCurrency};

/// The most that one order may name, in any of its amounts: 10^15 minor units, ten thousand billion euros. Below 2^53, so
/// that a client which reads JSON numbers as doubles reads each amount exactly, and far enough below 64 bits for the sums
/// of an order's amounts.
pub const MOST_AMOUNT: i64 = 1_000_000_000_000_000;

/// An amount in minor units of a currency: cents of a euro, centavos of a real, yen themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 code: `BRL`.
    pub currency: Currency,
}

/// Why two amounts have no sum, or an amount no multiple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currencies differ.
    #[error("{left} and {right} can not be added: an amount has one currency")]
    Currencies {
        /// Of the first amount.
        left: Currency,
        /// Of the second.
        right: Currency,
    },
    /// The result does not fit 64 bits.
    #[error("the amount is larger than 64 bits hold")]
    Overflow,
}

impl Money {
    /// So many minor units of a currency.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_add)
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    /// So many of it.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let amount = self
            .amount
            .checked_mul(i64::from(quantity))
            .ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    /// The sum of these, added in their order, in this currency; of nothing, zero.
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    fn with(self, other: Self, operation: impl Fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies {
                left: self.currency,
                right: other.currency,
            });
        }
        let amount = operation(self.amount, other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} minor units of {}", self.amount, self.currency)
    }
}
