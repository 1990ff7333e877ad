//! What a payment decides, in given/when/then; its amounts by property.

mod amounts;
mod moving;
mod sums;

use super::*;
use crate::{
    bounds::{OutOfBounds, Unit},
    decision::Refusal,
    entity::Event,
    id::{ListingId, OrderId, PaymentId, UserId},
    order::{
        delivery::{Delivery, DeliveryOption},
        order::{OrderCancelled, OrderDelivered, OrderEvent, OrderLine, OrderPlaced, OrderStatus},
    },
    scenario::Scenario,
    viewer::Viewer,
};

fn brl(amount: i64) -> Money {
    Money::new(amount, "BRL".parse().expect("a currency"))
}

fn reason() -> String {
    "why".to_owned()
}

/// An order of 100,00 that is to be paid.
struct Purchase {
    order: OrderId,
    customer: UserId,
    store: StoreId,
    fulfilment: Fulfilment,
}

impl Purchase {
    fn new() -> Self {
        Self {
            order: OrderId::generate(),
            customer: UserId::generate(),
            store: StoreId::generate(),
            fulfilment: Fulfilment::Internal,
        }
    }

    fn external() -> Self {
        Self {
            fulfilment: Fulfilment::External,
            ..Self::new()
        }
    }

    fn placed(&self) -> OrderPlaced {
        OrderPlaced {
            customer: self.customer,
            fulfilment: self.fulfilment,
            currency: brl(0).currency,
            lines: vec![OrderLine {
                listing: ListingId::generate(),
                store: self.store,
                stock: None,
                title: "Feijão".to_owned(),
                unit_price: brl(100_00),
                quantity: 1,
            }],
            comment: None,
            delivery: Delivery {
                option: DeliveryOption::Collection,
                address: None,
                slot: None,
                estimated: None,
            },
            subtotal: brl(100_00),
            discount: brl(0),
            tax: brl(0),
            delivery_fee: brl(0),
            total: brl(100_00),
        }
    }

    fn order(&self, then: impl IntoIterator<Item = OrderEvent>) -> Order {
        let mut order = Order::default();
        order.apply(self.placed().into());
        then.into_iter().for_each(|event| order.apply(event));
        order
    }

    /// A payment of the order as it stands after these events.
    fn of(&self, order: Order, viewer: Viewer) -> Scenario<Payment> {
        Scenario::new()
            .by(viewer)
            .target(self.order, PaymentId::generate())
            .beside(self.order, order)
    }

    fn by(&self, viewer: Viewer) -> Scenario<Payment> {
        self.of(self.order([]), viewer)
    }

    fn by_role(&self, role: Role) -> Scenario<Payment> {
        self.by(Viewer::new(UserId::generate(), [role]))
    }

    fn by_system(&self) -> Scenario<Payment> {
        self.by_role(Role::System)
    }
}

fn request(amount: i64) -> RequestPayment {
    RequestPayment {
        amount: brl(amount),
        method: PaymentMethod::Card,
        installments: Some(3),
    }
}

fn requested(amount: i64) -> PaymentRequested {
    PaymentRequested {
        amount: brl(amount),
        method: PaymentMethod::Card,
        installments: Some(3),
    }
}

fn authorise(amount: i64) -> AuthorisePayment {
    AuthorisePayment {
        amount: brl(amount),
        method: PaymentMethod::Card,
        installments: Some(3),
        reference: Some("psp-1".to_owned()),
    }
}

fn authorised(amount: i64) -> PaymentAuthorised {
    PaymentAuthorised {
        amount: brl(amount),
        method: PaymentMethod::Card,
        installments: Some(3),
        reference: Some("psp-1".to_owned()),
    }
}

fn capture(amount: i64) -> CapturePayment {
    CapturePayment {
        amount: Some(brl(amount)),
    }
}

fn captured(amount: i64, so_far: i64) -> PaymentCaptured {
    PaymentCaptured {
        amount: brl(amount),
        captured: brl(so_far),
    }
}

fn refund(amount: i64) -> RefundPayment {
    RefundPayment {
        amount: Some(brl(amount)),
        reason: reason(),
    }
}

fn refunded(amount: i64, so_far: i64, remaining: i64) -> PaymentRefunded {
    PaymentRefunded {
        amount: brl(amount),
        refunded: brl(so_far),
        remaining: brl(remaining),
        reason: reason(),
    }
}

/// The events that bring a payment of 100,00 to this status, half of it captured where some is left.
fn history(status: PaymentStatus) -> Vec<PaymentEvent> {
    use PaymentStatus as Is;
    let mut events: Vec<PaymentEvent> = vec![requested(100_00).into()];
    match status {
        Is::Pending | Is::Failed | Is::Voided => {}
        Is::Authorised => events.push(authorised(100_00).into()),
        Is::Captured | Is::PartlyRefunded | Is::Refunded | Is::ChargedBack => {
            events.extend([authorised(100_00).into(), captured(50_00, 50_00).into()]);
        }
    }
    match status {
        Is::Pending | Is::Authorised | Is::Captured => {}
        Is::PartlyRefunded => events.push(refunded(10_00, 10_00, 40_00).into()),
        Is::Refunded => events.push(refunded(50_00, 50_00, 0).into()),
        Is::Failed => events.push(PaymentFailed { reason: reason() }.into()),
        Is::Voided => events.push(PaymentVoided { reason: reason() }.into()),
        Is::ChargedBack => events.push(
            PaymentChargedBack {
                amount: brl(50_00),
                reason: reason(),
            }
            .into(),
        ),
    }
    events
}

fn given(scenario: Scenario<Payment>, events: Vec<PaymentEvent>) -> Scenario<Payment> {
    events.into_iter().fold(scenario, Scenario::given)
}

fn payment(events: Vec<PaymentEvent>) -> Payment {
    let mut payment = Payment::default();
    for event in events {
        payment.apply(event);
    }
    payment
}

/// Every command, in the order of the columns below.
fn commands() -> [PaymentCommand; 7] {
    [
        request(50_00).into(),
        authorise(50_00).into(),
        CapturePayment::default().into(),
        VoidPayment { reason: reason() }.into(),
        RefundPayment {
            amount: None,
            reason: reason(),
        }
        .into(),
        FailPayment { reason: reason() }.into(),
        ChargeBackPayment { reason: reason() }.into(),
    ]
}
