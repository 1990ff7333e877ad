//! Store statistics by day: orders, revenue and units, counted on the day (UTC) on which each order was placed. An order
//! that is refused or cancelled is taken off again; one that is returned was sold all the same.
//!
//! A store's orders lie in every order shard. So that shards can be applied in any order and at any pace, each keeps rows
//! of its own, and a query sums them. What an order added is kept beside, so that it can be taken off.
//!
//! Sums are `numeric`, and are added up by the database: no number of orders, and no amount that an event can hold, is
//! too much for them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;
use domain::{
    family::Family,
    order::order::{OrderEvent, OrderPlaced},
};
use event_log::commit::StoredEvent;
use sqlx::PgConnection;

use crate::{
    batch::Batch,
    projection::{Projection, ProjectionError},
    row::partition,
    table::{Table, table},
};

table! {
    /// What one order added to one store.
    pub struct SaleRow in "store_sale" keyed by (order_id: String = "text", store: String = "text") {
        day: NaiveDate = "date",
        currency: String = "text",
        revenue: String = "numeric",
        units: i64 = "bigint",
        undone: bool = "boolean",
        changed: i64 = "bigint",
    }
}

/// The projection of store statistics.
#[derive(Debug)]
pub struct StoreStatistics;

#[async_trait]
impl Projection for StoreStatistics {
    fn name(&self) -> &'static str {
        "store-statistics"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Order]
    }

    fn tables(&self) -> Vec<&'static str> {
        vec![SaleRow::TABLE, "store_day"]
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let mut sold = BTreeMap::new();
        let mut undone = BTreeMap::new();
        for (stored, event) in batch.of::<OrderEvent>()? {
            let order = stored.envelope.stream.clone();
            let partition = partition(stored.shard);
            match event {
                OrderEvent::Placed(placed) => {
                    sold.insert(order, (partition, sales(stored, &placed)));
                }
                OrderEvent::Refused(_) | OrderEvent::Cancelled(_) => {
                    undone.entry(order).or_insert((partition, stored.offset.cast_signed()));
                }
                _ => {}
            }
        }
        count(transaction, sold).await?;
        take_off(transaction, undone).await?;
        Ok(())
    }
}

/// What an order adds, store by store.
fn sales(stored: &StoredEvent, placed: &OrderPlaced) -> Vec<SaleRow> {
    let mut by_store = BTreeMap::new();
    for line in &placed.lines {
        let (revenue, units) = by_store.entry(line.store).or_insert((0_i128, 0_i64));
        *revenue += i128::from(line.unit_price.amount) * i128::from(line.quantity);
        *units += i64::from(line.quantity);
    }
    let row = |(store, (revenue, units)): (domain::id::StoreId, (i128, i64))| SaleRow {
        order_id: stored.envelope.stream.clone(),
        store: store.to_string(),
        day: stored.envelope.time.date_naive(),
        currency: placed.currency.to_string(),
        revenue: revenue.to_string(),
        units,
        undone: false,
        changed: stored.offset.cast_signed(),
    };
    by_store.into_iter().map(row).collect()
}

/// Adds what was sold to the days, each order in its partition.
async fn count(connection: &mut PgConnection, sold: BTreeMap<String, (i16, Vec<SaleRow>)>) -> Result<(), sqlx::Error> {
    if sold.is_empty() {
        return Ok(());
    }
    let (orders, sold): (Vec<_>, Vec<_>) = sold.into_iter().unzip();
    let (partitions, sales): (Vec<_>, Vec<_>) = sold.into_iter().unzip();
    SaleRow::upsert(connection, sales.into_iter().flatten().collect()).await?;
    sqlx::query(
        "insert into store_day (store, day, currency, partition, orders, revenue, units, changed)
         select store, day, currency, placed.partition, count(*), sum(revenue), sum(units), max(changed)
         from store_sale join unnest($1::text[], $2::smallint[]) as placed (order_id, partition) using (order_id)
         group by store, day, currency, placed.partition
         on conflict (store, day, currency, partition) do update
         set orders = store_day.orders + excluded.orders,
             revenue = store_day.revenue + excluded.revenue,
             units = store_day.units + excluded.units,
             changed = greatest(store_day.changed, excluded.changed)",
    )
    .bind(orders)
    .bind(partitions)
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks these orders as undone, once each, and takes what they had added off the days.
async fn take_off(connection: &mut PgConnection, undone: BTreeMap<String, (i16, i64)>) -> Result<(), sqlx::Error> {
    if undone.is_empty() {
        return Ok(());
    }
    let (orders, undone): (Vec<_>, Vec<_>) = undone.into_iter().unzip();
    let (partitions, changed): (Vec<_>, Vec<_>) = undone.into_iter().unzip();
    sqlx::query(
        "with gone as (
             update store_sale set undone = true, changed = event.changed
             from unnest($1::text[], $2::bigint[], $3::smallint[]) as event (order_id, changed, partition)
             where store_sale.order_id = event.order_id and not undone
             returning store, day, currency, event.partition, revenue, units, event.changed
         )
         insert into store_day (store, day, currency, partition, orders, revenue, units, changed)
         select store, day, currency, partition, -count(*), -sum(revenue), -sum(units), max(changed)
         from gone group by store, day, currency, partition
         on conflict (store, day, currency, partition) do update
         set orders = store_day.orders + excluded.orders,
             revenue = store_day.revenue + excluded.revenue,
             units = store_day.units + excluded.units,
             changed = greatest(store_day.changed, excluded.changed)",
    )
    .bind(orders)
    .bind(changed)
    .bind(partitions)
    .execute(connection)
    .await?;
    Ok(())
}
