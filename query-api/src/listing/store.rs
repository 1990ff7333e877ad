//! Stores. What they tell of themselves is everybody's; contact, members, orders and figures are their members'.

use async_graphql::{Context, Enum, ID, InputObject, Json, Object, SimpleObject, connection::Connection};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};

use super::{
    listing::{self, ListingConnection, ListingFilter, ListingOrder},
    statistics::{self, Days, StoreStatistics},
};
use crate::{
    error::{QueryError, Result},
    limits,
    loaders::{InsideStore, MembersOf},
    money::Long,
    order::orders::{self, OrderConnection, OrderFilter, OrderSort},
    page::{self, Collection, List, Page, Sort},
    session::session,
    totals::Totals,
};

/// A row of `store`.
#[derive(Debug, Clone, FromRow)]
pub struct StoreRow {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub verification: String,
    pub city: Option<String>,
    pub region: Option<String>,
    pub country: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub state: Value,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// A store that the viewer sees from within.
#[derive(Debug, Clone, FromRow)]
pub struct Inside {
    pub id: String,
}

/// A row of `store_member`.
#[derive(Debug, Clone, FromRow)]
pub struct MemberRow {
    pub store: String,
    pub user_id: String,
    pub role: String,
}

/// Somebody who works in a store.
#[derive(Debug, Clone, SimpleObject)]
pub struct StoreMember {
    /// The user.
    pub user: ID,
    /// `staff` or `admin`.
    pub role: String,
}

/// Where a store is.
#[derive(Debug, Clone, SimpleObject)]
pub struct StoreLocation {
    /// The city.
    pub city: String,
    /// State, province or county.
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    pub country: Option<String>,
    /// In degrees, north positive.
    pub latitude: Option<f64>,
    /// In degrees, east positive.
    pub longitude: Option<f64>,
}

/// A store: a market, or a law firm.
#[derive(Debug, Clone)]
pub struct Store(pub StoreRow);

const MEMBERS: &str = "the store's members";

impl Store {
    async fn admit(&self, context: &Context<'_>) -> Result<()> {
        match session(context)
            .loaders
            .load_one(InsideStore(self.0.id.clone()))
            .await?
        {
            Some(_) => Ok(()),
            None => Err(QueryError::Forbidden(MEMBERS)),
        }
    }
}

#[Object]
impl Store {
    /// Its id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// `market` or `firm`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it is verified: `unsubmitted`, `pending`, `verified`, `rejected`, `suspended` or `expired`.
    async fn verification(&self) -> &str {
        &self.0.verification
    }

    /// How it presents itself.
    async fn profile(&self) -> Option<Json<&Value>> {
        self.0.state.get("profile").map(Json)
    }

    /// When it is open.
    async fn business_hours(&self) -> Option<Json<&Value>> {
        self.0.state.get("businessHours").map(Json)
    }

    /// How orders reach customers.
    async fn delivery_options(&self) -> Option<Json<&Value>> {
        self.0.state.get("deliveryOptions").map(Json)
    }

    /// How customers may pay.
    async fn payment_methods(&self) -> Option<Json<&Value>> {
        self.0.state.get("paymentMethods").map(Json)
    }

    /// Where it is.
    async fn location(&self) -> Option<StoreLocation> {
        let StoreRow {
            city,
            region,
            country,
            latitude,
            longitude,
            ..
        } = self.0.clone();
        Some(StoreLocation {
            city: city?,
            region,
            country,
            latitude,
            longitude,
        })
    }

    /// How to reach it. Its members see it.
    async fn contact(&self, context: &Context<'_>) -> Result<Option<Json<&Value>>> {
        self.admit(context).await?;
        Ok(self
            .0
            .state
            .get("contact")
            .filter(|contact| !contact.is_null())
            .map(Json))
    }

    /// Who works there. Its members see it.
    async fn members(&self, context: &Context<'_>) -> Result<Option<Vec<StoreMember>>> {
        self.admit(context).await?;
        let rows = session(context)
            .loaders
            .load_one(MembersOf(self.0.id.clone()))
            .await?
            .unwrap_or_default();
        Ok(Some(
            rows.into_iter()
                .map(|row| StoreMember {
                    user: ID(row.user_id),
                    role: row.role,
                })
                .collect(),
        ))
    }

