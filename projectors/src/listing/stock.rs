//! Stock: what is on hand of a listing, and what of it is held.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{family::Family, listing::stock::StockItem};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    batch::Batch,
    fold::{Folded, Remembered, fold},
    projection::{Projection, ProjectionError},
    row::json,
    table::table,
};

table! {
    /// A stock item.
    pub struct StockRow in "stock" keyed by (id: String = "text") {
        listing: String = "text",
        on_hand: i64 = "bigint",
        held: i64 = "bigint",
        state: Value = "jsonb",
        created_at: DateTime<Utc> = "timestamptz",
        updated_at: DateTime<Utc> = "timestamptz",
        version: i64 = "bigint",
        partition: i16 = "smallint",
        changed: i64 = "bigint",
    }
}

/// The projection of stock.
#[derive(Debug)]
pub struct Stock;

#[async_trait]
impl Projection for Stock {
    fn name(&self) -> &'static str {
        "stock"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Listing]
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let known = StockRow::fetch(transaction, &batch.streams("stk")).await?;
        let known = known.into_iter().map(
            |StockRow {
                 id, state, created_at, ..
             }| Remembered { id, state, created_at },
        );
        let folded = fold::<StockItem>(self, batch, known)?;
        StockRow::upsert(transaction, folded.into_iter().map(row).collect()).await?;
        Ok(())
    }
}

fn row(folded: Folded<StockItem>) -> StockRow {
    let stock = &folded.aggregate;
    StockRow {
        id: folded.id,
        listing: folded.scope,
        on_hand: i64::from(stock.on_hand),
        held: stock.held.values().map(|hold| i64::from(hold.quantity)).sum(),
        state: json(stock),
        created_at: folded.created_at,
        updated_at: folded.updated_at,
        version: folded.version,
        partition: folded.partition,
        changed: folded.changed,
    }
}
