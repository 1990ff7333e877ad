//! What is agreed on when an order is placed.

use super::*;

#[test]
fn placing_an_order_tells_all_that_was_agreed_on() {
    let purchase = Purchase::new();
    purchase
        .by_customer()
        .when(purchase.command())
        .then_one(purchase.event());
}

#[test]
fn what_is_left_out_of_the_amounts_is_nothing() {
    let purchase = Purchase::new();
    let command = PlaceOrder {
        comment: None,
        discount: None,
        tax: None,
        delivery_fee: None,
        ..purchase.command()
    };
    purchase.by_customer().when(command).then_one(OrderPlaced {
        comment: None,
        discount: brl(0),
        tax: brl(0),
        delivery_fee: brl(0),
        ..purchase.event()
    });
}

#[test]
fn an_order_is_placed_once() {
    let purchase = Purchase::new();
    purchase
        .by_customer()
        .given(purchase.event())
        .when(purchase.command())
        .then_refused(OrderRefusal::AlreadyExists);
}

#[test]
fn a_customer_orders_for_themselves_and_an_importer_for_anybody() {
    let purchase = Purchase::new();
    let command = PlaceOrder {
        customer: Some(purchase.customer),
        fulfilment: Fulfilment::External,
        ..purchase.command()
    };
    let internal = PlaceOrder {
        fulfilment: Fulfilment::Internal,
        ..command.clone()
    };
    purchase
        .by(Viewer::new(UserId::generate(), []))
        .when(internal.clone())
        .then_refused(OrderRefusal::Forbidden {
            needs: "the customer who is named",
        });
    purchase.by_customer().when(internal).then_one(purchase.event());
    purchase.by_role(Role::Importer).when(command).then_one(OrderPlaced {
        fulfilment: Fulfilment::External,
        ..purchase.event()
    });
}

#[test]
fn only_an_importer_tells_of_orders_fulfilled_elsewhere() {
    let purchase = Purchase::new();
    let command = PlaceOrder {
        customer: Some(purchase.customer),
        fulfilment: Fulfilment::External,
        ..purchase.command()
    };
    let refused = OrderRefusal::Forbidden { needs: "importers" };
    purchase
        .by_customer()
        .when(command.clone())
        .then_refused(refused.clone());
    for role in [Role::System, Role::Administrator] {
        purchase
            .by_role(role)
            .when(command.clone())
            .then_refused(refused.clone());
    }
}

