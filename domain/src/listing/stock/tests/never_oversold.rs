//! The promise of a stock, whatever is asked of it in whatever order.

use proptest::prelude::*;

use super::*;

/// What somebody does to a stock, for the property below; reservations are named by their number.
#[derive(Debug, Clone)]
enum Move {
    Adjust(i32),
    Reserve(u8, u32),
    Confirm(u8),
    Release(u8),
    Expire(u8),
    Wait(u16),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let reservation = 0..12_u8;
    prop::collection::vec(
        prop_oneof![
            prop_oneof![-20..40_i32, any::<i32>()].prop_map(Move::Adjust),
            (reservation.clone(), prop_oneof![0..20_u32, any::<u32>()]).prop_map(|(id, n)| Move::Reserve(id, n)),
            reservation.clone().prop_map(Move::Confirm),
            reservation.clone().prop_map(Move::Release),
            reservation.prop_map(Move::Expire),
            (0..600_u16).prop_map(Move::Wait),
        ],
        0..80,
    )
}

proptest! {
    /// Beside the aggregate runs the plainest book-keeping there is: what came in, what went out, who holds what.
    #[test]
    fn whatever_is_asked_a_stock_is_never_below_zero_and_never_oversold(moves in moves()) {
        let market = Market::new();
        let ids: Vec<ReservationId> = (0..12).map(|_| ReservationId::generate()).collect();
        let mut now = NOW;
        let mut story = market.open().by(trusted());
        let (mut came, mut sold, mut open) = (0_i64, 0_i64, BTreeMap::<u8, i64>::new());
        for step in moves {
            let command: StockCommand = match step {
                Move::Wait(seconds) => {
                    now += TimeDelta::seconds(seconds.into());
                    story = story.at(now);
                    continue;
                }
                Move::Adjust(by) => adjust(by).into(),
                Move::Reserve(id, quantity) => ReserveStock {
                    reservation: ids[usize::from(id)],
                    expires_at: now + TimeDelta::seconds(300),
                    ..reserve(quantity)
                }
                .into(),
                Move::Confirm(id) => ConfirmReservation { reservation: ids[usize::from(id)] }.into(),
                Move::Release(id) => ReleaseReservation { reservation: ids[usize::from(id)], reason: None }.into(),
                Move::Expire(id) => ExpireReservation { reservation: ids[usize::from(id)] }.into(),
            };
            story = story.when(command);
            if story.accepted() {
                match step {
                    Move::Adjust(by) => came += i64::from(by),
                    Move::Reserve(id, quantity) => prop_assert!(open.insert(id, quantity.into()).is_none()),
                    Move::Confirm(id) => sold += open.remove(&id).expect("only what is held is confirmed"),
                    Move::Release(id) | Move::Expire(id) => {
                        open.remove(&id).expect("only what is held is given back");
                    }
                    Move::Wait(_) => {}
                }
            }
            let stock = story.state();
            let held: i64 = open.values().sum();
            prop_assert_eq!(i64::from(stock.on_hand), came - sold);
            prop_assert_eq!(stock.held.len(), open.len());
            prop_assert!(held <= i64::from(stock.on_hand), "{} held of {}", held, stock.on_hand);
            prop_assert_eq!(i64::from(stock.available()), i64::from(stock.on_hand) - held);
            prop_assert!(stock.on_hand <= MOST_ON_HAND);
        }
    }
}
