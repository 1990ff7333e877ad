//! `orderChanged`: whatever happens to an order, or to the orders of a store.

use std::sync::Arc;

use async_graphql::{Context, ID, SimpleObject};
use domain::{
    family::Family,
    id::{OrderId, StoreId},
};
use event_log::{commit::StoredEvent, position::Position};
use futures::{Stream, StreamExt as _};

use super::{
    feed::{self, Followed},
    stores::StoresOfOrders,
};
use crate::{
    error::{QueryError, Result},
    loaders::{InsideStore, OrderById},
    node,
    order::order::Order,
    projection::Projection,
    session::{Session, in_background, own_session, session, shared},
};

/// What a query reads next: the order, with what was paid.
const PROJECTIONS: [Projection; 2] = [Projection::OrderSummary, Projection::Payment];

/// Something happened to an order.
#[derive(Debug, SimpleObject)]
pub struct OrderChange {
    /// Where to go on after it.
    pub position: String,
    /// What happened: `order.paid.v1`.
    pub r#type: String,
    /// What it happened to: the order, or a payment of it.
    pub stream: ID,
    /// The order as it is now.
    pub order: Order,
}

/// The changes of an order or of a store's orders.
pub async fn subscribe(
    context: &Context<'_>,
    order: Option<ID>,
    store: Option<ID>,
    after: Option<String>,
) -> Result<impl Stream<Item = Result<OrderChange>> + use<>> {
    let (shared, own) = (shared(context), own_session(context));
    let loaders = &session(context).loaders;
    let (order, store) = match (order, store) {
        (Some(order), None) => (Some(order.parse::<OrderId>()?.to_string()), None),
        (None, Some(store)) => (None, Some(store.parse::<StoreId>()?.to_string())),
        _ => return Err(QueryError::BadInput("give orderId or storeId".to_owned())),
    };
    let shards = match &order {
        Some(order) => vec![shared.log.shard_of(Family::Order, order)],
        None => shared
            .log
            .topology()
            .shards()
            .filter(|shard| shard.family == Family::Order)
            .collect(),
    };
    let position = feed::begin(context, &shards, after).await?;
    if let Some(order) = &order
        && loaders.load_one(OrderById(order.clone())).await?.is_none()
    {
        return Err(QueryError::NotFound(order.clone()));
    }
    if let Some(store) = &store
        && loaders.load_one(InsideStore(store.clone())).await?.is_none()
    {
        return Err(QueryError::Forbidden("the store's members"));
    }
    let followed = Followed {
        shards,
        scope: order.clone(),
    };
    // The scope of an order's events and its payments' is the order.
    let wanted = move |event: &StoredEvent| match (&order, &event.scope) {
        (Some(order), Some(scope)) => order == scope,
        (None, Some(scope)) => node::prefix(scope) == OrderId::PREFIX,
        (_, None) => false,
    };
    let stores = shared.stores.clone();
    let feed = feed::open(context, followed, position, &PROJECTIONS, wanted);
    Ok(feed.filter_map(move |fed| {
        let (stores, own, store) = (stores.clone(), own.clone(), store.clone());
        async move {
            match fed {
                Ok((event, position)) => in_background(change(stores, own, store, event, position))
                    .await
                    .transpose(),
                Err(error) => Some(Err(error)),
            }
        }
    }))
}

/// The change, if the order is one of the store's and the viewer still sees it.
async fn change(
    stores: StoresOfOrders,
    session: Arc<Session>,
    store: Option<String>,
    event: Arc<StoredEvent>,
    position: Position,
) -> Result<Option<OrderChange>> {
    let Some(order) = event.scope.clone() else {
        return Ok(None);
    };
    if let Some(store) = &store
        && !stores.of(&order).await?.contains(store)
    {
        return Ok(None);
    }
    match (session.loaders.load_one(OrderById(order.clone())).await?, store) {
        (Some(row), _) => Ok(Some(OrderChange {
            position: position.to_string(),
            r#type: event.envelope.event_type.clone().into_owned(),
            stream: ID(event.envelope.stream.clone()),
            order: Order(row),
        })),
        (None, Some(_)) => Err(QueryError::Forbidden("the store's members")),
        (None, None) => Err(QueryError::NotFound(order)),
    }
}
