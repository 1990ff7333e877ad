//! Store statistics by day: orders, revenue and units, counted on the day (UTC) on which each order was placed. An order
//! that is refused or cancelled is taken off again; one that is returned was sold all the same.
//!
//! A store's orders lie in every order shard. So that shards can be applied in any order and at any pace, each keeps rows
//! of its own, and a query sums them. What an order added is kept beside, so that it can be taken off.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;
use domain::{
    family::Family,
    order::order::{OrderEvent, OrderPlaced},
};
use event_log::commit::StoredEvent;
use sqlx::{FromRow, PgConnection};

use crate::{
    batch::Batch,
    projection::{Projection, ProjectionError},
    row::partition,
    table::table,
};

table! {
    /// What one order added to one store.
    pub struct SaleRow in "store_sale" keyed by (order_id: String = "text", store: String = "text") {
        day: NaiveDate = "date",
        currency: String = "text",
        revenue: i64 = "bigint",
        units: i64 = "bigint",
        undone: bool = "boolean",
    }
}

/// The projection of store statistics.
#[derive(Debug)]
pub struct StoreStatistics;

#[derive(Debug, FromRow)]
struct Sale {
    store: String,
    day: NaiveDate,
    currency: String,
    revenue: i64,
    units: i64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Change {
    orders: i64,
    revenue: i64,
    units: i64,
}

#[async_trait]
impl Projection for StoreStatistics {
    fn name(&self) -> &'static str {
        "store-statistics"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Order]
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let (mut sold, mut undone) = (Vec::new(), Vec::new());
        let mut changed = 0;
        for (stored, event) in batch.of::<OrderEvent>()? {
            match event {
                OrderEvent::Placed(placed) => sold.extend(sales(stored, &placed)),
                OrderEvent::Refused(_) | OrderEvent::Cancelled(_) => undone.push(stored.envelope.stream.clone()),
                _ => continue,
            }
            changed = stored.offset.cast_signed();
        }
        let mut changes = BTreeMap::new();
        for sale in &sold {
            count(
                &mut changes,
                (&sale.store, sale.day, &sale.currency),
                1,
                sale.revenue,
                sale.units,
            );
        }
        SaleRow::upsert(transaction, sold).await?;
        for sale in take_off(transaction, &undone).await? {
            count(
                &mut changes,
                (&sale.store, sale.day, &sale.currency),
                -1,
                -sale.revenue,
                -sale.units,
            );
        }
        write(transaction, partition(batch.shard()), changed, changes).await?;
        Ok(())
    }
}

/// What an order adds, store by store.
fn sales(stored: &StoredEvent, placed: &OrderPlaced) -> Vec<SaleRow> {
    let mut by_store = BTreeMap::new();
    for line in &placed.lines {
        let (revenue, units) = by_store.entry(line.store).or_insert((0, 0));
        *revenue += line.unit_price.amount * i64::from(line.quantity);
        *units += i64::from(line.quantity);
    }
    let row = |(store, (revenue, units)): (domain::id::StoreId, _)| SaleRow {
        order_id: stored.envelope.stream.clone(),
        store: store.to_string(),
        day: stored.envelope.time.date_naive(),
        currency: placed.currency.to_string(),
        revenue,
        units,
        undone: false,
    };
    by_store.into_iter().map(row).collect()
}

type Changes = BTreeMap<(String, NaiveDate, String), Change>;

fn count(
    changes: &mut Changes,
    (store, day, currency): (&str, NaiveDate, &str),
    orders: i64,
    revenue: i64,
    units: i64,
) {
    let change = changes.entry((store.to_owned(), day, currency.to_owned())).or_default();
    change.orders += orders;
    change.revenue += revenue;
    change.units += units;
}

/// Marks these orders as undone, and says what they had added.
async fn take_off(connection: &mut PgConnection, orders: &[String]) -> Result<Vec<Sale>, sqlx::Error> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "update store_sale set undone = true where order_id = any($1) and not undone
         returning store, day, currency, revenue, units",
    )
    .bind(orders)
    .fetch_all(connection)
    .await
}

async fn write(
    connection: &mut PgConnection,
    partition: i16,
    changed: i64,
    changes: Changes,
) -> Result<(), sqlx::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let (mut stores, mut days, mut currencies) = (Vec::new(), Vec::new(), Vec::new());
    let (mut orders, mut revenue, mut units) = (Vec::new(), Vec::new(), Vec::new());
    for ((store, day, currency), change) in changes {
        stores.push(store);
        days.push(day);
        currencies.push(currency);
        orders.push(change.orders);
        revenue.push(change.revenue);
        units.push(change.units);
    }
    sqlx::query(
        "insert into store_day (store, day, currency, orders, revenue, units, partition, changed)
         select *, $7, $8 from unnest($1::text[], $2::date[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
         on conflict (store, day, currency, partition) do update
         set orders = store_day.orders + excluded.orders,
             revenue = store_day.revenue + excluded.revenue,
             units = store_day.units + excluded.units,
             changed = excluded.changed",
    )
    .bind(stores)
    .bind(days)
    .bind(currencies)
    .bind(orders)
    .bind(revenue)
    .bind(units)
    .bind(partition)
    .bind(changed)
    .execute(connection)
    .await?;
    Ok(())
}
