//! Refunded is at most captured, captured at most authorised, and all payments at most the total.

use proptest::prelude::*;

use super::*;

fn any_command() -> impl Strategy<Value = PaymentCommand> {
    let amount = || prop_oneof![Just(None), (-1..=120_00_i64).prop_map(Some)];
    prop_oneof![
        (-1..=120_00_i64).prop_map(|amount| request(amount).into()),
        (-1..=120_00_i64).prop_map(|amount| authorise(amount).into()),
        amount().prop_map(|amount| CapturePayment {
            amount: amount.map(brl)
        }
        .into()),
        amount().prop_map(|amount| RefundPayment {
            amount: amount.map(brl),
            reason: reason()
        }
        .into()),
        Just(VoidPayment { reason: reason() }.into()),
        Just(FailPayment { reason: reason() }.into()),
        Just(ChargeBackPayment { reason: reason() }.into()),
    ]
}

proptest! {
    /// Three payments of one order, and any commands to any of them.
    #[test]
    fn refunded_is_at_most_captured_at_most_authorised_and_all_at_most_the_total(
        commands in prop::collection::vec((0..3_usize, any_command()), 1..40)
    ) {
        let purchase = Purchase::new();
        let ids = [(); 3].map(|()| PaymentId::generate());
        let mut stories: [Vec<PaymentEvent>; 3] = Default::default();
        for (which, command) in commands {
            let mut scenario = purchase.by_system().target(purchase.order, ids[which]);
            for other in (0..3).filter(|other| *other != which) {
                scenario = scenario.beside(ids[other], payment(stories[other].clone()));
            }
            let scenario = given(scenario, stories[which].clone()).when(command);
            stories[which].extend(scenario.answer().iter().flatten().cloned());

            let ledgers: Vec<Ledger> = stories.iter().filter_map(|story| payment(story.clone()).ledger).collect();
            for ledger in &ledgers {
                prop_assert!(0 <= ledger.refunded.amount);
                prop_assert!(ledger.refunded.amount <= ledger.captured.amount);
                prop_assert!(ledger.captured.amount <= ledger.authorised.amount);
                prop_assert!(ledger.authorised.amount <= ledger.requested.amount);
                prop_assert_eq!(
                    ledger.status == PaymentStatus::Refunded,
                    ledger.captured.amount > 0 && ledger.captured == ledger.refunded
                );
            }
            let charged: i64 = ledgers.iter()
                .filter(|ledger| ledger.status != PaymentStatus::ChargedBack)
                .map(|ledger| ledger.captured.amount - ledger.refunded.amount)
                .sum();
            prop_assert!(charged <= 100_00);
        }
    }
}
