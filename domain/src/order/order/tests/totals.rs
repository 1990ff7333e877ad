//! Any order that is accepted adds up.

use proptest::prelude::*;

use super::*;

/// An order that adds up: lines that cost something, and a discount that leaves something.
fn adding_up() -> impl Strategy<Value = PlaceOrder> {
    let lines = prop::collection::vec((1..1_000_000_i64, 1..1_000_u32), 1..20);
    (lines, 0..=100_i64, 0..1_000_000_i64, 0..1_000_000_i64).prop_map(|(lines, percent, tax, fee)| {
        let purchase = Purchase::new();
        let subtotal: i64 = lines.iter().map(|(price, count)| price * i64::from(*count)).sum();
        let discount = subtotal * percent / 100;
        PlaceOrder {
            lines: lines
                .into_iter()
                .map(|(price, count)| purchase.line(purchase.store, price, count))
                .collect(),
            subtotal: brl(subtotal),
            discount: Some(brl(discount)),
            tax: Some(brl(tax)),
            delivery_fee: Some(brl(fee)),
            total: brl(subtotal - discount + tax + fee),
            ..purchase.command()
        }
    })
}

/// The command with one of its numbers changed by this much.
fn with_one_number_off(mut command: PlaceOrder, which: usize, by: i64) -> PlaceOrder {
    let add = |amount: &mut Money| amount.amount += by;
    match which {
        0 => add(&mut command.subtotal),
        1 => command.discount.iter_mut().for_each(add),
        2 => command.tax.iter_mut().for_each(add),
        3 => command.delivery_fee.iter_mut().for_each(add),
        4 => add(&mut command.total),
        5 => add(&mut command.lines[0].unit_price),
        _ => command.lines[0].quantity += u32::try_from(by.abs()).expect("a small number"),
    }
    command
}

proptest! {
    #[test]
    fn any_order_that_is_accepted_adds_up(command in adding_up()) {
        let purchase = Purchase::new();
        let story = purchase.by_customer().when(command);
        let Ok([OrderEvent::Placed(placed)]) = story.answer().as_deref() else {
            return Err(TestCaseError::fail(format!("{:?}", story.answer())));
        };
        let lines: i64 = placed.lines.iter().map(|line| line.unit_price.amount * i64::from(line.quantity)).sum();
        prop_assert_eq!(placed.subtotal.amount, lines);
        prop_assert_eq!(
            placed.total.amount,
            placed.subtotal.amount - placed.discount.amount + placed.tax.amount + placed.delivery_fee.amount
        );
        let currencies: std::collections::BTreeSet<Currency> = placed.lines.iter().map(|line| line.unit_price.currency)
            .chain([placed.subtotal, placed.discount, placed.tax, placed.delivery_fee, placed.total].map(|it| it.currency))
            .collect();
        prop_assert_eq!(currencies.len(), 1);
    }

    #[test]
    fn an_order_with_one_number_off_is_refused(
        command in adding_up(),
        which in 0..7_usize,
        by in prop_oneof![-1_000..0_i64, 1..1_000_i64],
    ) {
        let purchase = Purchase::new();
        let story = purchase.by_customer().when(with_one_number_off(command, which, by));
        let refused = matches!(
            story.answer(),
            Err(OrderRefusal::WrongSubtotal { .. }
                | OrderRefusal::WrongTotal { .. }
                | OrderRefusal::NegativeAmount { .. })
        );
        prop_assert!(refused, "{:?}", story.answer());
    }
}
