//! What a store sold, by day and in all. Every order shard keeps rows of its own, so a query sums over them.

use async_graphql::{Context, SimpleObject};
use chrono::NaiveDate;
use sqlx::FromRow;

use crate::{
    error::Result,
    loaders::SalesOf,
    money::{Long, Money},
    reads::Reads,
    session::session,
};

/// What a store sold on a day, or on all of them.
#[derive(Debug, Clone, FromRow)]
pub struct SalesRow {
    pub store: String,
    day: Option<NaiveDate>,
    currency: String,
    orders: i64,
    revenue: i64,
    units: i64,
}

/// From one day to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Days {
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// What a store sold.
#[derive(Debug, SimpleObject)]
pub struct StoreStatistics {
    /// Day by day; a day without orders is absent.
    pub days: Vec<StoreDay>,
    /// In all, one for each currency.
    pub totals: Vec<StoreSales>,
}

/// What a store sold on one day.
#[derive(Debug, SimpleObject)]
pub struct StoreDay {
    /// The day on which it was ordered, UTC.
    pub day: NaiveDate,
    /// How much.
    #[graphql(flatten)]
    pub sales: StoreSales,
}

/// How much was sold.
#[derive(Debug, SimpleObject)]
pub struct StoreSales {
    /// Orders that name the store, less those refused or cancelled.
    pub orders: Long,
    /// Price times quantity of the store's lines.
    pub revenue: Money,
    /// How many pieces.
    pub units: Long,
}

const BY_DAY: &str = "select store, day, currency, sum(orders)::bigint as orders,
                least(sum(revenue), 9223372036854775807)::bigint as revenue,
                least(sum(units), 9223372036854775807)::bigint as units
         from store_day
         where store = any($1) and ($2::date is null or day >= $2) and ($3::date is null or day <= $3)
         group by store, grouping sets ((day, currency), (currency))
         having sum(orders) <> 0 or sum(revenue) <> 0
         order by store, day, currency";

/// What these stores sold.
pub async fn read(reads: &Reads, stores: &[String], Days { from, to }: Days) -> Result<Vec<SalesRow>> {
    let mut lease = reads.of(BY_DAY).await?;
    let query = sqlx::query_as(BY_DAY).bind(stores).bind(from).bind(to);
    Ok(query.fetch_all(&mut *lease).await?)
}

/// What this store sold.
pub async fn of(context: &Context<'_>, store: &str, days: Days) -> Result<StoreStatistics> {
    let store = store.to_owned();
    let rows = session(context)
        .loaders
        .load_one(SalesOf { store, days })
        .await?
        .unwrap_or_default();
    let mut found = StoreStatistics {
        days: Vec::new(),
        totals: Vec::new(),
    };
    for SalesRow {
        day,
        currency,
        orders,
        revenue,
        units,
        ..
    } in rows
    {
        let sales = StoreSales {
            orders: Long(orders),
            revenue: Money::new(revenue, &currency),
            units: Long(units),
        };
        match day {
            Some(day) => found.days.push(StoreDay { day, sales }),
            None => found.totals.push(sales),
        }
    }
    Ok(found)
}