/// What is wrong, how it is refused, and the field at fault.
type Fault = (fn(&mut PlaceOrder), OrderRefusal, Option<&'static str>);

fn check_faults<const N: usize>(faults: [Fault; N]) {
    let purchase = Purchase::new();
    for (fault, refusal, field) in faults {
        let mut command = purchase.command();
        fault(&mut command);
        assert_eq!(refusal.field().as_deref(), field);
        purchase.by_customer().when(command).then_refused(refusal);
    }
}

fn out_of_bounds(field: &str, unit: Unit, most: usize, given: usize) -> OrderRefusal {
    OrderRefusal::OutOfBounds(OutOfBounds {
        field: field.to_owned(),
        unit,
        least: 1,
        most,
        given,
    })
}

#[test]
fn a_line_with_a_fault_is_refused_with_the_field() {
    check_faults([
        (|it| it.lines.clear(), OrderRefusal::NoLines, Some("/lines")),
        (
            |it| it.lines = vec![it.lines[0].clone(); 201],
            out_of_bounds("/lines", Unit::Entries, 200, 201),
            Some("/lines"),
        ),
        (
            |it| it.lines[1].quantity = 0,
            OrderRefusal::NoQuantity { line: 1 },
            Some("/lines/1/quantity"),
        ),
        (
            |it| it.lines[1].quantity = MOST_PIECES + 1,
            OrderRefusal::QuantityTooLarge {
                line: 1,
                most: MOST_PIECES,
                given: MOST_PIECES + 1,
            },
            Some("/lines/1/quantity"),
        ),
        (
            |it| it.lines[1].title = " ".to_owned(),
            out_of_bounds("/lines/1/title", Unit::Characters, 300, 0),
            Some("/lines/1/title"),
        ),
        (
            |it| it.lines[0].unit_price = brl(-1),
            OrderRefusal::NegativeAmount {
                field: "/lines/0/unitPrice".to_owned(),
                amount: brl(-1),
            },
            Some("/lines/0/unitPrice"),
        ),
        (
            |it| it.lines[0].unit_price = eur(10_00),
            OrderRefusal::OtherCurrency {
                field: "/lines/0/unitPrice".to_owned(),
                expected: brl(0).currency,
                given: eur(0).currency,
            },
            Some("/lines/0/unitPrice"),
        ),
    ]);
}

#[test]
fn a_comment_or_delivery_with_a_fault_is_refused_with_the_field() {
    check_faults([
        (
            |it| it.comment = Some("x".repeat(2_001)),
            out_of_bounds("/comment", Unit::Characters, 2_000, 2_001),
            Some("/comment"),
        ),
        (
            |it| it.delivery.address = None,
            OrderRefusal::AddressMissing,
            Some("/delivery/address"),
        ),
        (
            |it| it.delivery.address.as_mut().unwrap().country = "Brasil".to_owned(),
            OrderRefusal::CountryUnknown,
            Some("/delivery/address/country"),
        ),
        (
            |it| it.delivery.address.as_mut().unwrap().city = String::new(),
            out_of_bounds("/delivery/address/city", Unit::Characters, 200, 0),
            Some("/delivery/address/city"),
        ),
        (
            |it| it.delivery.slot = Some(Slot { from: NOW, until: NOW }),
            OrderRefusal::SlotEndsFirst,
            Some("/delivery/slot/until"),
        ),
    ]);
}

#[test]
fn amounts_with_a_fault_are_refused_with_the_field() {
    check_faults([
        (
            |it| it.discount = Some(brl(-1)),
            OrderRefusal::NegativeAmount {
                field: "/discount".to_owned(),
                amount: brl(-1),
            },
            Some("/discount"),
        ),
        (
            |it| it.tax = Some(eur(1_00)),
            OrderRefusal::OtherCurrency {
                field: "/tax".to_owned(),
                expected: brl(0).currency,
                given: eur(0).currency,
            },
            Some("/tax"),
        ),
        (
            |it| it.subtotal = brl(35_01),
            OrderRefusal::WrongSubtotal {
                expected: brl(35_00),
                given: brl(35_01),
            },
            Some("/subtotal"),
        ),
        (
            |it| it.total = brl(34_99),
            OrderRefusal::WrongTotal {
                expected: brl(35_00),
                given: brl(34_99),
            },
            Some("/total"),
        ),
        (
            |it| it.discount = Some(brl(100_00)),
            OrderRefusal::WrongTotal {
                expected: brl(-60_00),
                given: brl(35_00),
            },
            Some("/total"),
        ),
        (
            |it| it.lines[0].unit_price = brl(MOST_AMOUNT + 1),
            too_large("/lines/0/unitPrice"),
            Some("/lines/0/unitPrice"),
        ),
        (
            |it| it.delivery_fee = Some(brl(i64::MAX)),
            too_large("/deliveryFee"),
            Some("/deliveryFee"),
        ),
        (
            |it| it.total = brl(MOST_AMOUNT + 1),
            too_large("/total"),
            Some("/total"),
        ),
        (
            |it| {
                it.lines[0].unit_price = brl(MOST_AMOUNT);
                it.lines[0].quantity = MOST_PIECES;
            },
            too_large("/subtotal"),
            Some("/subtotal"),
        ),
    ]);
}

fn too_large(field: &str) -> OrderRefusal {
    OrderRefusal::AmountTooLarge {
        field: field.to_owned(),
        most: brl(MOST_AMOUNT),
    }
}

#[test]
fn an_order_may_come_to_the_most_and_to_no_more() {
    let purchase = Purchase::new();
    let dearest = |unit_price: i64, quantity: u32| {
        let sum = unit_price * i64::from(quantity);
        PlaceOrder {
            lines: vec![purchase.line(purchase.store, unit_price, quantity)],
            subtotal: brl(sum),
            discount: None,
            tax: None,
            delivery_fee: None,
            total: brl(sum),
            ..purchase.command()
        }
    };
    for command in [
        dearest(MOST_AMOUNT, 1),
        dearest(MOST_AMOUNT / i64::from(MOST_PIECES), MOST_PIECES),
    ] {
        purchase.by_customer().when(command).then_accepted();
    }
    purchase
        .by_customer()
        .when(dearest(MOST_AMOUNT, 2))
        .then_refused(too_large("/subtotal"));
}

#[test]
fn who_collects_needs_no_address_and_may_agree_on_a_slot() {
    let purchase = Purchase::new();
    let slot = Slot {
        from: NOW,
        until: NOW + TimeDelta::hours(1),
    };
    let command = PlaceOrder {
        delivery: DeliveryWish {
            option: DeliveryOption::Collection,
            address: None,
            slot: Some(slot),
            estimated: None,
        },
        ..purchase.command()
    };
    purchase.by_customer().when(command).then_one(OrderPlaced {
        delivery: Delivery {
            option: DeliveryOption::Collection,
            address: None,
            slot: Some(slot),
            estimated: None,
        },
        ..purchase.event()
    });
}

#[test]
fn a_refusal_tells_its_code_and_facts() {
    let refusal = OrderRefusal::WrongTotal {
        expected: brl(35_00),
        given: brl(34_99),
    };
    assert_eq!(
        serde_json::to_value(&refusal).unwrap(),
        serde_json::json!({
            "code": "wrong-total",
            "expected": {"amount": 3500, "currency": "BRL"},
            "given": {"amount": 3499, "currency": "BRL"},
        })
    );
}
