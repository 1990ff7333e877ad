//! Listings: what is offered.

use async_graphql::{Context, Enum, ID, InputObject, Json, Object, connection::Connection};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};

use super::{category::Category, facets::Facets, stock::StockItem, store::Store};
use crate::{
    error::{QueryError, Result},
    loaders::{CategoryById, StockOf, StoreById},
    money::{Long, Money},
    page::{self, Collection, List, Page, Parent, Sort},
    rights::Rights,
    session::session,
    totals::Totals,
};

/// A row of `listing`.
#[derive(Debug, Clone, FromRow)]
pub struct ListingRow {
    pub id: String,
    pub kind: String,
    pub status: String,
    pub title: String,
    pub description: Option<String>,
    pub store: Option<String>,
    pub owner: String,
    pub price: Option<i64>,
    pub currency: Option<String>,
    pub category: Option<String>,
    pub sub_category: Option<String>,
    pub tags: Value,
    pub featured: bool,
    pub state: Value,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// Something offered.
#[derive(Debug, Clone)]
pub struct Listing(pub ListingRow);

#[Object]
impl Listing {
    /// Its id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// `product` or `showcase`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Where it is in its life: `draft`, `pending`, `published`, `paused`, `rejected`, `archived` or `deleted`.
    async fn status(&self) -> &str {
        &self.0.status
    }

    /// What people read first.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// More of it.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// What only its kind has: unit, weight and size of a product; tagline, address and makers of a showcase.
    async fn details(&self) -> Option<Json<&Value>> {
        self.0.state.get("details").map(Json)
    }

    /// What it shows, the cover first.
    async fn media(&self) -> Option<Json<&Value>> {
        self.0.state.get("media").map(Json)
    }

    /// Who created it.
    async fn owner(&self) -> ID {
        ID(self.0.owner.clone())
    }

    /// What one costs.
    async fn price(&self) -> Option<Money> {
        Some(Money::new(self.0.price?, self.0.currency.as_deref()?))
    }

