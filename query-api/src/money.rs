//! Amounts in GraphQL. `Int` has 32 bits there; minor units need 64, so they have a scalar of their own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};

/// A 64-bit integer, as a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Long(pub i64);

#[Scalar]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number
                .as_i64()
                .map(Self)
                .ok_or_else(|| InputValueError::custom("not 64 bits")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct Money {
    /// Minor units: cents, centavos; yen have none.
    pub amount: Long,
    /// ISO 4217 code.
    pub currency: String,
}

impl Money {
    /// So many minor units.
    pub fn new(amount: i64, currency: &str) -> Self {
        Self {
            amount: Long(amount),
            currency: currency.to_owned(),
        }
    }
}
