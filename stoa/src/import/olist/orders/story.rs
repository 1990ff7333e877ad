//! One order's commands: placed with its lines and freight, paid, and moved along the steps that its times and status
//! tell of.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    id::{OrderId, PaymentId, UserId},
    money::Money,
    order::{
        delivery::{Address, DeliveryOption, DeliveryWish},
        order::{
            CancelOrder, ConfirmOrder, DeliverOrder, DispatchOrder, Fulfilment, MarkOrderReady, OrderLine, PlaceOrder,
            RefuseOrder, ReturnOrder, StartPreparingOrder,
        },
        payment::{AuthorisePayment, CapturePayment, PaymentMethod, VoidPayment},
    },
};
use serde::Serialize;

use super::{CustomerRow, ItemRow, OrderRow, PaymentRow};
use crate::import::{
    line::{Line, derived},
    olist::{
        beginning, brl,
        catalogue::{listing, store},
        optional_time, reais, time,
    },
};

/// An order's commands as they are written.
pub(super) struct Story<'a> {
    row: &'a OrderRow,
    order: OrderId,
    customer: UserId,
    address: Option<Address>,
    placed: DateTime<Utc>,
    pub lines: Vec<Line>,
}

impl<'a> Story<'a> {
    pub fn of(row: &'a OrderRow, customer: Option<&CustomerRow>) -> anyhow::Result<Self> {
        let placed = time(&row.order_purchase_timestamp)?;
        let person = customer.map_or(row.customer_id.as_str(), |customer| &customer.customer_unique_id);
        Ok(Self {
            row,
            order: OrderId::new(derived("olist order", &row.order_id, placed)),
            customer: UserId::new(derived("olist customer", person, beginning())),
            address: customer.map(|customer| Address {
                recipient: None,
                street: None,
                city: customer.customer_city.clone(),
                region: Some(customer.customer_state.clone()),
                postal_code: Some(customer.customer_zip_code_prefix.clone()),
                country: "BR".to_owned(),
            }),
            placed,
            lines: Vec::new(),
        })
    }

    fn step(&mut self, step: &str, actor: UserId, at: DateTime<Utc>, body: &impl Serialize) -> anyhow::Result<()> {
        self.lines
            .push(Line::new(format!("orders/{}/{step}", self.order), actor, at, body)?);
        Ok(())
    }

    pub fn place(&mut self, items: &[ItemRow], titles: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let mut lines: Vec<OrderLine> = Vec::new();
        let mut freight = Money::zero(brl());
        for item in items {
            freight = freight.plus(reais(&item.freight_value)?)?;
            let (listing, store, unit_price) = (listing(&item.product_id), store(&item.seller_id), reais(&item.price)?);
            let same =
                |line: &&mut OrderLine| (line.listing, line.store, line.unit_price) == (listing, store, unit_price);
            if let Some(line) = lines.iter_mut().find(same) {
                line.quantity += 1;
            } else {
                let title = titles
                    .get(&item.product_id)
                    .cloned()
                    .unwrap_or_else(|| "Product".to_owned());
                lines.push(OrderLine {
                    listing,
                    store,
                    stock: None,
                    title,
                    unit_price,
                    quantity: 1,
                });
            }
        }
        let prices = lines
            .iter()
            .map(|line| line.unit_price.times(line.quantity))
            .collect::<Result<Vec<_>, _>>()?;
        let subtotal = Money::sum(prices, brl())?;
        let command = PlaceOrder {
            customer: Some(self.customer),
            fulfilment: Fulfilment::External,
            currency: brl(),
            lines,
            comment: None,
            delivery: DeliveryWish {
                option: DeliveryOption::Shipping,
                address: self.address.take(),
                slot: None,
                estimated: optional_time(&self.row.order_estimated_delivery_date)?,
            },
            subtotal,
            discount: None,
            tax: None,
            delivery_fee: Some(freight),
            total: subtotal.plus(freight)?,
        };
        self.step("place", self.customer, self.placed, &command)
    }

