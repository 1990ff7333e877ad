//! Payments of an order. Whoever sees the order sees them.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::order::Order;
use crate::{
    error::Result,
    loaders::OrderById,
    money::{Long, Money},
    session::session,
};

/// A row of `payment`.
#[derive(Debug, Clone, FromRow)]
pub struct PaymentRow {
    pub id: String,
    pub order_id: String,
    pub status: String,
    pub method: String,
    pub installments: Option<i16>,
    pub currency: String,
    pub requested: i64,
    pub authorised: i64,
    pub captured: i64,
    pub refunded: i64,
    pub reference: Option<String>,
    pub reason: Option<String>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// A payment of an order.
#[derive(Debug, Clone)]
pub struct Payment(pub PaymentRow);

impl Payment {
    fn money(&self, amount: i64) -> Money {
        Money::new(amount, &self.0.currency)
    }
}

#[Object]
impl Payment {
    /// Its id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What it pays.
    async fn order(&self, context: &Context<'_>) -> Result<Option<Order>> {
        Ok(session(context)
            .loaders
            .load_one(OrderById(self.0.order_id.clone()))
            .await?
            .map(Order))
    }

    /// Where it is in its life.
    async fn status(&self) -> &str {
        &self.0.status
    }

    /// By what means.
    async fn method(&self) -> &str {
        &self.0.method
    }

    /// In how many parts the customer pays it.
    async fn installments(&self) -> Option<i32> {
        self.0.installments.map(i32::from)
    }

    /// What is to be paid.
    async fn requested(&self) -> Money {
        self.money(self.0.requested)
    }

    /// What may be taken.
    async fn authorised(&self) -> Money {
        self.money(self.0.authorised)
    }

    /// What was taken.
    async fn captured(&self) -> Money {
        self.money(self.0.captured)
    }

    /// What was given back.
    async fn refunded(&self) -> Money {
        self.money(self.0.refunded)
    }

    /// What the provider calls it.
    async fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// Why it failed or was cancelled.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
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