    /// Tags, in lower case.
    async fn tags(&self) -> Vec<&str> {
        self.0
            .tags
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// Whether it is put forward.
    async fn featured(&self) -> bool {
        self.0.featured
    }

    /// The store that offers it.
    async fn store(&self, context: &Context<'_>) -> Result<Option<Store>> {
        let Some(store) = &self.0.store else { return Ok(None) };
        Ok(session(context)
            .loaders
            .load_one(StoreById(store.clone()))
            .await?
            .map(Store))
    }

    /// The category.
    async fn category(&self, context: &Context<'_>) -> Result<Option<Category>> {
        let Some(category) = &self.0.category else {
            return Ok(None);
        };
        Ok(session(context)
            .loaders
            .load_one(CategoryById(category.clone()))
            .await?
            .map(Category))
    }

    /// The category within that category.
    async fn sub_category(&self, context: &Context<'_>) -> Result<Option<Category>> {
        let Some(category) = &self.0.sub_category else {
            return Ok(None);
        };
        Ok(session(context)
            .loaders
            .load_one(CategoryById(category.clone()))
            .await?
            .map(Category))
    }

    /// Its stock.
    async fn stock(&self, context: &Context<'_>) -> Result<Vec<StockItem>> {
        let rows = session(context).loaders.load_one(StockOf(self.0.id.clone())).await?;
        Ok(rows.unwrap_or_default().into_iter().map(StockItem).collect())
    }

    /// When it was created.
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

/// Which listings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
pub struct ListingFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Of one of these statuses.
    pub status: Option<Vec<String>>,
    /// In this category or sub-category.
    pub category: Option<ID>,
    /// With all of these tags.
    pub tags: Option<Vec<String>>,
    /// Of this store.
    pub store: Option<ID>,
    /// Created by this user.
    pub owner: Option<ID>,
    /// In this currency.
    pub currency: Option<String>,
    /// At least so many minor units.
    pub price_from: Option<Long>,
    /// At most so many minor units.
    pub price_to: Option<Long>,
    /// Put forward, or not.
    pub featured: Option<bool>,
}

/// In what order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
pub enum ListingOrder {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
    /// The cheapest first; those without a price are last.
    PriceAscending,
    /// The dearest first; those without a price are last.
    PriceDescending,
    /// By title.
    Title,
    /// What fits the search best first.
    Relevance,
}

impl ListingOrder {
    const fn sort(self) -> Sort {
        let (name, by, kind, descending) = match self {
            Self::Newest => ("newest", "created_at", "timestamptz", true),
            Self::Oldest => ("oldest", "created_at", "timestamptz", false),
            Self::PriceAscending => (
                "price-ascending",
                "coalesce(price, 9223372036854775807)",
                "bigint",
                false,
            ),
            Self::PriceDescending => ("price-descending", "coalesce(price, -1)", "bigint", true),
            Self::Title => ("title", "title", "text", false),
            Self::Relevance => ("relevance", "rank", "real", true),
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

/// The listings that a filter, a search and the viewer's rights leave.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listings {
    /// The filter's, where the list is one of many.
    pub store: Option<Parent>,
    pub filter: ListingFilter,
    pub search: Option<String>,
    pub order: ListingOrder,
    pub rights: Rights,
}

impl List for Listings {
    fn select(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select *");
        if self.order == ListingOrder::Relevance {
            query.push(", ts_rank(search, websearch_to_tsquery('english', ");
            query.push_bind(self.search.clone()).push(")) as rank");
        }
        query.push(" from listing");
    }

    fn count(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select count(*) from listing");
    }

    fn conditions(&self, query: &mut QueryBuilder<Postgres>) {
        self.rights.see_listings(query, "listing");
        let ListingFilter {
            kind,
            status,
            category,
            tags,
            store: _,
            owner,
            currency,
            price_from,
            price_to,
            featured,
        } = &self.filter;
        if let Some(kind) = kind {
            query.push(" and kind = ").push_bind(kind.clone());
        }
        match status {
            Some(status) => query.push(" and status = any(").push_bind(status.clone()).push(")"),
            None => query.push(" and status <> 'deleted'"),
        };
        if let Some(category) = category {
            query.push(" and (category = ").push_bind(category.0.clone());
            query
                .push(" or sub_category = ")
                .push_bind(category.0.clone())
                .push(")");
        }
        if let Some(tags) = tags {
            query.push(" and tags @> ").push_bind(sqlx::types::Json(tags.clone()));
        }
        if let Some(store) = &self.store {
            query.push(" and store = ");
            store.push(query);
        }
        if let Some(owner) = owner {
            query.push(" and owner = ").push_bind(owner.0.clone());
        }
        if let Some(currency) = currency {
            query.push(" and currency = ").push_bind(currency.clone());
        }
        if let Some(from) = price_from {
            query.push(" and price >= ").push_bind(from.0);
        }
        if let Some(to) = price_to {
            query.push(" and price <= ").push_bind(to.0);
        }
        if let Some(featured) = featured {
            query.push(" and featured = ").push_bind(*featured);
        }
        if let Some(search) = &self.search {
            query
                .push(" and search @@ websearch_to_tsquery('english', ")
                .push_bind(search.clone())
                .push(")");
        }
    }
}

impl Collection for Listings {
    type Row = ListingRow;
    type Node = Listing;

    fn node(row: ListingRow) -> Listing {
        Listing(row)
    }

    fn sort(&self) -> Sort {
        self.order.sort()
    }

    fn parent(&mut self) -> Option<&mut Parent> {
        self.store.as_mut()
    }
}

/// What a connection of listings tells beside its items.
#[derive(Debug, Clone)]
pub struct ListingTotals(Listings);

#[Object]
impl ListingTotals {
    #[graphql(flatten)]
    #[allow(clippy::unused_async, reason = "resolvers are async")]
    async fn count(&self) -> Totals<Listings> {
        Totals(self.0.clone())
    }

    /// How they fall into categories, tags, stores and ranges of price.
    async fn facets(&self) -> Facets {
        Facets(self.0.clone())
    }
}

/// A page of listings.
pub type ListingConnection = Connection<String, Listing, ListingTotals>;

/// One page of listings.
pub async fn list(
    context: &Context<'_>,
    filter: Option<ListingFilter>,
    search: Option<String>,
    order: Option<ListingOrder>,
    page: &Page,
) -> Result<ListingConnection> {
    let search = search.filter(|search| !search.trim().is_empty());
    let order = order.unwrap_or(if search.is_some() {
        ListingOrder::Relevance
    } else {
        ListingOrder::Newest
    });
    let mut filter = filter.unwrap_or_default();
    let list = Listings {
        store: filter.store.take().map(|store| Parent::One(store.0)),
        filter,
        search,
        order,
        rights: session(context).rights.clone(),
    };
    if order == ListingOrder::Relevance && list.search.is_none() {
        return Err(QueryError::BadInput("the order RELEVANCE needs a search".to_owned()));
    }
    page::connect(session(context), &list, page, ListingTotals(list.clone())).await
}
