//! A stock of one listing, in the listing's scope: never below zero, never oversold.
//!
//! What is held for a reservation stays on hand until it is confirmed; only what is on hand and not held can be
//! reserved. A reservation that is confirmed, released or expired is forgotten: its story is in the log.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, event_sink::EventSink};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    commands,
    decision::{Refusal, RefusalKind, Services},
    entity::Entity,
    events,
    family::Family,
    id::{OrderId, ReservationId},
};

/// A stock item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StockItem {
    /// What is there, held or not.
    pub on_hand: u32,
    /// What is held, by reservation.
    pub held: BTreeMap<ReservationId, Hold>,
}

/// A reservation that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// How many.
    pub quantity: u32,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

commands! {
    /// What can be asked of a stock item.
    pub enum StockCommand {
        Adjust(AdjustStock) = "adjust", "Adds to or takes from what is on hand.";
        Reserve(ReserveStock) = "reserve", "Holds some of what is available until a time.";
    }
}

/// Adds to or takes from what is on hand. The first adjustment opens the stock item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AdjustStock {
    /// How many more, or fewer when negative; not zero.
    pub by: i32,
    /// Why: a delivery, a count, breakage.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Holds some of what is available until a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReserveStock {
    /// The reservation, named by whoever asks.
    pub reservation: ReservationId,
    /// How many; not zero.
    pub quantity: u32,
    /// What it is held for.
    #[serde(default)]
    pub order: Option<OrderId>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

events! {
    /// What happened to a stock item.
    pub enum StockEvent {
        Adjusted(StockAdjusted) = "stock.adjusted.v1";
        Reserved(StockReserved) = "stock.reserved.v1";
    }
}

/// What is on hand changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockAdjusted {
    /// How many more, or fewer when negative.
    pub by: i32,
    /// What is on hand now.
    pub on_hand: u32,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Some of the stock is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockReserved {
    /// The reservation.
    pub reservation: ReservationId,
    /// How many.
    pub quantity: u32,
    /// What it is held for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// Why a command for a stock item was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum StockRefusal {
    /// An adjustment or a reservation of nothing.
    #[error("the quantity must not be zero")]
    NothingAsked,
    /// More was asked for than is available.
    #[error("{wanted} wanted, {available} available")]
    OutOfStock {
        /// On hand and not held.
        available: u32,
        /// Asked for.
        wanted: u32,
    },
}

impl Refusal for StockRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NothingAsked => RefusalKind::Invalid,
            Self::OutOfStock { .. } => RefusalKind::Conflict,
        }
    }
}

impl StockItem {
    /// What is on hand and not held.
    pub fn available(&self) -> u32 {
        self.on_hand - self.held.values().map(|hold| hold.quantity).sum::<u32>()
    }

    fn adjust(&self, command: AdjustStock) -> Result<StockEvent, StockRefusal> {
        if command.by == 0 {
            return Err(StockRefusal::NothingAsked);
        }
        let refused = StockRefusal::OutOfStock {
            available: self.available(),
            wanted: command.by.unsigned_abs(),
        };
        if command.by < 0 && command.by.unsigned_abs() > self.available() {
            return Err(refused);
        }
        let on_hand = self.on_hand.checked_add_signed(command.by).ok_or(refused)?;
        Ok(StockAdjusted {
            by: command.by,
            on_hand,
            reason: command.reason,
        }
        .into())
    }

    fn reserve(&self, command: ReserveStock) -> Result<StockEvent, StockRefusal> {
        let ReserveStock {
            reservation,
            quantity,
            order,
            expires_at,
        } = command;
        if quantity == 0 {
            return Err(StockRefusal::NothingAsked);
        }
        if quantity > self.available() {
            return Err(StockRefusal::OutOfStock {
                available: self.available(),
                wanted: quantity,
            });
        }
        Ok(StockReserved {
            reservation,
            quantity,
            order,
            expires_at,
        }
        .into())
    }
}

impl Aggregate for StockItem {
    const TYPE: &'static str = "stock";
    type Command = StockCommand;
    type Event = StockEvent;
    type Error = StockRefusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: StockCommand,
        _services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), StockRefusal> {
        let event = match command {
            StockCommand::Adjust(command) => self.adjust(command)?,
            StockCommand::Reserve(command) => self.reserve(command)?,
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: StockEvent) {
        match event {
            StockEvent::Adjusted(event) => self.on_hand = event.on_hand,
            StockEvent::Reserved(event) => {
                self.held.insert(
                    event.reservation,
                    Hold {
                        quantity: event.quantity,
                        expires_at: event.expires_at,
                    },
                );
            }
        }
    }
}

impl Entity for StockItem {
    const FAMILY: Family = Family::Listing;
    const PREFIX: &'static str = "stk";
    const PATH: &'static str = "listings/{listing}/stock/{stock}";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn what_is_held_can_not_be_reserved_again() {
        let hold = ReserveStock {
            reservation: ReservationId::generate(),
            quantity: 3,
            order: None,
            expires_at: DateTime::UNIX_EPOCH,
        };
        Scenario::<StockItem>::new()
            .given(StockAdjusted {
                by: 5,
                on_hand: 5,
                reason: None,
            })
            .when(hold.clone())
            .then_one(StockReserved {
                reservation: hold.reservation,
                quantity: 3,
                order: None,
                expires_at: hold.expires_at,
            })
            .when(ReserveStock {
                reservation: ReservationId::generate(),
                ..hold
            })
            .then_refused(StockRefusal::OutOfStock {
                available: 2,
                wanted: 3,
            });
    }
}
