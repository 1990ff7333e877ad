//! `events`: the log itself, for those who read it.

use async_graphql::{Context, ID, InputObject, SimpleObject};
use domain::{family::Family, registry};
use event_log::{commit::StoredEvent, shard::Shard};
use futures::{Stream, StreamExt as _};

use super::feed::{self, Followed};
use crate::{
    error::{QueryError, Result},
    history::Event,
    node,
    projection::Projection,
    session::{session, shared},
};

/// Which events.
#[derive(Debug, Clone, Default, InputObject)]
pub struct EventFilter {
    /// Of this topic: `listing`, `order`, `chat`.
    pub topic: Option<String>,
    /// Of one of these types: `order.placed.v1`.
    pub types: Option<Vec<String>>,
    /// Of this stream.
    pub stream: Option<ID>,
    /// Of this scope.
    pub scope: Option<String>,
}

/// An event of the log.
#[derive(Debug, SimpleObject)]
pub struct EventItem {
    /// Where to go on after it.
    pub position: String,
    /// The event.
    pub event: Event,
}

/// The events that a filter leaves. Whoever reads the log may ask for anything next: an event comes once all projections
/// of its family have passed it.
pub async fn subscribe(
    context: &Context<'_>,
    filter: EventFilter,
    after: Option<String>,
) -> Result<impl Stream<Item = Result<EventItem>> + use<>> {
    if !session(context).rights.reads_the_log() {
        return Err(QueryError::Forbidden(
            "auditors, analysts, importers, processes and administrators",
        ));
    }
    let shards = shards(context, &filter)?;
    let position = feed::begin(context, &shards, after).await?;
    let EventFilter {
        types, stream, scope, ..
    } = filter;
    let followed = Followed {
        shards,
        scope: scope.clone(),
    };
    let wanted = move |event: &StoredEvent| {
        types
            .as_ref()
            .is_none_or(|types| types.iter().any(|wanted| *wanted == event.envelope.event_type))
            && stream.as_ref().is_none_or(|stream| *stream.0 == event.envelope.stream)
            && scope.as_ref().is_none_or(|scope| event.scope.as_ref() == Some(scope))
    };
    let feed = feed::open(context, followed, position, &Projection::ALL, wanted);
    Ok(feed.map(|fed| {
        fed.map(|(event, position)| EventItem {
            position: position.to_string(),
            event: Event::new(StoredEvent::clone(&event), position),
        })
    }))
}

/// The shards in which what the filter wants can lie.
fn shards(context: &Context<'_>, filter: &EventFilter) -> Result<Vec<Shard>> {
    let log = &shared(context).log;
    let unknown =
        |topic: &str| QueryError::BadInput(format!("there is no topic {:?}", topic.escape_debug().to_string()));
    let topic = filter
        .topic
        .as_deref()
        .map(|topic| topic.parse::<Family>().map_err(|_| unknown(topic)))
        .transpose()?;
    let of_stream = filter.stream.as_ref().map(|stream| match registry::by_stream(stream) {
        Some(entity) => Ok(entity.family),
        None => Err(node::unknown(stream)),
    });
    let of_stream = of_stream.transpose()?;
    let shards = log.topology().shards();
    let in_family = shards.filter(|shard| topic.is_none_or(|topic| topic == shard.family));
    let in_family = in_family.filter(|shard| of_stream.is_none_or(|family| family == shard.family));
    let in_scope = in_family.filter(|shard| {
        filter
            .scope
            .as_ref()
            .is_none_or(|scope| log.shard_of(shard.family, scope) == *shard)
    });
    Ok(in_scope.collect())
}
