//! A stock of one listing, in the listing's scope: never below zero, never oversold.
//!
//! What is held for a reservation stays on hand until it is confirmed; only what is on hand and not held can be
//! reserved. A reservation is held → confirmed | released | expired, and forgotten then: its story is in the log. One
//! that lapsed is held until somebody expires it, so a payment that comes a second late still finds its goods.
//!
//! Who may: the members of the listing's store, its owner while it has none, and processes, which reserve for orders.
//! Customers do not reserve: whoever could hold stock without ordering could empty a market.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use super::listing::{Listing, ListingKind, ListingState, ListingStatus};
use crate::{
    decision::{Reads, ScopeView, Services, Target},
    entity::Entity,
    family::Family,
    fault,
    id::{ListingId, OrderId, ReservationId, StoreId},
};

mod commands;
mod events;
mod refusal;
#[cfg(test)]
mod tests;

pub use commands::*;
pub use events::*;
pub use refusal::StockRefusal;

/// How many units a stock item counts.
pub const MOST_ON_HAND: u32 = 1_000_000_000;

/// How many reservations a stock item holds at a time.
pub const MOST_RESERVATIONS: usize = 10_000;

/// A stock item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockItem {
    /// Whether anything was ever put in stock.
    pub opened: bool,
    /// What is there, held or not.
    pub on_hand: u32,
    /// What is held, by reservation; together at most what is on hand.
    pub held: BTreeMap<ReservationId, Hold>,
}

/// A reservation that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// How many units.
    pub quantity: u32,
    /// What they are held for.
    pub order: Option<OrderId>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

type Decision = Result<StockEvent, StockRefusal>;

impl StockItem {
    /// Units on hand and not held.
    pub fn available(&self) -> u32 {
        self.on_hand - self.held()
    }

    fn held(&self) -> u32 {
        self.held.values().map(|hold| hold.quantity).sum()
    }

    fn decide(&self, command: StockCommand, services: &Services) -> Decision {
        let id = services
            .target
            .scope
            .parse()
            .map_err(|_| StockRefusal::ListingNotFound)?;
        let listing = listing_of(&services.scope, &services.target.scope).ok_or(StockRefusal::ListingNotFound)?;
        match &command {
            StockCommand::Expire(_) => by_a_moderator(services)?,
            _ => by_its_keepers(listing, services)?,
        }
        if !self.opened && !matches!(command, StockCommand::Adjust(_)) {
            return Err(StockRefusal::NotFound);
        }
        match command {
            StockCommand::Adjust(command) => self.adjust(command, id, listing),
            StockCommand::Reserve(command) => self.reserve(command, id, listing, services.now),
            StockCommand::Confirm(command) => self.confirm(command, id),
            StockCommand::Release(command) => self.release(command, id),
            StockCommand::Expire(command) => self.expire(command, id, services.now),
        }
    }

    fn adjust(&self, command: AdjustStock, id: ListingId, listing: &ListingState) -> Decision {
        let AdjustStock { by, reason } = command;
        if by == 0 {
            return Err(StockRefusal::NothingAsked { field: "/by" });
        }
        fault::optional_text("/reason", reason.as_ref(), 500)?;
        if listing.details.kind() != ListingKind::Product {
            return Err(StockRefusal::NotAProduct);
        }
        if by < 0 && by.unsigned_abs() > self.available() {
            return Err(StockRefusal::OutOfStock {
                available: self.available(),
                wanted: by.unsigned_abs(),
            });
        }
        let on_hand = self
            .on_hand
            .checked_add_signed(by)
            .filter(|on_hand| *on_hand <= MOST_ON_HAND)
            .ok_or(StockRefusal::TooMuch {
                on_hand: self.on_hand,
                by: by.unsigned_abs(),
                limit: MOST_ON_HAND,
            })?;
        let level = level(id, on_hand, self.held());
        Ok(StockAdjusted { by, reason, level }.into())
    }

