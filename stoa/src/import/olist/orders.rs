//! Orders with their lines, freight and payments, and the steps that each order's times and status tell of.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

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
use serde::{Deserialize, Serialize};

use super::{
    beginning, brl,
    catalogue::{listing, owner, store},
    optional_time, reais, table, time,
};
use crate::import::line::{Line, derived};

#[derive(Deserialize)]
struct OrderRow {
    order_id: String,
    customer_id: String,
    order_status: String,
    order_purchase_timestamp: String,
    order_approved_at: String,
    order_delivered_carrier_date: String,
    order_delivered_customer_date: String,
    order_estimated_delivery_date: String,
}

#[derive(Deserialize)]
struct ItemRow {
    order_id: String,
    product_id: String,
    seller_id: String,
    price: String,
    freight_value: String,
}

#[derive(Deserialize)]
struct PaymentRow {
    order_id: String,
    payment_sequential: u32,
    payment_type: String,
    payment_installments: u8,
    payment_value: String,
}

#[derive(Deserialize)]
struct CustomerRow {
    customer_id: String,
    customer_unique_id: String,
    customer_zip_code_prefix: String,
    customer_city: String,
    customer_state: String,
}

/// The first sale of a product.
#[derive(Debug, Clone)]
pub struct FirstSale {
    /// Who sold it.
    pub seller: String,
    /// At what price.
    pub price: Money,
    /// When.
    pub at: DateTime<Utc>,
}

/// Every order, oldest first, with what belongs to it.
pub struct Sales {
    orders: Vec<OrderRow>,
    items: HashMap<String, Vec<ItemRow>>,
    payments: HashMap<String, Vec<PaymentRow>>,
    customers: HashMap<String, CustomerRow>,
    first: HashMap<String, FirstSale>,
}

impl Sales {
    /// Reads orders, items, payments and customers.
    pub fn read(directory: &Path) -> anyhow::Result<Self> {
        let mut orders: Vec<OrderRow> =
            table::rows(directory, &["olist_orders_subset.csv.gz", "olist_orders_dataset.csv"])?;
        orders.sort_by(|a, b| {
            (&a.order_purchase_timestamp, &a.order_id).cmp(&(&b.order_purchase_timestamp, &b.order_id))
        });
        let mut items: HashMap<String, Vec<ItemRow>> = HashMap::new();
        let rows: Vec<ItemRow> = table::rows(
            directory,
            &["olist_order_items_subset.csv.gz", "olist_order_items_dataset.csv"],
        )?;
        for row in rows {
            items.entry(row.order_id.clone()).or_default().push(row);
        }
        let mut payments: HashMap<String, Vec<PaymentRow>> = HashMap::new();
        let rows: Vec<PaymentRow> = table::rows(
            directory,
            &[
                "olist_order_payments_dataset.csv.gz",
                "olist_order_payments_dataset.csv",
            ],
        )?;
        for row in rows {
            payments.entry(row.order_id.clone()).or_default().push(row);
        }
        for rows in payments.values_mut() {
            rows.sort_by_key(|row| row.payment_sequential);
        }
        let customers: Vec<CustomerRow> = table::rows(
            directory,
            &["olist_customers_subset.csv.gz", "olist_customers_dataset.csv"],
        )?;
        let customers = customers
            .into_iter()
            .map(|row| (row.customer_id.clone(), row))
            .collect();
        let first = first_sales(&orders, &items)?;
        Ok(Self {
            orders,
            items,
            payments,
            customers,
            first,
        })
    }

    /// Who sold a product first, at what price and when.
    pub fn first(&self, product: &str) -> Option<&FirstSale> {
        self.first.get(product)
    }

    /// About how many commands there will be: exact, for each order's are made and counted.
    pub fn count(&self) -> u64 {
        let titles = BTreeMap::new();
        self.orders
            .iter()
            .filter_map(|order| self.story(order, &titles).ok())
            .map(|lines| lines.len() as u64)
            .sum()
    }

    /// The commands of every order.
    pub fn into_lines(self, titles: BTreeMap<String, String>) -> impl Iterator<Item = anyhow::Result<Line>> + Send {
        let mut next = 0;
        std::iter::from_fn(move || {
            let order = self.orders.get(next)?;
            next += 1;
            Some(match self.story(order, &titles) {
                Ok(lines) => lines.into_iter().map(Ok).collect::<Vec<_>>(),
                Err(error) => vec![Err(error)],
            })
        })
        .flatten()
    }

    /// The commands of one order, in the order of its life.
    fn story(&self, row: &OrderRow, titles: &BTreeMap<String, String>) -> anyhow::Result<Vec<Line>> {
        let mut story = Story::of(row, self.customers.get(&row.customer_id))?;
        let items = self.items.get(&row.order_id).map_or(&[][..], Vec::as_slice);
        story.place(items, titles)?;
        if items.is_empty() {
            // The order is refused, for it has no line; what would follow has nothing to stand on.
            return Ok(story.lines);
        }
        let seller = owner(&items[0].seller_id);
        story.live(seller, self.payments.get(&row.order_id).map_or(&[], Vec::as_slice))?;
        Ok(story.lines)
    }
}

fn first_sales(
    orders: &[OrderRow],
    items: &HashMap<String, Vec<ItemRow>>,
) -> anyhow::Result<HashMap<String, FirstSale>> {
    let mut first = HashMap::new();
    for order in orders {
        let at = time(&order.order_purchase_timestamp)?;
        for item in items.get(&order.order_id).into_iter().flatten() {
            let sale = FirstSale {
                seller: item.seller_id.clone(),
                price: reais(&item.price)?,
                at,
            };
            first.entry(item.product_id.clone()).or_insert(sale);
        }
    }
    Ok(first)
}

/// An order's commands as they are written.
struct Story<'a> {
    row: &'a OrderRow,
    order: OrderId,
    customer: UserId,
    address: Option<Address>,
    placed: DateTime<Utc>,
    lines: Vec<Line>,
}

impl<'a> Story<'a> {
    fn of(row: &'a OrderRow, customer: Option<&CustomerRow>) -> anyhow::Result<Self> {
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

    fn place(&mut self, items: &[ItemRow], titles: &BTreeMap<String, String>) -> anyhow::Result<()> {
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
    fn live(&mut self, seller: UserId, payments: &[PaymentRow]) -> anyhow::Result<()> {
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
