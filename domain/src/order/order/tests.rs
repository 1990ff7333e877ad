//! What an order decides, in given/when/then; its totals by property.

mod moving;
mod placing;
mod totals;

use super::*;
use crate::{
    bounds::{OutOfBounds, Unit},
    decision::Refusal,
    entity::Event,
    id::{OrderId, UserId},
    money::{Currency, MOST_AMOUNT},
    order::delivery::{Address, Delivery, DeliveryWish, Slot},
    personal::Personal,
    scenario::Scenario,
    viewer::{Role, Viewer},
};
use chrono::{DateTime, TimeDelta, Utc};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn brl(amount: i64) -> Money {
    Money::new(amount, "BRL".parse().expect("a currency"))
}

fn eur(amount: i64) -> Money {
    Money::new(amount, "EUR".parse().expect("a currency"))
}

/// An order of two stores: three of one thing and one of another, shipped.
struct Purchase {
    order: OrderId,
    customer: UserId,
    store: StoreId,
    other_store: StoreId,
    listing: ListingId,
}

impl Purchase {
    fn new() -> Self {
        Self {
            order: OrderId::generate(),
            customer: UserId::generate(),
            store: StoreId::generate(),
            other_store: StoreId::generate(),
            listing: ListingId::generate(),
        }
    }

    fn line(&self, store: StoreId, unit_price: i64, quantity: u32) -> OrderLine {
        OrderLine {
            listing: self.listing,
            store,
            stock: None,
            title: "Feijão".to_owned(),
            unit_price: brl(unit_price),
            quantity,
        }
    }

    fn address() -> Address {
        Address {
            recipient: None,
            street: None,
            city: "São Paulo".to_owned(),
            region: Some("SP".to_owned()),
            postal_code: Some("01310".to_owned()),
            country: "BR".to_owned(),
        }
    }

    fn command(&self) -> PlaceOrder {
        PlaceOrder {
            customer: None,
            fulfilment: Fulfilment::Internal,
            currency: brl(0).currency,
            lines: vec![self.line(self.store, 10_00, 3), self.line(self.other_store, 5_00, 1)],
            comment: Some("Ring twice".to_owned()),
            delivery: DeliveryWish {
                option: DeliveryOption::Shipping,
                address: Some(Self::address()),
                slot: None,
                estimated: None,
            },
            subtotal: brl(35_00),
            discount: Some(brl(5_00)),
            tax: Some(brl(1_00)),
            delivery_fee: Some(brl(4_00)),
            total: brl(35_00),
        }
    }

    fn event(&self) -> OrderPlaced {
        let command = self.command();
        OrderPlaced {
            customer: self.customer,
            fulfilment: Fulfilment::Internal,
            currency: command.currency,
            lines: command.lines,
            comment: Some(Personal::open(self.customer, "Ring twice".to_owned())),
            delivery: Delivery {
                option: DeliveryOption::Shipping,
                address: Some(Personal::open(self.customer, Self::address())),
                slot: None,
                estimated: None,
            },
            subtotal: brl(35_00),
            discount: brl(5_00),
            tax: brl(1_00),
            delivery_fee: brl(4_00),
            total: brl(35_00),
        }
    }

    fn by(&self, viewer: Viewer) -> Scenario<Order> {
        Scenario::new().at(NOW).by(viewer).target(self.order, self.order)
    }

    fn by_customer(&self) -> Scenario<Order> {
        self.by(Viewer::new(self.customer, []))
    }

    fn by_staff(&self) -> Scenario<Order> {
        self.by(Viewer::new(UserId::generate(), []))
            .member_of(self.store, StoreRole::Staff)
    }

    fn by_role(&self, role: Role) -> Scenario<Order> {
        self.by(Viewer::new(UserId::generate(), [role]))
    }

    /// The events that bring the order to this status.
    fn history(&self, status: OrderStatus) -> Vec<OrderEvent> {
        let mut terms = self.event();
        if status == OrderStatus::AwaitingCollection {
            terms.delivery.option = DeliveryOption::Collection;
        }
        let reason = || "why".to_owned();
        let steps: Vec<OrderEvent> = vec![
            OrderConfirmed {}.into(),
            OrderPreparationStarted {}.into(),
            OrderMarkedReady {
                awaits: match status {
                    OrderStatus::AwaitingCollection => Awaits::Collection,
                    _ => Awaits::Dispatch,
                },
            }
            .into(),
            OrderDispatched::default().into(),
            OrderDelivered {}.into(),
            OrderReturned { reason: reason() }.into(),
        ];
        let (taken, last) = match status {
            OrderStatus::Placed => (0, None),
            OrderStatus::Confirmed => (1, None),
            OrderStatus::Preparing => (2, None),
            OrderStatus::Ready | OrderStatus::AwaitingCollection => (3, None),
            OrderStatus::Dispatched => (4, None),
            OrderStatus::Delivered => (5, None),
            OrderStatus::Returned => (6, None),
            OrderStatus::Refused => (0, Some(OrderRefused { reason: reason() }.into())),
            OrderStatus::Cancelled => (0, Some(OrderCancelled { reason: reason() }.into())),
        };
        std::iter::once(terms.into())
            .chain(steps.into_iter().take(taken))
            .chain(last)
            .collect()
    }
}

fn given(scenario: Scenario<Order>, events: Vec<OrderEvent>) -> Scenario<Order> {
    events.into_iter().fold(scenario, Scenario::given)
}

fn reason() -> String {
    "why".to_owned()
}

/// Every command but `place`, in the order of the columns below.
fn steps() -> [OrderCommand; 8] {
    [
        ConfirmOrder {}.into(),
        RefuseOrder { reason: reason() }.into(),
        StartPreparingOrder {}.into(),
        MarkOrderReady {}.into(),
        DispatchOrder::default().into(),
        DeliverOrder {}.into(),
        CancelOrder { reason: reason() }.into(),
        ReturnOrder { reason: reason() }.into(),
    ]
}