    fn reserve(&self, command: ReserveStock, id: ListingId, listing: &ListingState, now: DateTime<Utc>) -> Decision {
        let ReserveStock {
            reservation,
            quantity,
            expected_price,
            order,
            expires_at,
        } = command;
        if quantity == 0 {
            return Err(StockRefusal::NothingAsked { field: "/quantity" });
        }
        if expires_at <= now {
            return Err(StockRefusal::ExpiryNotInFuture { expires_at, now });
        }
        let price = match (listing.status, listing.price) {
            (ListingStatus::Published, Some(price)) => price,
            (status, _) => return Err(StockRefusal::NotForSale { status }),
        };
        if price != expected_price {
            return Err(StockRefusal::PriceChanged {
                expected: expected_price,
                price,
            });
        }
        if self.held.contains_key(&reservation) {
            return Err(StockRefusal::AlreadyReserved { reservation });
        }
        if self.held.len() >= MOST_RESERVATIONS {
            return Err(StockRefusal::TooManyReservations {
                held: self.held.len(),
                limit: MOST_RESERVATIONS,
            });
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
            price,
            order,
            expires_at,
            level: level(id, self.on_hand, self.held() + quantity),
        }
        .into())
    }

    fn confirm(&self, ConfirmReservation { reservation }: ConfirmReservation, id: ListingId) -> Decision {
        let &Hold { quantity, order, .. } = self.hold(reservation)?;
        Ok(StockConfirmed {
            reservation,
            quantity,
            order,
            level: level(id, self.on_hand - quantity, self.held() - quantity),
        }
        .into())
    }

    fn release(&self, ReleaseReservation { reservation, reason }: ReleaseReservation, id: ListingId) -> Decision {
        fault::optional_text("/reason", reason.as_ref(), 500)?;
        let &Hold { quantity, order, .. } = self.hold(reservation)?;
        Ok(StockReleased {
            reservation,
            quantity,
            order,
            reason,
            level: level(id, self.on_hand, self.held() - quantity),
        }
        .into())
    }

    fn expire(&self, command: ExpireReservation, id: ListingId, now: DateTime<Utc>) -> Decision {
        let ExpireReservation { reservation } = command;
        let &Hold {
            quantity,
            order,
            expires_at,
        } = self.hold(reservation)?;
        if now < expires_at {
            return Err(StockRefusal::NotYetExpired {
                reservation,
                expires_at,
                now,
            });
        }
        Ok(StockExpired {
            reservation,
            quantity,
            order,
            level: level(id, self.on_hand, self.held() - quantity),
        }
        .into())
    }

    fn hold(&self, reservation: ReservationId) -> Result<&Hold, StockRefusal> {
        self.held
            .get(&reservation)
            .ok_or(StockRefusal::UnknownReservation { reservation })
    }
}

const fn level(listing: ListingId, on_hand: u32, held: u32) -> Level {
    Level { listing, on_hand, held }
}

/// The members of the listing's store, its owner while it has none.
fn by_its_keepers(listing: &ListingState, services: &Services) -> Result<(), StockRefusal> {
    if listing.may_be_changed_by(services) {
        return Ok(());
    }
    Err(StockRefusal::Forbidden {
        needs: "a member of the listing's store, its owner while it has none, or a process",
    })
}

fn by_a_moderator(services: &Services) -> Result<(), StockRefusal> {
    if services.viewer.may_moderate() {
        return Ok(());
    }
    Err(StockRefusal::Forbidden {
        needs: "the system or a moderator",
    })
}

/// The listing whose stock this is; its stream's name is the scope's.
fn listing_of<'a>(scope: &'a ScopeView, listing: &str) -> Option<&'a ListingState> {
    scope.get::<Listing>(listing)?.state.as_ref()
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
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), StockRefusal> {
        let event = self.decide(command, services)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: StockEvent) {
        match event {
            StockEvent::Adjusted(event) => {
                self.opened = true;
                self.on_hand = event.level.on_hand;
            }
            StockEvent::Reserved(event) => {
                let hold = Hold {
                    quantity: event.quantity,
                    order: event.order,
                    expires_at: event.expires_at,
                };
                self.held.insert(event.reservation, hold);
            }
            StockEvent::Confirmed(event) => {
                self.on_hand = event.level.on_hand;
                self.held.remove(&event.reservation);
            }
            StockEvent::Released(StockReleased { reservation, .. })
            | StockEvent::Expired(StockExpired { reservation, .. }) => {
                self.held.remove(&reservation);
            }
        }
    }
}

impl Entity for StockItem {
    const FAMILY: Family = Family::Listing;
    const PREFIX: &'static str = "stk";
    const PATH: &'static str = "listings/{listing}/stock/{stock}";

    fn reads(target: &Target, _command: &StockCommand) -> Reads {
        Reads::Streams(vec![target.scope.clone()])
    }

    fn stores(&self, scope: &ScopeView, _command: &StockCommand) -> Vec<StoreId> {
        // All that a stock command reads is the one listing.
        scope
            .all::<Listing>()
            .filter_map(|(_, listing)| listing.state.as_ref()?.store)
            .collect()
    }
}
