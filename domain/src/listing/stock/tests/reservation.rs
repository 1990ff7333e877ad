//! A reservation: held → confirmed | released | expired.

use super::*;

#[test]
fn a_reservation_is_confirmed_and_its_goods_are_gone() {
    let market = Market::new();
    let asked = reserve(3);
    let reservation = asked.reservation;
    market
        .with(5)
        .given(market.reserved(&asked, 5, 3))
        .when(ConfirmReservation { reservation })
        .then_one(StockConfirmed {
            reservation,
            quantity: 3,
            order: asked.order,
            level: market.level(2, 0),
        })
        .when(ConfirmReservation { reservation })
        .then_refused(StockRefusal::UnknownReservation { reservation });
}

#[test]
fn a_reservation_is_released_and_its_goods_are_available_again() {
    let market = Market::new();
    let asked = reserve(3);
    let reservation = asked.reservation;
    let release = ReleaseReservation {
        reservation,
        reason: Some("payment failed".to_owned()),
    };
    market
        .with(5)
        .given(market.reserved(&asked, 5, 3))
        .when(release.clone())
        .then_one(StockReleased {
            reservation,
            quantity: 3,
            order: asked.order,
            reason: release.reason.clone(),
            level: market.level(5, 0),
        })
        .when(release)
        .then_refused(StockRefusal::UnknownReservation { reservation })
        .when(reserve(5))
        .then_accepted();
}

#[test]
fn a_reservation_expires_when_its_time_is_over_and_not_before() {
    let market = Market::new();
    let asked = reserve(3);
    let reservation = asked.reservation;
    market
        .with(5)
        .given(market.reserved(&asked, 5, 3))
        .by(Viewer::new(UserId::generate(), [Role::System]))
        .when(ExpireReservation { reservation })
        .then_refused(StockRefusal::NotYetExpired {
            reservation,
            expires_at: later(),
            now: NOW,
        })
        .at(later())
        .when(ExpireReservation { reservation })
        .then_one(StockExpired {
            reservation,
            quantity: 3,
            order: asked.order,
            level: market.level(5, 0),
        })
        .when(ExpireReservation { reservation })
        .then_refused(StockRefusal::UnknownReservation { reservation });
}

#[test]
fn what_lapsed_can_be_confirmed_until_it_is_expired() {
    let market = Market::new();
    let asked = reserve(3);
    market
        .with(5)
        .given(market.reserved(&asked, 5, 3))
        .at(later() + TimeDelta::days(1))
        .when(ConfirmReservation {
            reservation: asked.reservation,
        })
        .then_accepted();
}

#[test]
fn a_reservation_is_made_once() {
    let market = Market::new();
    let asked = reserve(1);
    let reservation = asked.reservation;
    market
        .with(5)
        .given(market.reserved(&asked, 5, 1))
        .when(asked)
        .then_refused(StockRefusal::AlreadyReserved { reservation });
}

#[test]
fn a_stock_item_holds_so_many_reservations_and_no_more() {
    let market = Market::new();
    let mut story = market.with(1_000_000);
    for held in 1..=MOST_RESERVATIONS {
        let held = u32::try_from(held).expect("a small number");
        story = story.given(market.reserved(&reserve(1), 1_000_000, held));
    }
    story.when(reserve(1)).then_refused(StockRefusal::TooManyReservations {
        held: MOST_RESERVATIONS,
        limit: MOST_RESERVATIONS,
    });
}
