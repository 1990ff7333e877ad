//! Lists of orders: what a filter and the viewer's rights leave.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, connection::Connection};
use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::order::{Order, OrderRow};
use crate::{
    error::Result,
    limits::SCAN,
    loaders::WorkOf,
    money::{Long, Money},
    page::{self, Collection, List, Page, Parent, Sort},
    rights::Rights,
    session::{Session, session},
    totals::Totals,
};

/// Which orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
pub enum OrderSort {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

/// The orders that a filter and the viewer's rights leave.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Orders {
    /// The filter's, where the list is one of many.
    store: Option<Parent>,
    filter: OrderFilter,
    rights: Rights,
    sort: OrderSort,
    standing: Standing,
}

/// How the viewer stands to the orders of a list. That is known before the list is read, so that the usual ones are read
/// along an index: a customer's, and a store's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Standing {
    /// Sees whatever names the store of the filter.
    InsideStore,
    /// Works in no store.
    Customer,
    /// Sees all, or works in some store.
    Other,
}

impl Standing {
    async fn of(context: &Context<'_>, store: Option<&ID>) -> Result<Self> {
        let Session { rights, loaders, .. } = session(context);
        let Some(user) = rights.user().filter(|_| !rights.sees_all()) else {
            let inside = rights.sees_all() && store.is_some();
            return Ok(if inside { Self::InsideStore } else { Self::Other });
        };
        let work = loaders.load_one(WorkOf(user.to_owned())).await?.unwrap_or_default();
        let inside = |store: &ID| work.iter().any(|member| member.store == store.0);
        Ok(match store {
            Some(store) if inside(store) => Self::InsideStore,
            _ if work.is_empty() => Self::Customer,
            _ => Self::Other,
        })
    }
}

impl List for Orders {
    fn select(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select order_summary.*");
        if self.standing == Standing::InsideStore {
            query.push(", here.placed_at as listed_at");
        }
        query.push(self.from());
    }

    fn count(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select count(*)").push(self.from());
    }

    fn conditions(&self, query: &mut QueryBuilder<Postgres>) {
        match self.standing {
            Standing::InsideStore => {}
            Standing::Customer => self.rights.are_about(query, "customer"),
            Standing::Other => self.rights.see_orders(query, "order_summary"),
        }
        let OrderFilter {
            customer,
            store: _,
            status,
            placed_from,
            placed_to,
            number,
        } = &self.filter;
        if let Some(customer) = customer {
            query.push(" and customer = ").push_bind(customer.0.clone());
        }
        if let Some(store) = &self.store {
            if self.standing == Standing::InsideStore {
                query.push(" and here.store = ");
                store.push(query);
            } else {
                query.push(" and id in (select order_id from order_store where store = ");
                store.push(query);
                query.push(")");
            }
        }
        if let Some(status) = status {
            query.push(" and status = any(").push_bind(status.clone()).push(")");
        }
        if let Some(from) = placed_from {
            query
                .push(format!(" and {}.placed_at >= ", self.placed_in()))
                .push_bind(*from);
        }
        if let Some(to) = placed_to {
            query
                .push(format!(" and {}.placed_at < ", self.placed_in()))
                .push_bind(*to);
        }
        if let Some(number) = number {
            query.push(" and number = ").push_bind(number.clone());
        }
    }
}

impl Orders {
    /// The orders of a store lie in `order_store` in their order.
    const fn from(&self) -> &'static str {
        match self.standing {
            Standing::InsideStore => " from order_store here join order_summary on order_summary.id = here.order_id",
            Standing::Customer | Standing::Other => " from order_summary",
        }
    }
}

impl Orders {
    /// The table whose time of placing the list goes by.
    const fn placed_in(&self) -> &'static str {
        match self.standing {
            Standing::InsideStore => "here",
            Standing::Customer | Standing::Other => "order_summary",
        }
    }
}

impl Collection for Orders {
    type Row = OrderRow;
    type Node = Order;

    fn node(row: OrderRow) -> Order {
        Order(row)
    }

    fn sort(&self) -> Sort {
        let (name, descending) = match self.sort {
            OrderSort::Newest => ("newest", true),
            OrderSort::Oldest => ("oldest", false),
        };
        let by = match self.standing {
            Standing::InsideStore => "listed_at",
            Standing::Customer | Standing::Other => "placed_at",
        };
        Sort {
            name,
            by,
            kind: "timestamptz",
            descending,
            id: "id",
        }
    }

    fn parent(&mut self) -> Option<&mut Parent> {
        self.store.as_mut()
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
    #[graphql(flatten)]
    #[allow(clippy::unused_async, reason = "resolvers are async")]
    async fn count(&self) -> Totals<Orders> {
        Totals(self.0.clone())
    }

    /// What they come to, one for each currency.
    #[graphql(complexity = "SCAN + child_complexity")]
    async fn totals(&self, context: &Context<'_>) -> Result<Vec<OrderSum>> {
        let mut query = QueryBuilder::new("select currency, count(*), least(sum(total), 9223372036854775807)::bigint");
        query.push(self.0.from()).push(" where true");
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
    let mut filter = filter.unwrap_or_default();
    let orders = Orders {
        standing: Standing::of(context, filter.store.as_ref()).await?,
        store: filter.store.take().map(|store| Parent::One(store.0)),
        filter,
        rights: session(context).rights.clone(),
        sort: sort.unwrap_or(OrderSort::Newest),
    };
    page::connect(session(context), &orders, page, OrderTotals(orders.clone())).await
}