    /// What it sold, by the day (UTC) on which it was ordered, both days included. Its members see it.
    async fn statistics(
        &self,
        context: &Context<'_>,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> Result<Option<StoreStatistics>> {
        self.admit(context).await?;
        statistics::of(context, &self.0.id, Days { from, to }).await.map(Some)
    }

    /// What it offers.
    #[graphql(complexity = "limits::page(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn listings(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ListingFilter>,
        search: Option<String>,
        order_by: Option<ListingOrder>,
    ) -> Result<ListingConnection> {
        let filter = ListingFilter {
            store: Some(ID(self.0.id.clone())),
            ..filter.unwrap_or_default()
        };
        listing::list(
            context,
            Some(filter),
            search,
            order_by,
            &Page::of(first, after, last, before),
        )
        .await
    }

    /// The orders that name it, as far as the viewer sees them: its members see all.
    #[graphql(complexity = "limits::page(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn orders(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<OrderFilter>,
        order_by: Option<OrderSort>,
    ) -> Result<OrderConnection> {
        let filter = OrderFilter {
            store: Some(ID(self.0.id.clone())),
            ..filter.unwrap_or_default()
        };
        orders::list(context, Some(filter), order_by, &Page::of(first, after, last, before)).await
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
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

/// Which stores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
pub struct StoreFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Verified so.
    pub verification: Option<String>,
    /// In this city.
    pub city: Option<String>,
    /// In this state, province or county.
    pub region: Option<String>,
    /// In this country.
    pub country: Option<String>,
    /// Where this user works: the viewer, or anybody for those who see all.
    pub member: Option<ID>,
}

/// In what order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
pub enum StoreOrder {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
    /// By name.
    Name,
}

impl StoreOrder {
    const fn sort(self) -> Sort {
        let (name, by, kind, descending) = match self {
            Self::Newest => ("newest", "created_at", "timestamptz", true),
            Self::Oldest => ("oldest", "created_at", "timestamptz", false),
            Self::Name => ("name", "name", "text", false),
        };
        Sort {
            name,
            by,
            kind,
            descending,
            id: "id",
        }
    }
}

/// The stores that a filter and a search leave. Every store is everybody's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stores {
    filter: StoreFilter,
    search: Option<String>,
    order: StoreOrder,
}

impl List for Stores {
    fn select(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select * from store");
    }

    fn count(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select count(*) from store");
    }

    fn conditions(&self, query: &mut QueryBuilder<Postgres>) {
        let StoreFilter {
            kind,
            verification,
            city,
            region,
            country,
            member,
        } = &self.filter;
        for (column, wanted) in [
            ("kind", kind),
            ("verification", verification),
            ("city", city),
            ("region", region),
            ("country", country),
        ] {
            if let Some(wanted) = wanted {
                query.push(format!(" and {column} = ")).push_bind(wanted.clone());
            }
        }
        if let Some(member) = member {
            query.push(" and id in (select store from store_member where user_id = ");
            query.push_bind(member.0.clone()).push(")");
        }
        if let Some(search) = &self.search {
            query
                .push(" and search @@ websearch_to_tsquery('simple', ")
                .push_bind(search.clone())
                .push(")");
        }
    }
}

impl Collection for Stores {
    type Row = StoreRow;
    type Node = Store;

    fn node(row: StoreRow) -> Store {
        Store(row)
    }

    fn sort(&self) -> Sort {
        self.order.sort()
    }
}

/// A page of stores.
pub type StoreConnection = Connection<String, Store, Totals<Stores>>;

/// One page of stores.
pub async fn list(
    context: &Context<'_>,
    filter: Option<StoreFilter>,
    search: Option<String>,
    order: Option<StoreOrder>,
    page: &Page,
) -> Result<StoreConnection> {
    let filter = filter.unwrap_or_default();
    let rights = &session(context).rights;
    if let Some(member) = &filter.member
        && !rights.sees_all()
        && rights.user() != Some(member.as_str())
    {
        return Err(QueryError::Forbidden(MEMBERS));
    }
    let stores = Stores {
        filter,
        search: search.filter(|search| !search.trim().is_empty()),
        order: order.unwrap_or(StoreOrder::Newest),
    };
    page::connect(session(context), &stores, page, Totals(stores.clone())).await
}
