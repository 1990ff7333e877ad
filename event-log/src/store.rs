//! cqrs-es's [`EventStore`] over the log: for whoever wants one aggregate by itself. (The command API works on whole
//! scopes and holds its own cache; both append through the same [`Owner`].)

use std::{collections::HashMap, marker::PhantomData, sync::Arc};

use cqrs_es::{AggregateContext, AggregateError, EventEnvelope, EventStore};
use domain::{
    clock::Clock,
    entity::{Entity, Event},
    id,
};

use crate::{
    archive::Archive,
    commit::{Cause, Draft, StoredEvent},
    owner::{AppendError, NotOpen, Outcome, Owner},
    port::LogError,
};

/// How often a load begins again because the archive and the owner's tail did not meet.
const ATTEMPTS: usize = 10;

/// The aggregates of one type in one scope. Metadata of a commit: `actor`, which becomes the event's.
#[derive(Clone)]
pub struct LogStore<A> {
    archive: Archive,
    owner: Arc<Owner>,
    clock: Arc<dyn Clock>,
    scope: String,
    aggregate: PhantomData<fn() -> A>,
}

/// An aggregate as it was loaded.
#[derive(Debug)]
pub struct LoadedAggregate<A> {
    stream: String,
    aggregate: A,
    /// The stream's version; 0 before the first event.
    version: u64,
    /// The owner's generation in which it was loaded.
    generation: u64,
    /// The archive's checkpoint in the load: what was appended since is in the tail that reaches back to it.
    archived: u64,
}

impl<A: Entity> AggregateContext<A> for LoadedAggregate<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.aggregate
    }
}

/// Why the log could not serve a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The log itself.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It is of no use to append this, or not now.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The stream belongs to another scope.
    #[error("{0} belongs to another scope")]
    Elsewhere(String),
    /// The owner's tail never reached back to the archive's checkpoint.
    #[error("archive and tail did not meet")]
    Torn,
    /// The stream holds an event that is none of this aggregate's.
    #[error("the aggregate has no event of type {0:?}")]
    UnknownType(String),
}

impl StoreError {
    fn unexpected<E: std::error::Error>(self) -> AggregateError<E> {
        match self {
            Self::Log(_) => AggregateError::DatabaseConnectionError(Box::new(self)),
            // Whatever was loaded is worth nothing now: load again, decide again.
            Self::Append(AppendError::NotOpen(NotOpen::Stale { .. })) => AggregateError::AggregateConflict,
            other => AggregateError::UnexpectedError(Box::new(other)),
        }
    }
}

impl<A: Entity> LogStore<A> {
    /// The aggregates of this scope, which lies in the owner's shard.
    pub fn new(archive: Archive, owner: Arc<Owner>, clock: Arc<dyn Clock>, scope: impl Into<String>) -> Self {
        Self {
            archive,
            owner,
            clock,
            scope: scope.into(),
            aggregate: PhantomData,
        }
    }

    /// A stream's events, in flight ones included, with the generation and the archive's checkpoint.
    async fn stream(&self, stream: &str) -> Result<(Vec<StoredEvent>, u64, u64), StoreError> {
        let streams = [stream.to_owned()];
        for _ in 0..ATTEMPTS {
            let generation = self.owner.generation();
            let mut loaded = self
                .archive
                .load(self.owner.shard(), &self.scope, &streams, &[])
                .await?;
            let mut events = Arc::unwrap_or_clone(loaded.streams.remove(stream).unwrap_or_default());
            let version = events.last().map_or(0, |event| event.envelope.version);
            let tail = self.owner.tail(generation, |tail| {
                let elsewhere = loaded.elsewhere.contains(stream) || tail.is_elsewhere(&self.scope, stream);
                (tail.start() <= loaded.next).then(|| (elsewhere, tail.events(&self.scope, stream, version)))
            });
            if let Some((elsewhere, tail)) = tail.map_err(AppendError::from)? {
                if elsewhere {
                    return Err(StoreError::Elsewhere(stream.to_owned()));
                }
                events.extend(tail.iter().map(|event| StoredEvent::clone(event)));
                return Ok((events, generation, loaded.next));
            }
        }
        Err(StoreError::Torn)
    }
}

fn decode<A: Entity>(stream: &str, event: &StoredEvent) -> Result<EventEnvelope<A>, AggregateError<A::Error>> {
    let envelope = &event.envelope;
    let payload = match A::Event::decode(&envelope.event_type, &event.value) {
        Some(Ok(payload)) => payload,
        Some(Err(error)) => return Err(AggregateError::DeserializationError(Box::new(error))),
        None => return Err(StoreError::UnknownType(envelope.event_type.to_string()).unexpected()),
    };
    let mut metadata = HashMap::from([
        ("command".to_owned(), envelope.command.to_string()),
        ("offset".to_owned(), event.offset.to_string()),
    ]);
    metadata.extend(envelope.actor.clone().map(|actor| ("actor".to_owned(), actor)));
    Ok(EventEnvelope {
        aggregate_id: stream.to_owned(),
        sequence: usize::try_from(envelope.version).unwrap_or(usize::MAX),
        payload,
        metadata,
    })
}

impl<A: Entity> EventStore<A> for LogStore<A> {
    type AC = LoadedAggregate<A>;

    async fn load_events(&self, aggregate_id: &str) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let (events, ..) = self.stream(aggregate_id).await.map_err(StoreError::unexpected)?;
        events.iter().map(|event| decode(aggregate_id, event)).collect()
    }

    async fn load_aggregate(&self, aggregate_id: &str) -> Result<Self::AC, AggregateError<A::Error>> {
        let (events, generation, archived) = self.stream(aggregate_id).await.map_err(StoreError::unexpected)?;
        let mut aggregate = A::default();
        for event in &events {
            aggregate.apply(decode::<A>(aggregate_id, event)?.payload);
        }
        Ok(LoadedAggregate {
            stream: aggregate_id.to_owned(),
            aggregate,
            version: events.last().map_or(0, |event| event.envelope.version),
            generation,
            archived,
        })
    }

    /// Appends the events as one commit and waits for its outcome. A stream that has moved since it was loaded, or a
    /// commit that turned out void, is a conflict.
    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: Self::AC,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let command = id::generate();
        let time = self.clock.now();
        let draft = |(event, version): (&A::Event, u64)| Draft {
            scope: self.scope.clone(),
            stream: context.stream.clone(),
            version,
            id: id::generate(),
            event_type: event.type_name(),
            value: event.encode().into(),
            time,
            cause: Cause {
                command,
                correlation: command,
                actor: metadata.get("actor").cloned(),
                ..Cause::default()
            },
        };
        let drafts = events.iter().zip(context.version + 1..).map(draft).collect();
        let appended = self.owner.append_if(context.generation, drafts, |tail| {
            tail.start() <= context.archived && tail.events(&self.scope, &context.stream, context.version).is_empty()
        });
        let pending = appended
            .map_err(|error| StoreError::from(error).unexpected())?
            .ok_or(AggregateError::AggregateConflict)?;
        match pending.await {
            Outcome::Committed { .. } => Ok(events
                .into_iter()
                .zip(context.version + 1..)
                .map(|(payload, version)| EventEnvelope {
                    aggregate_id: context.stream.clone(),
                    sequence: usize::try_from(version).unwrap_or(usize::MAX),
                    payload,
                    metadata: metadata.clone(),
                })
                .collect()),
            Outcome::Void => Err(AggregateError::AggregateConflict),
            Outcome::Unknown(error) => Err(StoreError::from(error).unexpected()),
        }
    }
}
