//! How a payment goes on, and who moves it.

use super::*;

/// A purchase as somebody in particular asks about it.
type Who = fn(&Purchase) -> Scenario<Payment>;

#[test]
fn a_payment_is_requested_authorised_captured_and_refunded_in_parts() {
    Purchase::new()
        .by_system()
        .when(request(100_00))
        .then_one(requested(100_00))
        .when(authorise(90_00))
        .then_one(authorised(90_00))
        .when(capture(30_00))
        .then_one(captured(30_00, 30_00))
        .when(CapturePayment::default())
        .then_one(captured(60_00, 90_00))
        .when(refund(20_00))
        .then_one(refunded(20_00, 20_00, 70_00))
        .when(RefundPayment {
            amount: None,
            reason: reason(),
        })
        .then_one(refunded(70_00, 90_00, 0));
}

#[test]
fn a_payment_that_nobody_requested_may_be_authorised_at_once() {
    let story = Purchase::new().by_system().when(authorise(100_00));
    let ledger = story.then_one(authorised(100_00)).state().ledger.clone().unwrap();
    assert_eq!((ledger.requested, ledger.authorised), (brl(100_00), brl(100_00)));
    assert_eq!((ledger.captured, ledger.refunded), (brl(0), brl(0)));
}

/// `+` is accepted, `=` is there already, `.` can not go there, `!` exists already.
#[test]
fn every_status_allows_exactly_the_commands_of_the_state_machine() {
    use PaymentStatus as Is;
    let table = [
        //              request authorise capture void refund fail charge-back
        (Is::Pending, "! + . + . + ."),
        (Is::Authorised, "! = + + . + ."),
        (Is::Captured, "! . + . + . +"),
        (Is::PartlyRefunded, "! . . . + . +"),
        (Is::Refunded, "! . . . = . ."),
        (Is::Failed, "! . . . . = ."),
        (Is::Voided, "! . . = . . ."),
        (Is::ChargedBack, "! . . . . . ="),
    ];
    assert_eq!(table.map(|(status, _)| status), PaymentStatus::ALL);
    for (status, row) in table {
        for (command, expected) in commands().into_iter().zip(row.split(' ')) {
            let story = given(Purchase::new().by_system(), history(status)).when(command.clone());
            let got = match story.answer() {
                Ok(_) => "+",
                Err(PaymentRefusal::NothingToChange { status: stands }) if *stands == status => "=",
                Err(PaymentRefusal::WrongStatus { status: stands, .. }) if *stands == status => ".",
                Err(PaymentRefusal::AlreadyExists) => "!",
                Err(other) => panic!("{status}, {command:?}: {other}"),
            };
            assert_eq!(got, expected, "{status}, {command:?}");
        }
    }
}

#[test]
fn every_status_is_reached_by_its_history_and_told_by_the_last_event() {
    for status in PaymentStatus::ALL {
        let events = history(status);
        assert_eq!(events.last().unwrap().status(), status);
        assert_eq!(payment(events).ledger.unwrap().status, status);
        assert_eq!(serde_json::to_value(status).unwrap(), status.name());
    }
}

#[test]
fn a_payment_of_no_order_and_a_payment_that_is_none_are_not_found() {
    for command in commands() {
        Scenario::<Payment>::new()
            .by(Viewer::new(UserId::generate(), [Role::System]))
            .target(OrderId::generate(), PaymentId::generate())
            .when(command)
            .then_refused(PaymentRefusal::NoSuchOrder);
    }
    for command in commands().into_iter().skip(2) {
        Purchase::new()
            .by_system()
            .when(command)
            .then_refused(PaymentRefusal::NotFound);
    }
}

/// Who may give which command, each in a status that allows it: `+` may, `.` may not.
#[test]
fn a_customer_asks_for_a_payment_and_the_stores_administrators_settle_it() {
    use PaymentStatus as Is;
    let in_time = [
        None,
        Some(Is::Pending),
        Some(Is::Authorised),
        Some(Is::Authorised),
        Some(Is::Captured),
        Some(Is::Pending),
        Some(Is::Captured),
    ];
    let table: [(Who, &str); 8] = [
        (|it| it.by(Viewer::anonymous()), ". . . . . . ."),
        (|it| it.by(Viewer::new(it.customer, [])), "+ . . . . . ."),
        (|it| it.by(Viewer::new(UserId::generate(), [])), ". . . . . . ."),
        (
            |it| {
                it.by(Viewer::new(UserId::generate(), []))
                    .member_of(it.store, StoreRole::Staff)
            },
            ". . . . . . .",
        ),
        (
            |it| {
                it.by(Viewer::new(UserId::generate(), []))
                    .member_of(it.store, StoreRole::Admin)
            },
            "+ + + + + + .",
        ),
        (|it| it.by_role(Role::Moderator), ". . . . . . +"),
        (|it| it.by_role(Role::Importer), "+ + + + + + +"),
        (|it| it.by_role(Role::System), "+ + + + + + +"),
    ];
    for (number, (who, row)) in table.into_iter().enumerate() {
        for ((command, status), expected) in commands().into_iter().zip(in_time).zip(row.split(' ')) {
            let events = status.map(history).unwrap_or_default();
            let story = given(who(&Purchase::new()), events).when(command.clone());
            let got = match story.answer() {
                Ok(_) => "+",
                Err(PaymentRefusal::Forbidden { .. }) => ".",
                Err(other) => panic!("row {number}, {command:?}: {other}"),
            };
            assert_eq!(got, expected, "row {number}, {command:?}");
        }
    }
}

#[test]
fn a_payment_reads_its_order_and_a_new_claim_the_other_payments_too() {
    let purchase = Purchase::new();
    let target = Target {
        scope: purchase.order.to_string(),
        stream: PaymentId::generate().to_string(),
    };
    for (command, whole) in commands()
        .into_iter()
        .zip([true, true, false, false, false, false, false])
    {
        let reads = if whole {
            Reads::WholeScope
        } else {
            Reads::Streams(vec![purchase.order.to_string()])
        };
        assert_eq!(Payment::reads(&target, &command), reads);
    }
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    for event in PaymentStatus::ALL.into_iter().flat_map(history) {
        let read = PaymentEvent::decode(event.type_name(), &event.encode())
            .unwrap()
            .unwrap();
        assert_eq!(read, event);
    }
}
