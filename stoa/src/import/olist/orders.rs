//! Orders with their lines, freight and payments, as the tables have them; `story` turns each into commands.

mod story;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use chrono::{DateTime, Utc};
use domain::money::Money;
use serde::Deserialize;

use super::{catalogue::owner, reais, table, time};
use crate::import::line::Line;
use story::Story;

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

    /// How many orders there are.
    pub fn count(&self) -> u64 {
        self.orders.len() as u64
    }

    /// The commands of every order, order by order.
    pub fn into_stories(
        self,
        titles: BTreeMap<String, String>,
    ) -> impl Iterator<Item = anyhow::Result<Vec<Line>>> + Send {
        let mut next = 0;
        std::iter::from_fn(move || {
            let order = self.orders.get(next)?;
            next += 1;
            Some(self.story(order, &titles))
        })
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
