//! How far an order has come: the state machine.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// The customer ordered.
    Placed,
    /// The store takes it on.
    Confirmed,
    /// The store does not take it on.
    Refused,
    /// The store prepares it.
    Preparing,
    /// It waits to be dispatched.
    Ready,
    /// It waits for the customer.
    AwaitingCollection,
    /// It is on its way.
    Dispatched,
    /// The customer has it.
    Delivered,
    /// The customer gave it back.
    Returned,
    /// Nothing came of it.
    Cancelled,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Placed,
        Self::Confirmed,
        Self::Refused,
        Self::Preparing,
        Self::Ready,
        Self::AwaitingCollection,
        Self::Dispatched,
        Self::Delivered,
        Self::Returned,
        Self::Cancelled,
    ];

    /// Where an order may go from here: the state machine.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Placed => &[Self::Confirmed, Self::Refused, Self::Cancelled],
            Self::Confirmed => &[Self::Preparing, Self::Cancelled],
            Self::Preparing => &[Self::Ready, Self::AwaitingCollection, Self::Cancelled],
            Self::Ready => &[Self::Dispatched, Self::Cancelled],
            Self::AwaitingCollection | Self::Dispatched => &[Self::Delivered, Self::Cancelled],
            Self::Delivered => &[Self::Returned],
            Self::Refused | Self::Returned | Self::Cancelled => &[],
        }
    }

    /// The name, as it stands in events: `awaiting-collection`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::AwaitingCollection => "awaiting-collection",
            Self::Dispatched => "dispatched",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
