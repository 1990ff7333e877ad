//! How an order goes on, and who moves it.

use super::*;

/// A purchase as somebody in particular asks about it.
type Who = fn(&Purchase) -> Scenario<Order>;

#[test]
fn nobody_without_a_token_gives_commands() {
    let purchase = Purchase::new();
    let place = purchase.command().into();
    for command in std::iter::once(place).chain(steps()) {
        purchase
            .by(Viewer::anonymous())
            .given(purchase.event())
            .when(command)
            .then_refused(OrderRefusal::Forbidden {
                needs: "signed-in users",
            });
    }
}

#[test]
fn an_order_that_nobody_placed_can_not_be_moved() {
    let purchase = Purchase::new();
    for command in steps() {
        purchase
            .by_role(Role::System)
            .when(command)
            .then_refused(OrderRefusal::NotFound);
    }
}

/// `+` goes there, `=` is there already, `.` can not go there.
#[test]
fn every_status_allows_exactly_the_steps_of_the_state_machine() {
    use OrderStatus as Is;
    let table = [
        //                 confirm refuse prepare ready dispatch deliver cancel return
        (Is::Placed, "+ + . . . . + ."),
        (Is::Confirmed, "= . + . . . + ."),
        (Is::Refused, ". = . . . . . ."),
        (Is::Preparing, ". . = + . . + ."),
        (Is::Ready, ". . . = + . + ."),
        (Is::AwaitingCollection, ". . . = . + + ."),
        (Is::Dispatched, ". . . . = + + ."),
        (Is::Delivered, ". . . . . = . +"),
        (Is::Returned, ". . . . . . . ="),
        (Is::Cancelled, ". . . . . . = ."),
    ];
    assert_eq!(table.map(|(status, _)| status), OrderStatus::ALL);
    let purchase = Purchase::new();
    for (status, row) in table {
        for (command, expected) in steps().into_iter().zip(row.split(' ')) {
            let scenario = given(purchase.by_staff(), purchase.history(status)).when(command.clone());
            let got = match scenario.answer() {
                Ok(_) => "+",
                Err(OrderRefusal::NothingToChange { status: stands }) if *stands == status => "=",
                Err(OrderRefusal::WrongStatus { status: stands, .. }) if *stands == status => ".",
                Err(other) => panic!("{status}, {command:?}: {other}"),
            };
            assert_eq!(got, expected, "{status}, {command:?}");
        }
    }
}

#[test]
fn an_order_goes_all_the_way_and_each_event_tells_where_it_stands() {
    let purchase = Purchase::new();
    let [confirm, _, prepare, ready, dispatch, deliver, _, give_back] = steps();
    let mut story = purchase.by_staff().given(purchase.event());
    for (command, event, status) in [
        (confirm, OrderEvent::from(OrderConfirmed {}), OrderStatus::Confirmed),
        (prepare, OrderPreparationStarted {}.into(), OrderStatus::Preparing),
        (
            ready,
            OrderMarkedReady {
                awaits: Awaits::Dispatch,
            }
            .into(),
            OrderStatus::Ready,
        ),
        (dispatch, OrderDispatched::default().into(), OrderStatus::Dispatched),
        (deliver, OrderDelivered {}.into(), OrderStatus::Delivered),
        (
            give_back,
            OrderReturned { reason: reason() }.into(),
            OrderStatus::Returned,
        ),
    ] {
        story = story.when(command).then_one(event.clone());
        assert_eq!(event.status(), status);
        assert_eq!(story.state().placed.as_ref().unwrap().status, status);
    }
}

#[test]
fn a_collected_order_waits_for_its_customer_and_is_not_dispatched() {
    let purchase = Purchase::new();
    let mut terms = purchase.event();
    terms.delivery.option = DeliveryOption::Collection;
    purchase
        .by_staff()
        .given(terms)
        .given(OrderConfirmed {})
        .given(OrderPreparationStarted {})
        .when(MarkOrderReady {})
        .then_one(OrderMarkedReady {
            awaits: Awaits::Collection,
        })
        .when(DispatchOrder::default())
        .then_refused(OrderRefusal::WrongStatus {
            status: OrderStatus::AwaitingCollection,
            wanted: OrderStatus::Dispatched,
        })
        .when(DeliverOrder {})
        .then_one(OrderDelivered {});
}

#[test]
fn every_status_is_reached_by_its_history() {
    let purchase = Purchase::new();
    for status in OrderStatus::ALL {
        let story = given(purchase.by_staff(), purchase.history(status));
        assert_eq!(story.state().placed.as_ref().unwrap().status, status);
        assert_eq!(serde_json::to_value(status).unwrap(), status.name());
    }
}

