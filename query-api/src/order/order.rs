//! Orders: the customer's, and those of the stores that they name.

use async_graphql::{Context, ID, Json, Object};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use super::payment::Payment;
use crate::{
    error::Result,
    listing::{listing::Listing, store::Store},
    loaders::{LinesOf, ListingById, PaymentsOf, StoreById},
    money::{Long, Money},
    session::session,
};

/// A row of `order_summary`.
#[derive(Debug, Clone, FromRow)]
pub struct OrderRow {
    pub id: String,
    pub number: String,
    pub customer: String,
    pub status: String,
    pub fulfilment: String,
    pub currency: String,
    pub subtotal: i64,
    pub discount: i64,
    pub tax: i64,
    pub delivery_fee: i64,
    pub total: i64,
    pub comment: Option<Value>,
    pub delivery: Value,
    pub reason: Option<String>,
    pub carrier: Option<String>,
    pub tracking: Option<String>,
    pub placed_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// A row of `order_line`, with its order's currency.
#[derive(Debug, Clone, FromRow)]
pub struct LineRow {
    pub order_id: String,
    pub line: i16,
    pub listing: String,
    pub store: String,
    pub title: String,
    pub unit_price: i64,
    pub quantity: i64,
}

/// A purchase.
#[derive(Debug, Clone)]
pub struct Order(pub OrderRow);

impl Order {
    fn money(&self, amount: i64) -> Money {
        Money::new(amount, &self.0.currency)
    }
}

#[Object]
impl Order {
    /// Its id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What people call it.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Whose it is.
    async fn customer(&self) -> ID {
        ID(self.0.customer.clone())
    }

    /// Where it is in its life.
    async fn status(&self) -> &str {
        &self.0.status
    }

    /// Who carries it out: `managed`, or `external` when it was imported.
    async fn fulfilment(&self) -> &str {
        &self.0.fulfilment
    }

    /// What its lines come to.
    async fn subtotal(&self) -> Money {
        self.money(self.0.subtotal)
    }

    /// What is taken off.
    async fn discount(&self) -> Money {
        self.money(self.0.discount)
    }

    /// Tax.
    async fn tax(&self) -> Money {
        self.money(self.0.tax)
    }

    /// What bringing it costs.
    async fn delivery_fee(&self) -> Money {
        self.money(self.0.delivery_fee)
    }

    /// Subtotal less discount, plus tax and delivery fee.
    async fn total(&self) -> Money {
        self.money(self.0.total)
    }

    /// What the customer said: whose words, and the words or their sealed bytes.
    async fn comment(&self) -> Option<Json<&Value>> {
        self.0.comment.as_ref().map(Json)
    }

    /// How the customer wants it.
    async fn delivery(&self) -> Json<&Value> {
        Json(&self.0.delivery)
    }

    /// Why it was refused, cancelled or returned.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Who brings it.
    async fn carrier(&self) -> Option<&str> {
        self.0.carrier.as_deref()
    }

    /// By what number it can be followed.
    async fn tracking(&self) -> Option<&str> {
        self.0.tracking.as_deref()
    }

    /// What was ordered.
    async fn lines(&self, context: &Context<'_>) -> Result<Vec<OrderLine>> {
        let rows = session(context)
            .loaders
            .load_one(LinesOf(self.0.id.clone()))
            .await?
            .unwrap_or_default();
        let mut lines: Vec<_> = rows
            .into_iter()
            .map(|row| OrderLine {
                row,
                currency: self.0.currency.clone(),
            })
            .collect();
        lines.sort_by_key(|line| line.row.line);
        Ok(lines)
    }

    /// How it is paid.
    async fn payments(&self, context: &Context<'_>) -> Result<Vec<Payment>> {
        let rows = session(context)
            .loaders
            .load_one(PaymentsOf(self.0.id.clone()))
            .await?
            .unwrap_or_default();
        Ok(rows.into_iter().map(Payment).collect())
    }

    /// When it was placed.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.0.placed_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// The stream's version: what `If-Match` names.
    async fn version(&self) -> Long {
        Long(self.0.version)
    }
}

/// One thing that was ordered, as it was sold.
#[derive(Debug, Clone)]
pub struct OrderLine {
    row: LineRow,
    currency: String,
}

#[Object]
impl OrderLine {
    /// From 1, as the customer ordered.
    async fn number(&self) -> i32 {
        self.row.line.into()
    }

    /// What it was called.
    async fn title(&self) -> &str {
        &self.row.title
    }

    /// What one cost.
    async fn unit_price(&self) -> Money {
        Money::new(self.row.unit_price, &self.currency)
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        i32::try_from(self.row.quantity).unwrap_or(i32::MAX)
    }

    /// The listing's id.
    async fn listing_id(&self) -> ID {
        ID(self.row.listing.clone())
    }

    /// The listing, if the viewer still sees it.
    async fn listing(&self, context: &Context<'_>) -> Result<Option<Listing>> {
        Ok(session(context)
            .loaders
            .load_one(ListingById(self.row.listing.clone()))
            .await?
            .map(Listing))
    }

    /// Who sells it.
    async fn store(&self, context: &Context<'_>) -> Result<Option<Store>> {
        Ok(session(context)
            .loaders
            .load_one(StoreById(self.row.store.clone()))
            .await?
            .map(Store))
    }
}