    /// What the status and the times tell of: approved, in preparation, shipped, delivered; or called off on the way.
    pub fn live(&mut self, seller: UserId, payments: &[PaymentRow]) -> anyhow::Result<()> {
        let row = self.row;
        let approved = optional_time(&row.order_approved_at)?;
        let carried = optional_time(&row.order_delivered_carrier_date)?;
        let delivered = optional_time(&row.order_delivered_customer_date)?;
        let status = row.order_status.as_str();
        let shipped = matches!(status, "shipped" | "delivered") || carried.is_some() || delivered.is_some();
        let prepared = shipped || matches!(status, "processing" | "invoiced");
        let confirmed = prepared || approved.is_some() || status == "approved";
        let at_approval = approved.unwrap_or(self.placed);
        let at_carrier = carried.or(delivered).unwrap_or(at_approval);
        let called_off = matches!(status, "canceled" | "unavailable");
        self.pay(payments, confirmed.then_some(at_approval), called_off)?;
        if confirmed {
            self.step("confirm", seller, at_approval, &ConfirmOrder {})?;
        }
        if prepared {
            self.step("start-preparing", seller, at_approval, &StartPreparingOrder {})?;
        }
        if shipped {
            self.step("mark-ready", seller, at_carrier, &MarkOrderReady {})?;
            self.step("dispatch", seller, at_carrier, &DispatchOrder::default())?;
        }
        let arrived = status == "delivered" || delivered.is_some();
        if arrived {
            self.step("deliver", seller, delivered.unwrap_or(at_carrier), &DeliverOrder {})?;
        }
        // When an order was called off the source does not say: the last time that it has.
        let last = delivered.or(carried).or(approved).unwrap_or(self.placed);
        match status {
            "canceled" if arrived => self.step(
                "return",
                self.customer,
                last,
                &ReturnOrder {
                    reason: "cancelled after delivery".to_owned(),
                },
            ),
            "canceled" => self.step(
                "cancel",
                seller,
                last,
                &CancelOrder {
                    reason: "cancelled".to_owned(),
                },
            ),
            "unavailable" if confirmed => self.step(
                "cancel",
                seller,
                last,
                &CancelOrder {
                    reason: "unavailable".to_owned(),
                },
            ),
            "unavailable" => self.step(
                "refuse",
                seller,
                last,
                &RefuseOrder {
                    reason: "unavailable".to_owned(),
                },
            ),
            _ => Ok(()),
        }
    }

    /// Each payment is set aside when the order is placed, and charged when it is approved; let go if it never was.
    fn pay(
        &mut self,
        payments: &[PaymentRow],
        approved: Option<DateTime<Utc>>,
        called_off: bool,
    ) -> anyhow::Result<()> {
        for row in payments {
            let name = format!("{} {}", row.order_id, row.payment_sequential);
            let payment = PaymentId::new(derived("olist payment", &name, self.placed));
            let amount = reais(&row.payment_value)?;
            let command = AuthorisePayment {
                amount,
                method: method(&row.payment_type),
                installments: (row.payment_installments > 0).then_some(row.payment_installments),
                reference: None,
            };
            let (customer, placed) = (self.customer, self.placed);
            self.step(&format!("payments/{payment}/authorise"), customer, placed, &command)?;
            if amount.amount == 0 {
                continue;
            }
            if let Some(approved) = approved {
                self.step(
                    &format!("payments/{payment}/capture"),
                    customer,
                    approved,
                    &CapturePayment::default(),
                )?;
            } else if called_off {
                let command = VoidPayment {
                    reason: "the order was called off".to_owned(),
                };
                self.step(&format!("payments/{payment}/void"), customer, placed, &command)?;
            }
        }
        Ok(())
    }
}

fn method(kind: &str) -> PaymentMethod {
    match kind {
        "credit_card" => PaymentMethod::Card,
        "boleto" => PaymentMethod::Boleto,
        "voucher" => PaymentMethod::Voucher,
        "debit_card" => PaymentMethod::Debit,
        _ => PaymentMethod::Other,
    }
}
