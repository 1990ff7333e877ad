//! What a stock item decides, in given/when/then.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::{
    id::{StockId, UserId},
    listing::listing::{Details, ListingCreated, ListingEvent, ListingPublished, Product},
    money::Money,
    scenario::Scenario,
    viewer::{StoreRole, Viewer},
};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn price() -> Money {
    Money::new(199_00, "BRL".parse().expect("a currency"))
}

fn later() -> DateTime<Utc> {
    NOW + TimeDelta::minutes(15)
}

/// A listing with its store, and a member of that store.
struct Market {
    listing: ListingId,
    store: StoreId,
    staff: UserId,
}

impl Market {
    fn new() -> Self {
        Self {
            listing: ListingId::generate(),
            store: StoreId::generate(),
            staff: UserId::generate(),
        }
    }

    fn created(&self, details: Details) -> ListingEvent {
        ListingCreated {
            title: "Feijão".to_owned(),
            description: None,
            details,
            store: Some(self.store),
            owner: self.staff,
            price: Some(price()),
            category: None,
            sub_category: None,
            tags: std::collections::BTreeSet::new(),
        }
        .into()
    }

    fn product(&self, events: impl IntoIterator<Item = ListingEvent>) -> Listing {
        let mut listing = Listing::default();
        listing.apply(self.created(Details::Product(Product::default())));
        events.into_iter().for_each(|event| listing.apply(event));
        listing
    }

    fn beside(&self, listing: Listing) -> Scenario<StockItem> {
        Scenario::new()
            .at(NOW)
            .by(Viewer::new(self.staff, []))
            .member_of(self.store, StoreRole::Staff)
            .target(self.listing, StockId::generate())
            .beside(self.listing, listing)
    }

    /// A stock of a published product, asked by a member of its store.
    fn open(&self) -> Scenario<StockItem> {
        self.beside(self.product([ListingPublished {}.into()]))
    }

    fn with(&self, on_hand: u32) -> Scenario<StockItem> {
        self.open().given(self.adjusted(5, on_hand, 0))
    }

    fn level(&self, on_hand: u32, held: u32) -> Level {
        level(self.listing, on_hand, held)
    }

    fn adjusted(&self, by: i32, on_hand: u32, held: u32) -> StockAdjusted {
        StockAdjusted {
            by,
            reason: None,
            level: self.level(on_hand, held),
        }
    }

    fn reserved(&self, asked: &ReserveStock, on_hand: u32, held: u32) -> StockReserved {
        StockReserved {
            reservation: asked.reservation,
            quantity: asked.quantity,
            price: asked.expected_price,
            order: asked.order,
            expires_at: asked.expires_at,
            level: self.level(on_hand, held),
        }
    }
}

fn adjust(by: i32) -> AdjustStock {
    AdjustStock { by, reason: None }
}

fn reserve(quantity: u32) -> ReserveStock {
    ReserveStock {
        reservation: ReservationId::generate(),
        quantity,
        expected_price: price(),
        order: Some(OrderId::generate()),
        expires_at: later(),
    }
}

#[test]
fn the_first_adjustment_opens_the_stock() {
    let market = Market::new();
    market
        .open()
        .when(adjust(5))
        .then_one(market.adjusted(5, 5, 0))
        .when(adjust(-2))
        .then_one(market.adjusted(-2, 3, 0));
}

#[test]
fn what_is_held_can_not_be_reserved_again() {
    let market = Market::new();
    let hold = reserve(3);
    market
        .with(5)
        .when(hold.clone())
        .then_one(market.reserved(&hold, 5, 3))
        .when(reserve(3))
        .then_refused(StockRefusal::OutOfStock {
            available: 2,
            wanted: 3,
        });
}
