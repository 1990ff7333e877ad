//! The roots of the schema, and its limits. GraphQL has no mutations here: commands go through the command API.

use async_graphql::{Context, EmptyMutation, ID, Object, Schema, SchemaBuilder, connection::Connection};
use domain::{
    family::Family,
    id::{CategoryId, ChatId, ListingId, OrderId, StoreId},
};

use crate::{
    chat::{
        chat::{self, Chat, ChatConnection, ChatFilter},
        message::{self, MessageConnection},
    },
    error::{Codes, QueryError, Result},
    history::{self, Event, ViewerInfo},
    limits::{self, Limits},
    listing::{
        category::{self, Category},
        listing::{self, Listing, ListingConnection, ListingFilter, ListingOrder},
        store::{self, Store, StoreConnection, StoreFilter, StoreOrder},
    },
    loaders::{CategoryById, ChatById, ListingById, OrderById, StoreById},
    node::{self, Node},
    order::{
        order::Order,
        orders::{self, OrderConnection, OrderFilter, OrderSort},
    },
    page::Page,
    session::{session, shared},
    subscription::Subscription,
};

/// The schema.
pub type StoaSchema = Schema<Query, EmptyMutation, Subscription>;

/// The schema with its limits, without what it reads.
pub fn schema() -> SchemaBuilder<Query, EmptyMutation, Subscription> {
    Schema::build(Query, EmptyMutation, Subscription)
        .limit_depth(limits::DEPTH)
        .limit_complexity(limits::COMPLEXITY)
        .limit_directives(20)
        .extension(Codes)
        .extension(Limits)
}

/// The schema in the schema definition language.
pub fn sdl() -> String {
    schema().finish().sdl()
}

/// Where everything is read.
pub struct Query;

#[Object]
impl Query {
    /// Anything by its id.
    async fn node(&self, context: &Context<'_>, id: ID) -> Result<Option<Node>> {
        node::by_id(context, &id).await
    }

    /// Several things by their ids, at most 100; null for what the viewer does not see.
    #[graphql(complexity = "limits::each(ids.len(), child_complexity)")]
    async fn nodes(&self, context: &Context<'_>, ids: Vec<ID>) -> Result<Vec<Option<Node>>> {
        if ids.len() > node::MOST {
            return Err(QueryError::BadInput(format!("at most {} ids at a time", node::MOST)));
        }
        futures::future::try_join_all(ids.iter().map(|id| node::by_id(context, id))).await
    }

    /// A listing.
    async fn listing(&self, context: &Context<'_>, id: ID) -> Result<Option<Listing>> {
        let id = id.parse::<ListingId>()?.to_string();
        Ok(session(context).loaders.load_one(ListingById(id)).await?.map(Listing))
    }

    /// Listings. With a search they come by relevance unless told otherwise, else the newest first.
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
        #[graphql(desc = "Words; \"a phrase\"; or; -without.")] search: Option<String>,
        order_by: Option<ListingOrder>,
    ) -> Result<ListingConnection> {
        listing::list(context, filter, search, order_by, &Page::of(first, after, last, before)).await
    }

    /// A category.
    async fn category(&self, context: &Context<'_>, id: ID) -> Result<Option<Category>> {
        let id = id.parse::<CategoryId>()?.to_string();
        Ok(session(context).loaders.load_one(CategoryById(id)).await?.map(Category))
    }

    /// Every category, by slug.
    #[graphql(complexity = "limits::each(50, child_complexity)")]
    async fn categories(&self, context: &Context<'_>) -> Result<Vec<Category>> {
        category::all(context).await
    }

    /// A store.
    async fn store(&self, context: &Context<'_>, id: ID) -> Result<Option<Store>> {
        let id = id.parse::<StoreId>()?.to_string();
        Ok(session(context).loaders.load_one(StoreById(id)).await?.map(Store))
    }

    /// Stores.
    #[graphql(complexity = "limits::page(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn stores(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<StoreFilter>,
        #[graphql(desc = "Words of name and city.")] search: Option<String>,
        order_by: Option<StoreOrder>,
    ) -> Result<StoreConnection> {
        store::list(context, filter, search, order_by, &Page::of(first, after, last, before)).await
    }

    /// An order.
    async fn order(&self, context: &Context<'_>, id: ID) -> Result<Option<Order>> {
        let id = id.parse::<OrderId>()?.to_string();
        Ok(session(context).loaders.load_one(OrderById(id)).await?.map(Order))
    }

    /// The orders that the viewer sees.
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
        orders::list(context, filter, order_by, &Page::of(first, after, last, before)).await
    }

    /// A chat.
    async fn chat(&self, context: &Context<'_>, id: ID) -> Result<Option<Chat>> {
        let id = id.parse::<ChatId>()?.to_string();
        Ok(session(context).loaders.load_one(ChatById(id)).await?.map(Chat))
    }

    /// The viewer's chats, the one in which something was said last first.
    #[graphql(complexity = "limits::page(first, last, child_complexity)")]
    async fn chats(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ChatFilter>,
    ) -> Result<ChatConnection> {
        chat::list(context, filter, &Page::of(first, after, last, before)).await
    }

    /// The messages of a chat, the oldest first.
    #[graphql(complexity = "limits::page(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn messages(
        &self,
        context: &Context<'_>,
        chat_id: ID,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "The page with this message in its middle.")] around: Option<ID>,
        #[graphql(desc = "Words; \"a phrase\"; or; -without.")] search: Option<String>,
    ) -> Result<MessageConnection> {
        message::list(context, &chat_id, around, search, Page::of(first, after, last, before)).await
    }

    /// The events that made something, the oldest first.
    #[graphql(complexity = "limits::page(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn history(
        &self,
        context: &Context<'_>,
        id: ID,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(
            default,
            desc = "Those of all that is decided with it too: a listing's stock, a chat's messages."
        )]
        related: bool,
    ) -> Result<Connection<String, Event>> {
        history::list(context, &id, related, &Page::of(first, after, last, before)).await
    }

    /// How far the log has come: what a subscription can begin after.
    async fn position(&self, context: &Context<'_>) -> Result<String> {
        let _turn = session(context).reads.of_archive(&Family::ALL).await?;
        Ok(shared(context).archive.position().await?.to_string())
    }

    /// Who asks.
    async fn viewer(&self) -> ViewerInfo {
        ViewerInfo
    }
}
