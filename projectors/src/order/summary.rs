//! Orders: what was agreed on, by line and by store, and how far each has come.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    family::Family,
    order::{
        number::number,
        order::{OrderEvent, OrderPlaced},
    },
};
use event_log::commit::StoredEvent;
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    batch::Batch,
    projection::{Projection, ProjectionError},
    row::{json, partition, word},
    table::{Table, table},
};

table! {
    /// An order.
    pub struct OrderRow in "order_summary" keyed by (id: String = "text") {
        number: String = "text",
        customer: String = "text",
        status: String = "text",
        fulfilment: String = "text",
        currency: String = "text",
        subtotal: i64 = "bigint",
        discount: i64 = "bigint",
        tax: i64 = "bigint",
        delivery_fee: i64 = "bigint",
        total: i64 = "bigint",
        comment: Option<Value> = "jsonb",
        delivery: Value = "jsonb",
        reason: Option<String> = "text",
        carrier: Option<String> = "text",
        tracking: Option<String> = "text",
        placed_at: DateTime<Utc> = "timestamptz",
        updated_at: DateTime<Utc> = "timestamptz",
        version: i64 = "bigint",
        partition: i16 = "smallint",
        changed: i64 = "bigint",
    }
}

table! {
    /// A line of an order.
    pub struct LineRow in "order_line" keyed by (order_id: String = "text", line: i16 = "smallint") {
        listing: String = "text",
        store: String = "text",
        stock: Option<String> = "text",
        title: String = "text",
        unit_price: i64 = "bigint",
        quantity: i64 = "bigint",
    }
}

table! {
    /// An order in the list of a store.
    pub struct StoreOrderRow in "order_store" keyed by (store: String = "text", order_id: String = "text") {
        placed_at: DateTime<Utc> = "timestamptz",
    }
}

/// The projection of orders.
#[derive(Debug)]
pub struct OrderSummary;

#[async_trait]
impl Projection for OrderSummary {
    fn name(&self) -> &'static str {
        "order-summary"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Order]
    }

    fn tables(&self) -> Vec<&'static str> {
        vec![OrderRow::TABLE, LineRow::TABLE, StoreOrderRow::TABLE]
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let known = OrderRow::fetch(transaction, &batch.streams("ord")).await?;
        let mut rows: HashMap<String, OrderRow> = known.into_iter().map(|row| (row.id.clone(), row)).collect();
        let (mut lines, mut stores) = (Vec::new(), Vec::new());
        for (stored, event) in batch.of::<OrderEvent>()? {
            if let OrderEvent::Placed(placed) = &event {
                rows.insert(stored.envelope.stream.clone(), order(stored, placed));
                lines.extend(order_lines(stored, placed));
                stores.extend(store_orders(stored, placed));
            }
            if let Some(row) = rows.get_mut(&stored.envelope.stream) {
                advance(row, stored, event);
            }
        }
        OrderRow::upsert(transaction, rows.into_values().collect()).await?;
        LineRow::upsert(transaction, lines).await?;
        StoreOrderRow::upsert(transaction, stores).await?;
        Ok(())
    }
}

fn order(stored: &StoredEvent, placed: &OrderPlaced) -> OrderRow {
    let id = stored.envelope.stream.clone();
    OrderRow {
        number: id.parse().map(number).unwrap_or_default(),
        customer: placed.customer.to_string(),
        status: String::new(),
        fulfilment: word(&placed.fulfilment),
        currency: placed.currency.to_string(),
        subtotal: placed.subtotal.amount,
        discount: placed.discount.amount,
        tax: placed.tax.amount,
        delivery_fee: placed.delivery_fee.amount,
        total: placed.total.amount,
        comment: placed.comment.as_ref().map(json),
        delivery: json(&placed.delivery),
        reason: None,
        carrier: None,
        tracking: None,
        placed_at: stored.envelope.time,
        updated_at: stored.envelope.time,
        version: 0,
        partition: 0,
        changed: 0,
        id,
    }
}

fn order_lines<'a>(stored: &'a StoredEvent, placed: &'a OrderPlaced) -> impl Iterator<Item = LineRow> + 'a {
    placed.lines.iter().zip(1..).map(|(line, number)| LineRow {
        order_id: stored.envelope.stream.clone(),
        line: number,
        listing: line.listing.to_string(),
        store: line.store.to_string(),
        stock: line.stock.map(|stock| stock.to_string()),
        title: line.title.clone(),
        unit_price: line.unit_price.amount,
        quantity: i64::from(line.quantity),
    })
}

fn store_orders(stored: &StoredEvent, placed: &OrderPlaced) -> Vec<StoreOrderRow> {
    let mut stores: Vec<_> = placed.lines.iter().map(|line| line.store).collect();
    stores.sort_unstable();
    stores.dedup();
    let row = |store: domain::id::StoreId| StoreOrderRow {
        store: store.to_string(),
        order_id: stored.envelope.stream.clone(),
        placed_at: stored.envelope.time,
    };
    stores.into_iter().map(row).collect()
}

/// What any event changes, and what this one says beside.
fn advance(row: &mut OrderRow, stored: &StoredEvent, event: OrderEvent) {
    event.status().name().clone_into(&mut row.status);
    row.updated_at = stored.envelope.time;
    row.version = stored.envelope.version.cast_signed();
    row.partition = partition(stored.shard);
    row.changed = stored.offset.cast_signed();
    match event {
        OrderEvent::Refused(event) => row.reason = Some(event.reason),
        OrderEvent::Cancelled(event) => row.reason = Some(event.reason),
        OrderEvent::Returned(event) => row.reason = Some(event.reason),
        OrderEvent::Dispatched(event) => (row.carrier, row.tracking) = (event.carrier, event.tracking),
        _ => {}
    }
}
