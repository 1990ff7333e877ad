//! The feed of a subscription: the records of its shards that it wants, each once and in each shard's order, with the
//! position at which another subscription goes on after it.

use std::sync::Arc;

use async_graphql::Context;
use chrono::TimeDelta;
use domain::family::Family;
use event_log::{commit::StoredEvent, position::Position, shard::Shard};
use futures::{StreamExt as _, stream, stream::BoxStream};

use super::shard_stream::{Ended, ShardStream};
use crate::{
    after,
    error::{QueryError, Result},
    projection::Projection,
    session::{Shared, session, shared},
};

/// A record with the position at which to go on after it.
pub type Fed = (Arc<StoredEvent>, Position);

/// How much the clocks of two nodes may differ. Where a position does not name a shard, so much is told once more.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// What a subscription follows.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The shards in which it can lie.
    pub shards: Vec<Shard>,
    /// The scope, if it is one alone.
    pub scope: Option<String>,
}

/// Where a subscription to these shards begins: after this position, which whatever it reads must have come to, or after
/// the archive's present end.
pub async fn begin(context: &Context<'_>, shards: &[Shard], after: Option<String>) -> Result<Position> {
    let shared = shared(context);
    let mut position = match after {
        None => shared.archive.position().await?,
        Some(text) => {
            let position = after::position(&shared.log, &text)?;
            session(context).reads.must_see(position.clone());
            complete(context, position, shards).await?
        }
    };
    position.offsets.retain(|shard, _| shards.contains(shard));
    Ok(position)
}

/// The position with all of these shards. A receipt's names one: the others begin where they stood when it was given. A
/// subscription's leaves out those that had no record yet: what they have is younger, so that nothing of it is missed.
async fn complete(context: &Context<'_>, mut position: Position, shards: &[Shard]) -> Result<Position> {
    if shards.iter().all(|shard| position.offsets.contains_key(shard)) {
        return Ok(position);
    }
    let archive = &shared(context).archive;
    let _turn = session(context).reads.of_archive(&Family::ALL).await?;
    let mut newest = None;
    for (shard, offset) in &position.offsets {
        let event = archive.event(*shard, *offset).await?;
        newest = newest.max(event.map(|event| event.envelope.recorded));
    }
    // Of a position that names nothing, or nothing valid, all that follows it is told.
    let Some(newest) = newest else { return Ok(position) };
    let stood = archive.position_at(newest - SKEW).await?;
    let unnamed = stood.offsets.into_iter().filter(|(shard, _)| shards.contains(shard));
    for (shard, offset) in unnamed {
        position.offsets.entry(shard).or_insert(offset);
    }
    Ok(position)
}

/// Opens the feed of these shards after a position. Each record comes once these projections have passed it, so that a
/// query made because of it sees it.
pub fn open(
    context: &Context<'_>,
    Followed { shards, scope }: Followed,
    position: Position,
    projections: &'static [Projection],
    wanted: impl Fn(&StoredEvent) -> bool + Send + Sync + 'static,
) -> BoxStream<'static, Result<Fed>> {
    let shared = shared(context).clone();
    let wanted = Arc::new(wanted);
    let streams = shards.into_iter().map(|shard| {
        let next = position.offsets.get(&shard).map_or(0, |seen| seen.saturating_add(1));
        one(
            shared.clone(),
            ShardStream::join(&shared.hubs, shard, scope.clone(), next),
            shard,
            projections,
            wanted.clone(),
        )
    });
    let merged = stream::select_all(streams);
    merged
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
        .boxed()
}

/// One shard's wanted records, each after these projections have passed it.
fn one(
    shared: Shared,
    records: ShardStream,
    shard: Shard,
    projections: &'static [Projection],
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
                    return match shared.progress.passed(shard, event.offset, projections).await {
                        Ok(()) => Some((Ok(event), Some((shared, records)))),
                        Err(error) => Some((Err(Ended::Failed(error)), None)),
                    };
                }
            }
        }
    })
    .boxed()
}
