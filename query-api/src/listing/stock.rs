//! Stock of a listing.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::money::Long;

/// A row of `stock`.
#[derive(Debug, Clone, FromRow)]
pub struct StockRow {
    pub id: String,
    pub listing: String,
    pub on_hand: i64,
    pub held: i64,
    pub available: i64,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

/// A stock item of a listing.
#[derive(Debug, Clone)]
pub struct StockItem(pub StockRow);

#[Object]
impl StockItem {
    /// Its id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What is there, held or not.
    async fn on_hand(&self) -> Long {
        Long(self.0.on_hand)
    }

    /// What is held for reservations.
    async fn held(&self) -> Long {
        Long(self.0.held)
    }

    /// What can be reserved.
    async fn available(&self) -> Long {
        Long(self.0.available)
    }

    /// The stream's version: what `If-Match` names.
    async fn version(&self) -> Long {
        Long(self.0.version)
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}
