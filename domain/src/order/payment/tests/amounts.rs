//! What may be asked for, set aside, charged and given back.

use super::*;

#[test]
fn what_is_captured_whole_can_not_be_captured_again() {
    given(Purchase::new().by_system(), history(PaymentStatus::Authorised))
        .given(captured(100_00, 100_00))
        .when(CapturePayment::default())
        .then_refused(PaymentRefusal::NothingToChange {
            status: PaymentStatus::Captured,
        });
}

#[test]
fn a_capture_never_exceeds_what_was_authorised() {
    given(Purchase::new().by_system(), history(PaymentStatus::Captured))
        .when(capture(50_01))
        .then_refused(PaymentRefusal::AmountTooLarge {
            action: PaymentStatus::Captured,
            available: brl(50_00),
            wanted: brl(50_01),
        });
}

#[test]
fn a_refund_never_exceeds_what_was_captured() {
    given(Purchase::new().by_system(), history(PaymentStatus::PartlyRefunded))
        .when(refund(40_01))
        .then_refused(PaymentRefusal::AmountTooLarge {
            action: PaymentStatus::Refunded,
            available: brl(40_00),
            wanted: brl(40_01),
        });
}

#[test]
fn an_authorisation_keeps_to_what_was_requested() {
    let story = Purchase::new().by_system().given(requested(80_00));
    story
        .when(authorise(80_01))
        .then_refused(PaymentRefusal::AmountTooLarge {
            action: PaymentStatus::Authorised,
            available: brl(80_00),
            wanted: brl(80_01),
        })
        .when(AuthorisePayment {
            method: PaymentMethod::Boleto,
            ..authorise(80_00)
        })
        .then_refused(PaymentRefusal::OtherMethod {
            expected: PaymentMethod::Card,
            given: PaymentMethod::Boleto,
        });
}

#[test]
fn a_charge_back_takes_what_was_captured_and_not_refunded() {
    given(Purchase::new().by_system(), history(PaymentStatus::PartlyRefunded))
        .when(ChargeBackPayment { reason: reason() })
        .then_one(PaymentChargedBack {
            amount: brl(40_00),
            reason: reason(),
        });
}

#[test]
fn the_payments_of_an_order_never_exceed_its_total() {
    use PaymentStatus as Is;
    let purchase = Purchase::new();
    let other = PaymentId::generate;
    let full = |available| PaymentRefusal::AmountTooLarge {
        action: PaymentStatus::Authorised,
        available: brl(available),
        wanted: brl(60_01),
    };
    // Of 100,00 another payment of 100,00 leaves so much, as it stands.
    for (status, available) in [
        (Is::Pending, 0),
        (Is::Authorised, 0),
        (Is::Captured, 0),
        (Is::PartlyRefunded, 10_00),
    ] {
        purchase
            .by_system()
            .beside(other(), payment(history(status)))
            .when(authorise(60_01))
            .then_refused(full(available))
            .when(request(60_01))
            .then_refused(full(available));
    }
    for status in [Is::Refunded, Is::Failed, Is::Voided, Is::ChargedBack] {
        purchase
            .by_system()
            .beside(other(), payment(history(status)))
            .when(authorise(100_00))
            .then_one(authorised(100_00));
    }
    purchase
        .by_system()
        .beside(other(), payment(vec![authorised(40_00).into()]))
        .when(authorise(60_01))
        .then_refused(full(60_00))
        .when(authorise(60_00))
        .then_one(authorised(60_00));
}

#[test]
fn payments_told_as_history_may_exceed_the_total_by_their_interest() {
    Purchase::external()
        .by_role(Role::Importer)
        .beside(PaymentId::generate(), payment(vec![authorised(100_00).into()]))
        .when(authorise(100_01))
        .then_one(authorised(100_01));
}

#[test]
fn no_more_money_is_taken_for_an_order_that_is_off() {
    let purchase = Purchase::new();
    let by_system = || {
        let cancelled = OrderCancelled { reason: reason() };
        let order = purchase.order([cancelled.into()]);
        purchase.of(order, Viewer::new(UserId::generate(), [Role::System]))
    };
    let refused = PaymentRefusal::OrderIsOff {
        order: OrderStatus::Cancelled,
    };
    by_system().when(request(1)).then_refused(refused.clone());
    by_system().when(authorise(1)).then_refused(refused.clone());
    given(by_system(), history(PaymentStatus::Pending))
        .when(authorise(1))
        .then_refused(refused.clone())
        .when(VoidPayment { reason: reason() })
        .then_one(PaymentVoided { reason: reason() });
    given(by_system(), history(PaymentStatus::Captured))
        .when(capture(1))
        .then_refused(refused)
        .when(refund(50_00))
        .then_one(refunded(50_00, 50_00, 0));
}

#[test]
fn cash_may_be_captured_once_the_order_is_delivered() {
    let purchase = Purchase::new();
    let order = purchase.order([OrderDelivered {}.into()]);
    purchase
        .of(order, Viewer::new(UserId::generate(), []))
        .member_of(purchase.store, StoreRole::Admin)
        .given(authorised(100_00))
        .when(CapturePayment::default())
        .then_one(captured(100_00, 100_00));
}

#[test]
fn a_payment_with_a_fault_is_refused_with_the_field() {
    let euros = Money::new(1, "EUR".parse().unwrap());
    let out_of_bounds = |field: &str, given| {
        PaymentRefusal::OutOfBounds(OutOfBounds {
            field: field.to_owned(),
            unit: Unit::Characters,
            least: 1,
            most: 500,
            given,
        })
    };
    let installments = |given| PaymentRefusal::Installments { most: 60, given };
    for (command, refusal, field) in [
        (authorise(0), PaymentRefusal::NothingAsked { amount: brl(0) }, "/amount"),
        (
            authorise(-1),
            PaymentRefusal::NothingAsked { amount: brl(-1) },
            "/amount",
        ),
        (
            AuthorisePayment {
                amount: euros,
                ..authorise(1)
            },
            PaymentRefusal::OtherCurrency {
                expected: brl(0).currency,
                given: euros.currency,
            },
            "/amount/currency",
        ),
        (
            AuthorisePayment {
                installments: Some(0),
                ..authorise(1)
            },
            installments(0),
            "/installments",
        ),
        (
            AuthorisePayment {
                installments: Some(61),
                ..authorise(1)
            },
            installments(61),
            "/installments",
        ),
        (
            AuthorisePayment {
                reference: Some(String::new()),
                ..authorise(1)
            },
            out_of_bounds("/reference", 0),
            "/reference",
        ),
    ] {
        assert_eq!(refusal.field().as_deref(), Some(field));
        Purchase::new().by_system().when(command).then_refused(refusal);
    }
    let by_system = |status| given(Purchase::new().by_system(), history(status));
    let reason = String::new;
    by_system(PaymentStatus::Pending)
        .when(VoidPayment { reason: reason() })
        .then_refused(out_of_bounds("/reason", 0))
        .when(FailPayment { reason: reason() })
        .then_refused(out_of_bounds("/reason", 0));
    by_system(PaymentStatus::Captured)
        .when(RefundPayment {
            amount: None,
            reason: reason(),
        })
        .then_refused(out_of_bounds("/reason", 0))
        .when(ChargeBackPayment { reason: reason() })
        .then_refused(out_of_bounds("/reason", 0))
        .when(refund(0))
        .then_refused(PaymentRefusal::NothingAsked { amount: brl(0) })
        .when(capture(-1))
        .then_refused(PaymentRefusal::NothingAsked { amount: brl(-1) });
}
