//! What a stock item decides, in given/when/then.

mod never_oversold;
mod reservation;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::{
    decision::RefusalKind,
    id::{StockId, UserId},
    listing::listing::{
        Details, ListingArchived, ListingCreated, ListingEvent, ListingPaused, ListingPublished, Product, Showcase,
    },
    money::Money,
    scenario::Scenario,
    viewer::{Role, StoreRole, Viewer},
};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn price() -> Money {
    Money::new(19_900, "BRL".parse().expect("a currency"))
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

#[test]
fn only_what_is_published_is_reserved() {
    let market = Market::new();
    let published = || ListingPublished {}.into();
    for (events, status) in [
        (vec![], ListingStatus::Draft),
        (vec![published(), ListingPaused {}.into()], ListingStatus::Paused),
        (
            vec![published(), ListingPaused {}.into(), ListingArchived {}.into()],
            ListingStatus::Archived,
        ),
    ] {
        market
            .beside(market.product(events))
            .given(market.adjusted(5, 5, 0))
            .when(reserve(1))
            .then_refused(StockRefusal::NotForSale { status });
    }
}

#[test]
fn the_price_is_the_one_that_the_customer_was_shown() {
    let market = Market::new();
    let dearer = Money::new(price().amount + 1, price().currency);
    let euros = Money::new(price().amount, "EUR".parse().expect("a currency"));
    for expected in [dearer, euros] {
        market
            .with(5)
            .when(ReserveStock {
                expected_price: expected,
                ..reserve(1)
            })
            .then_refused(StockRefusal::PriceChanged {
                expected,
                price: price(),
            });
    }
}

#[test]
fn nothing_is_adjusted_or_reserved_by_zero() {
    let market = Market::new();
    market
        .with(5)
        .when(adjust(0))
        .then_refused(StockRefusal::NothingAsked { field: "/by" })
        .when(reserve(0))
        .then_refused(StockRefusal::NothingAsked { field: "/quantity" });
}

#[test]
fn a_reservation_does_not_lapse_before_it_begins() {
    Market::new()
        .with(5)
        .when(ReserveStock {
            expires_at: NOW,
            ..reserve(1)
        })
        .then_refused(StockRefusal::ExpiryNotInFuture {
            expires_at: NOW,
            now: NOW,
        });
}

#[test]
fn what_is_held_is_not_taken_away() {
    let market = Market::new();
    market
        .with(5)
        .given(market.reserved(&reserve(3), 5, 3))
        .when(adjust(-3))
        .then_refused(StockRefusal::OutOfStock {
            available: 2,
            wanted: 3,
        })
        .when(adjust(-2))
        .then_one(market.adjusted(-2, 3, 3));
}

#[test]
fn a_stock_item_counts_so_far_and_no_further() {
    let market = Market::new();
    market
        .with(MOST_ON_HAND)
        .when(adjust(1))
        .then_refused(StockRefusal::TooMuch {
            on_hand: MOST_ON_HAND,
            by: 1,
            limit: MOST_ON_HAND,
        })
        .when(adjust(i32::MIN))
        .then_refused(StockRefusal::OutOfStock {
            available: MOST_ON_HAND,
            wanted: 1 << 31,
        });
}

#[test]
fn reasons_are_bounded() {
    let market = Market::new();
    let reason = Some("x".repeat(501));
    let adjusted = market.with(5).when(AdjustStock {
        by: 1,
        reason: reason.clone(),
    });
    assert_eq!(adjusted.refused_field(), "/reason");
    let asked = reserve(1);
    let released = market
        .with(5)
        .given(market.reserved(&asked, 5, 1))
        .when(ReleaseReservation {
            reservation: asked.reservation,
            reason,
        });
    assert_eq!(released.refused_field(), "/reason");
}

#[test]
fn only_products_have_a_stock() {
    let market = Market::new();
    let mut listing = Listing::default();
    listing.apply(market.created(Details::Showcase(Showcase {
        tagline: "Beans, counted".to_owned(),
        url: None,
        makers: Vec::new(),
    })));
    market
        .beside(listing)
        .when(adjust(1))
        .then_refused(StockRefusal::NotAProduct);
}

fn one_of_each() -> Vec<StockCommand> {
    let reservation = ReservationId::generate();
    vec![
        adjust(1).into(),
        reserve(1).into(),
        ConfirmReservation { reservation }.into(),
        ReleaseReservation {
            reservation,
            reason: None,
        }
        .into(),
        ExpireReservation { reservation }.into(),
    ]
}

fn trusted() -> Viewer {
    Viewer::new(UserId::generate(), [Role::System])
}

#[test]
fn before_the_first_adjustment_there_is_no_stock_item() {
    for command in one_of_each().into_iter().skip(1) {
        Market::new()
            .open()
            .by(trusted())
            .when(command)
            .then_refused(StockRefusal::NotFound);
    }
}

#[test]
fn there_is_no_stock_without_its_listing() {
    for command in one_of_each() {
        Scenario::<StockItem>::new()
            .by(trusted())
            .target(ListingId::generate(), StockId::generate())
            .when(command)
            .then_refused(StockRefusal::ListingNotFound);
    }
}

#[test]
fn an_unknown_reservation_is_not_found() {
    for command in one_of_each().into_iter().skip(2) {
        let answer = Market::new().with(5).by(trusted()).when(command);
        assert_eq!(answer.refused_kind(), RefusalKind::NotFound);
    }
}

#[test]
fn only_the_store_and_processes_touch_a_stock() {
    let market = Market::new();
    for command in one_of_each() {
        let needs = match command {
            StockCommand::Expire(_) => "the system or a moderator",
            _ => "a member of the listing's store, its owner while it has none, or a process",
        };
        for viewer in [Viewer::anonymous(), Viewer::new(UserId::generate(), [])] {
            market
                .beside(market.product([ListingPublished {}.into()]))
                .not_member_of(market.store)
                .by(viewer)
                .when(command.clone())
                .then_refused(StockRefusal::Forbidden { needs });
        }
    }
    market.open().by(trusted()).when(adjust(1)).then_accepted();
}

#[test]
fn a_member_of_the_store_does_not_expire_reservations() {
    let reservation = ReservationId::generate();
    Market::new()
        .with(5)
        .when(ExpireReservation { reservation })
        .then_refused(StockRefusal::Forbidden {
            needs: "the system or a moderator",
        });
}
