//! The feed of a subscription: the records of its shards that it wants, each once and in each shard's order, with the
//! position at which another subscription goes on after it.

use std::sync::Arc;

use async_graphql::Context;
use event_log::{commit::StoredEvent, position::Position, shard::Shard};
use futures::{StreamExt as _, stream, stream::BoxStream};

use super::shard_stream::{Ended, ShardStream};
use crate::{
    after,
    error::{QueryError, Result},
    session::{Shared, shared},
};

/// A record with the position at which to go on after it.
pub type Fed = (Arc<StoredEvent>, Position);

/// Opens the feed of these shards after a position; without one, after the archive's present end. Each record comes once
/// the projections have passed it, so that a query made because of it sees it.
pub async fn open(
    context: &Context<'_>,
    shards: Vec<Shard>,
    after: Option<String>,
    wanted: impl Fn(&StoredEvent) -> bool + Send + Sync + 'static,
) -> Result<BoxStream<'static, Result<Fed>>> {
    let shared = shared(context).clone();
    let position = match after {
        Some(text) => after::position(&shared.log, &text)?,
        None => shared.log.archive().position().await?,
    };
    let wanted = Arc::new(wanted);
    let streams = shards.into_iter().map(|shard| {
        let next = position.offsets.get(&shard).map_or(0, |seen| seen.saturating_add(1));
        one(
            shared.clone(),
            ShardStream::join(&shared.hubs, shard, next),
            shard,
            wanted.clone(),
        )
    });
    let merged = stream::select_all(streams);
    Ok(merged
        .scan((position, false), |(position, over), item| {
            let item = match item {
                _ if *over => None,
                Err(Ended::Stopped) => None,
                Ok(event) => {
                    position.advance(event.shard, event.offset);
                    Some(Ok((event, position.clone())))
                }
                Err(ended) => {
                    *over = true;
                    Some(Err(match ended {
                        Ended::Failed(error) => error,
                        Ended::TooSlow | Ended::Stopped => QueryError::TooSlow {
                            position: position.clone(),
                        },
                    }))
                }
            };
            futures::future::ready(item)
        })
        .boxed())
}

/// One shard's wanted records, each after the projections have passed it.
fn one(
    shared: Shared,
    records: ShardStream,
    shard: Shard,
    wanted: Arc<impl Fn(&StoredEvent) -> bool + Send + Sync + 'static>,
) -> BoxStream<'static, std::result::Result<Arc<StoredEvent>, Ended>> {
    stream::unfold(Some((shared, records)), move |state| {
        let wanted = wanted.clone();
        async move {
            let (shared, mut records) = state?;
            loop {
                let event = match records.next().await {
                    Ok(event) => event,
                    Err(ended) => return Some((Err(ended), None)),
                };
                if wanted(&event) {
                    return match shared.progress.passed(shard, event.offset).await {
                        Ok(()) => Some((Ok(event), Some((shared, records)))),
                        Err(error) => Some((Err(Ended::Failed(error)), None)),
                    };
                }
            }
        }
    })
    .boxed()
}
