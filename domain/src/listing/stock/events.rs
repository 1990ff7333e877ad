//! What happened to a stock item. Each event tells how it left the stock, so that a projection looks nothing up.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    events,
    id::{ListingId, OrderId, ReservationId},
    money::Money,
};

events! {
    /// What happened to a stock item.
    pub enum StockEvent {
        Adjusted(StockAdjusted) = "stock.adjusted.v1";
        Reserved(StockReserved) = "stock.reserved.v1";
        Confirmed(StockConfirmed) = "stock.confirmed.v1";
        Released(StockReleased) = "stock.released.v1";
        Expired(StockExpired) = "stock.expired.v1";
    }
}

/// How a stock item stands after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// The listing whose stock it is.
    pub listing: ListingId,
    /// Units there, held or not.
    pub on_hand: u32,
    /// Units held by reservations; at most what is on hand.
    pub held: u32,
}

/// What is on hand changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockAdjusted {
    /// How many units more, or fewer when negative.
    pub by: i32,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it stands now.
    pub level: Level,
}

/// Some of the stock is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockReserved {
    /// The reservation.
    pub reservation: ReservationId,
    /// How many units.
    pub quantity: u32,
    /// The price of one unit, as the listing had it.
    pub price: Money,
    /// What it is held for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// How it stands now.
    pub level: Level,
}

/// What a reservation held is sold, and no longer on hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockConfirmed {
    /// The reservation.
    pub reservation: ReservationId,
    /// How many units.
    pub quantity: u32,
    /// What it was held for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// How it stands now.
    pub level: Level,
}

/// What a reservation held is available again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockReleased {
    /// The reservation.
    pub reservation: ReservationId,
    /// How many units.
    pub quantity: u32,
    /// What it was held for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it stands now.
    pub level: Level,
}

/// A reservation's time is over, and what it held is available again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockExpired {
    /// The reservation.
    pub reservation: ReservationId,
    /// How many units.
    pub quantity: u32,
    /// What it was held for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// How it stands now.
    pub level: Level,
}
