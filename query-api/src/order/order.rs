//! Orders: the customer's, and those of the stores that they name.

use async_graphql::{Context, Enum, ID, InputObject, Json, Object, SimpleObject, connection::Connection};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};

use super::payment::Payment;
use crate::{
    error::Result,
    limits::SCAN,
    listing::{listing::Listing, store::Store},
    loaders::{LinesOf, ListingById, PaymentsOf, StoreById},
    money::{Long, Money},
    page::{self, List, Page, Sort},
    rights::Rights,
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

/// Which orders.
#[derive(Debug, Clone, Default, InputObject)]
pub struct OrderFilter {
    /// Of this customer.
    pub customer: Option<ID>,
    /// That name this store.
    pub store: Option<ID>,
    /// Of one of these statuses.
    pub status: Option<Vec<String>>,
    /// Placed at this time or later.
    pub placed_from: Option<DateTime<Utc>>,
    /// Placed before this time.
    pub placed_to: Option<DateTime<Utc>>,
    /// With this number.
    pub number: Option<String>,
}

/// In what order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderSort {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

impl OrderSort {
    const fn sort(self) -> Sort {
        let (name, descending) = match self {
            Self::Newest => ("newest", true),
            Self::Oldest => ("oldest", false),
        };
        Sort {
            name,
            by: "placed_at",
            kind: "timestamptz",
            descending,
            id: "id",
        }
    }
}

/// The orders that a filter and the viewer's rights leave.
#[derive(Debug, Clone)]
pub struct Orders {
    filter: OrderFilter,
    rights: Rights,
}

impl List for Orders {
    fn select(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select * from order_summary");
    }

    fn count(&self) -> &'static str {
        "select count(*) from order_summary"
    }

    fn conditions(&self, query: &mut QueryBuilder<Postgres>) {
        self.rights.see_orders(query, "order_summary");
        let OrderFilter {
            customer,
            store,
            status,
            placed_from,
            placed_to,
            number,
        } = &self.filter;
        if let Some(customer) = customer {
            query.push(" and customer = ").push_bind(customer.0.clone());
        }
        if let Some(store) = store {
            query.push(" and id in (select order_id from order_store where store = ");
            query.push_bind(store.0.clone()).push(")");
        }
        if let Some(status) = status {
            query.push(" and status = any(").push_bind(status.clone()).push(")");
        }
        if let Some(from) = placed_from {
            query.push(" and placed_at >= ").push_bind(*from);
        }
        if let Some(to) = placed_to {
            query.push(" and placed_at < ").push_bind(*to);
        }
        if let Some(number) = number {
            query.push(" and number = ").push_bind(number.clone());
        }
    }
}

/// What orders of one currency come to.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderSum {
    /// How many orders.
    pub count: Long,
    /// The sum of their totals.
    pub total: Money,
}

/// What a connection of orders tells beside its items.
#[derive(Debug, Clone)]
pub struct OrderTotals(Orders);

#[Object]
impl OrderTotals {
    /// How many there are in all.
    #[graphql(complexity = "SCAN")]
    async fn total_count(&self, context: &Context<'_>) -> Result<Long> {
        Ok(Long(page::count(&session(context).reads, &self.0).await?))
    }

    /// What they come to, one for each currency.
    #[graphql(complexity = "SCAN + child_complexity")]
    async fn totals(&self, context: &Context<'_>) -> Result<Vec<OrderSum>> {
        let mut query =
            QueryBuilder::new("select currency, count(*), sum(total)::bigint from order_summary where true");
        self.0.conditions(&mut query);
        query.push(" group by currency order by currency");
        let mut lease = session(context).reads.of(query.sql().as_str()).await?;
        let rows: Vec<(String, i64, i64)> = query.build_query_as().fetch_all(&mut *lease).await?;
        let sum = |(currency, count, total): (String, i64, i64)| OrderSum {
            count: Long(count),
            total: Money::new(total, &currency),
        };
        Ok(rows.into_iter().map(sum).collect())
    }
}

/// A page of orders.
pub type OrderConnection = Connection<String, Order, OrderTotals>;

/// One page of orders.
pub async fn list(
    context: &Context<'_>,
    filter: Option<OrderFilter>,
    sort: Option<OrderSort>,
    page: &Page,
) -> Result<OrderConnection> {
    let orders = Orders {
        filter: filter.unwrap_or_default(),
        rights: session(context).rights.clone(),
    };
    let totals = OrderTotals(orders.clone());
    let sort = sort.unwrap_or(OrderSort::Newest).sort();
    page::page(&session(context).reads, &orders, sort, page, totals, Order).await
}
