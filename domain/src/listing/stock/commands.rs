//! What can be asked of a stock item.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    commands,
    id::{OrderId, ReservationId},
    money::Money,
};

commands! {
    /// What can be asked of a stock item.
    pub enum StockCommand {
        Adjust(AdjustStock) = "adjust", "Adds to or takes from what is on hand.";
        Reserve(ReserveStock) = "reserve", "Holds some of what is available until a time.";
        Confirm(ConfirmReservation) = "confirm", "Takes what a reservation holds off the stock: it is sold.";
        Release(ReleaseReservation) = "release", "Gives back what a reservation holds.";
        Expire(ExpireReservation) = "expire", "Gives back what a reservation holds whose time is over; the system's or a moderator's.";
    }
}

/// Adds to or takes from what is on hand. The first adjustment opens the stock item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AdjustStock {
    /// How many units more, or fewer when negative; not zero.
    pub by: i32,
    /// Why: a delivery, a count, breakage; at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Holds some of what is available until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReserveStock {
    /// The reservation, named by whoever asks.
    pub reservation: ReservationId,
    /// How many units; not zero.
    pub quantity: u32,
    /// The price of one unit that the customer was shown: the listing's must be the same.
    pub expected_price: Money,
    /// What it is held for.
    #[serde(default)]
    pub order: Option<OrderId>,
    /// When it lapses; in the future.
    pub expires_at: DateTime<Utc>,
}

/// Takes what a reservation holds off the stock: it is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfirmReservation {
    /// The reservation.
    pub reservation: ReservationId,
}

/// Gives back what a reservation holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleaseReservation {
    /// The reservation.
    pub reservation: ReservationId,
    /// Why, at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Gives back what a reservation holds whose time is over; the system's or a moderator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpireReservation {
    /// The reservation.
    pub reservation: ReservationId,
}
