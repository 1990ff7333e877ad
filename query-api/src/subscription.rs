//! Subscriptions over graphql-transport-ws. Every item carries a position; `after` goes on at any of them, without a gap
//! or a double, whatever was started again meanwhile: the source is the archive, and a position says exactly what was
//! seen of each shard.
//!
//! | file | what it holds |
//! |---|---|
//! | [`hub`] | one reader for each shard, and bounded channels to all who follow it |
//! | [`shard_stream`] | one shard from any offset on: join, catch up, go on |
//! | [`feed`] | several shards as one, each item with its position, once the projections have passed it |
//! | [`stores`] | which stores orders name |
//! | [`events`], [`order_changed`], [`message_added`] | one file a subscription, each with its rights |

pub mod events;
pub mod feed;
pub mod hub;
pub mod message_added;
pub mod order_changed;
pub mod shard_stream;
pub mod stores;

use async_graphql::{Context, ID, Subscription as Subscribe};
use futures::{Stream, StreamExt as _, stream};

use self::{
    events::{EventFilter, EventItem},
    message_added::MessageAdded,
    order_changed::OrderChange,
};
use crate::error::Result;

/// Live items.
pub struct Subscription;

#[Subscribe]
impl Subscription {
    /// What happens to an order, or to the orders of a store.
    async fn order_changed(
        &self,
        context: &Context<'_>,
        order_id: Option<ID>,
        store_id: Option<ID>,
        #[graphql(
            desc = "A position; without one it begins now. Where it names no offset of a shard, as a receipt names one shard \
                    alone, that shard begins about where it stood then."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<OrderChange>> + use<>> {
        order_changed::subscribe(context, order_id, store_id, after)
            .await
            .map(until_error)
    }

    /// What is said in a chat.
    async fn message_added(
        &self,
        context: &Context<'_>,
        chat_id: ID,
        #[graphql(
            desc = "A position; without one it begins now. Where it names no offset of a shard, as a receipt names one shard \
                    alone, that shard begins about where it stood then."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<MessageAdded>> + use<>> {
        message_added::subscribe(context, &chat_id, after)
            .await
            .map(until_error)
    }

    /// The log's events.
    async fn events(
        &self,
        context: &Context<'_>,
        filter: Option<EventFilter>,
        #[graphql(
            desc = "A position; without one it begins now. Where it names no offset of a shard, as a receipt names one shard \
                    alone, that shard begins about where it stood then."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<EventItem>> + use<>> {
        events::subscribe(context, filter.unwrap_or_default(), after)
            .await
            .map(until_error)
    }
}

/// An error is a subscription's last item.
fn until_error<T: Send + 'static>(
    items: impl Stream<Item = Result<T>> + Send + 'static,
) -> impl Stream<Item = Result<T>> + Send + 'static {
    let items = Box::pin(items);
    stream::unfold(Some(items), |items| async move {
        let mut items = items?;
        let item = items.next().await?;
        let going_on = item.is_ok().then_some(items);
        Some((item, going_on))
    })
}