/// Who may give which command, each in a status that allows it: `+` may, `.` may not.
#[test]
fn the_store_moves_an_order_and_its_customer_may_cancel_or_return_it() {
    use OrderStatus as Is;
    let purchase = Purchase::new();
    let in_time = [
        Is::Placed,
        Is::Placed,
        Is::Confirmed,
        Is::Preparing,
        Is::Ready,
        Is::Dispatched,
        Is::Ready,
        Is::Delivered,
    ];
    let stranger: Who = |it| it.by(Viewer::new(UserId::generate(), []));
    let table: [(Who, &str); 9] = [
        (Purchase::by_customer, ". . . . . . + +"),
        (Purchase::by_staff, "+ + + + + + + +"),
        (
            |it| {
                it.by(Viewer::new(UserId::generate(), []))
                    .member_of(it.other_store, StoreRole::Admin)
            },
            "+ + + + + + + +",
        ),
        (stranger, ". . . . . . . ."),
        (
            |it| {
                it.by(Viewer::new(UserId::generate(), []))
                    .member_of(StoreId::generate(), StoreRole::Admin)
            },
            ". . . . . . . .",
        ),
        (|it| it.by_role(Role::Moderator), ". . . . . . . ."),
        (|it| it.by_role(Role::Importer), "+ + + + + + + +"),
        (|it| it.by_role(Role::System), "+ + + + + + + +"),
        (|it| it.by_role(Role::Administrator), "+ + + + + + + +"),
    ];
    for (number, (who, row)) in table.into_iter().enumerate() {
        for ((command, status), expected) in steps().into_iter().zip(in_time).zip(row.split(' ')) {
            let story = given(who(&purchase), purchase.history(status)).when(command.clone());
            let got = match story.answer() {
                Ok(_) => "+",
                Err(OrderRefusal::Forbidden { .. }) => ".",
                Err(other) => panic!("row {number}, {command:?}: {other}"),
            };
            assert_eq!(got, expected, "row {number}, {command:?}");
        }
    }
}

#[test]
fn once_it_is_dispatched_only_the_store_calls_an_order_off() {
    let purchase = Purchase::new();
    let cancel = CancelOrder { reason: reason() };
    given(purchase.by_customer(), purchase.history(OrderStatus::Dispatched))
        .when(cancel.clone())
        .then_refused(OrderRefusal::Forbidden {
            needs: STORE_SINCE_DISPATCH,
        });
    given(purchase.by_staff(), purchase.history(OrderStatus::Dispatched))
        .when(cancel)
        .then_one(OrderCancelled { reason: reason() });
}

#[test]
fn a_reason_is_given_and_is_not_a_novel() {
    let purchase = Purchase::new();
    let refused = |given| {
        OrderRefusal::OutOfBounds(OutOfBounds {
            field: "/reason".to_owned(),
            unit: Unit::Characters,
            least: 1,
            most: 500,
            given,
        })
    };
    for (reason, length) in [(String::new(), 0), ("x".repeat(501), 501)] {
        let given = |status| given(purchase.by_staff(), purchase.history(status));
        given(OrderStatus::Placed)
            .when(RefuseOrder { reason: reason.clone() })
            .then_refused(refused(length))
            .when(CancelOrder { reason: reason.clone() })
            .then_refused(refused(length));
        given(OrderStatus::Delivered)
            .when(ReturnOrder { reason })
            .then_refused(refused(length));
    }
}

#[test]
fn a_dispatch_may_name_carrier_and_tracking_number() {
    let purchase = Purchase::new();
    let dispatch = |tracking: &str| DispatchOrder {
        carrier: Some("Correios".to_owned()),
        tracking: Some(tracking.to_owned()),
    };
    given(purchase.by_staff(), purchase.history(OrderStatus::Ready))
        .when(dispatch(""))
        .then_refused(OrderRefusal::OutOfBounds(OutOfBounds {
            field: "/tracking".to_owned(),
            unit: Unit::Characters,
            least: 1,
            most: 500,
            given: 0,
        }))
        .when(dispatch("BR123"))
        .then_one(OrderDispatched {
            carrier: Some("Correios".to_owned()),
            tracking: Some("BR123".to_owned()),
        });
}

#[test]
fn history_may_be_told_with_times_out_of_order() {
    let purchase = Purchase::new();
    given(
        purchase.by_role(Role::Importer),
        purchase.history(OrderStatus::Dispatched),
    )
    .at(NOW - TimeDelta::days(3))
    .when(DeliverOrder {})
    .then_one(OrderDelivered {});
}

#[test]
fn the_stores_of_an_order_are_looked_up_once_it_is_placed() {
    let purchase = Purchase::new();
    let mut order = Order::default();
    let scope = ScopeView::default();
    assert_eq!(order.stores(&scope, &ConfirmOrder {}.into()), []);
    order.apply(purchase.event().into());
    let mut stores = [purchase.store, purchase.other_store];
    stores.sort();
    assert_eq!(order.stores(&scope, &ConfirmOrder {}.into()), stores);
    assert_eq!(order.stores(&scope, &purchase.command().into()), []);
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    let purchase = Purchase::new();
    for status in OrderStatus::ALL {
        for event in purchase.history(status) {
            let read = OrderEvent::decode(event.type_name(), &event.encode()).unwrap().unwrap();
            assert_eq!(read, event);
        }
    }
}
