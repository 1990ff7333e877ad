//! Which stores an order names: looked up once for all who follow stores, however many events it has. An order names the
//! same stores for good, so what was found once stays right.

use std::{collections::HashMap, fmt, sync::Arc};

use async_graphql::dataloader::{DataLoader, Loader, LruCache};
use sqlx::PgPool;

use crate::error::{QueryError, Result};

/// Orders whose stores are remembered.
const KNOWN: usize = 10_000;

/// The stores of orders. Cheap to clone.
#[derive(Clone)]
pub struct StoresOfOrders(Arc<DataLoader<LookUp, LruCache>>);

struct LookUp(PgPool);

impl StoresOfOrders {
    /// Reads them from this database.
    pub fn new(pool: PgPool) -> Self {
        let cache = LruCache::new(KNOWN);
        Self(Arc::new(DataLoader::with_cache(LookUp(pool), tokio::spawn, cache)))
    }

    /// The stores that this order names; none while the order is not projected.
    pub async fn of(&self, order: &str) -> Result<Vec<String>> {
        Ok(self.0.load_one(order.to_owned()).await?.unwrap_or_default())
    }
}

impl fmt::Debug for StoresOfOrders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoresOfOrders").finish_non_exhaustive()
    }
}

impl Loader<String> for LookUp {
    type Value = Vec<String>;
    type Error = QueryError;

    async fn load(&self, orders: &[String]) -> Result<HashMap<String, Vec<String>>> {
        let rows: Vec<(String, Vec<String>)> = sqlx::query_as(
            "select order_id, array_agg(store) from order_store where order_id = any($1) group by order_id",
        )
        .bind(orders)
        .fetch_all(&self.0)
        .await?;
        Ok(rows.into_iter().collect())
    }
}
