//! Aggregates and commands behind one object-safe face, for dispatch by path: the shard keeps aggregates of every type
//! in one cache, and takes the command that the path named to the aggregate that the path named.

use std::{
    any::Any,
    fmt,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde_json::Value;

use crate::{
    decision::{Reads, Refusal, RefusalKind, ScopeView, Services, Target},
    entity::{Entity, Event},
    id::StoreId,
};

/// An aggregate of some type.
pub trait AnyAggregate: Any + fmt::Debug + Send + Sync {
    /// For the typed view ([`ScopeView::get`]).
    fn as_any(&self) -> &dyn Any;
    /// For the typed command.
    fn as_any_mut(&mut self) -> &mut dyn Any;
    /// Folds a stored event in.
    fn apply(&mut self, type_name: &str, value: &[u8]) -> Result<(), DecodeError>;
    /// The state as JSON: for snapshots and for state as of a time.
    fn state(&self) -> Value;
}

/// A stored event that this version of the software can not read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The aggregate has no such event.
    #[error("the aggregate {aggregate:?} has no event of type {type_name:?}")]
    UnknownType {
        /// The aggregate's type.
        aggregate: &'static str,
        /// The event's type.
        type_name: String,
    },
    /// The value is not what the type promises.
    #[error("an event of type {type_name:?} can not be read: {source}")]
    Value {
        /// The event's type.
        type_name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl<A: Entity> AnyAggregate for A {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn apply(&mut self, type_name: &str, value: &[u8]) -> Result<(), DecodeError> {
        match A::Event::decode(type_name, value) {
            Some(Ok(event)) => {
                Aggregate::apply(self, event);
                Ok(())
            }
            Some(Err(source)) => Err(DecodeError::Value {
                type_name: type_name.to_owned(),
                source,
            }),
            None => Err(DecodeError::UnknownType {
                aggregate: A::TYPE,
                type_name: type_name.to_owned(),
            }),
        }
    }

    fn state(&self) -> Value {
        serde_json::to_value(self).expect("an aggregate is plain data with string keys, which always serialises")
    }
}

/// A command of some aggregate, parsed.
pub trait AnyCommand: fmt::Debug + Send {
    /// [`Entity::reads`]
    fn reads(&self, target: &Target) -> Reads;
    /// [`Entity::stores`]; `aggregate` is of the command's own type.
    fn stores(&self, aggregate: &dyn AnyAggregate, scope: &ScopeView) -> Vec<StoreId>;
    /// Decides. On success the aggregate has the events applied; after [`Refused::touched`] it must be thrown away.
    fn decide(self: Box<Self>, aggregate: &mut dyn AnyAggregate, services: &Services)
    -> Result<Vec<NewEvent>, Refused>;
}

/// An event as decided, not yet in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The CloudEvents type with its version.
    pub type_name: &'static str,
    /// The JSON that will be hashed and stored.
    pub value: Vec<u8>,
}

/// A refusal, flattened for the HTTP edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// How it answers over HTTP.
    pub kind: RefusalKind,
    /// The stable name, kebab-case: `out-of-stock`.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
    /// JSON pointer to the field at fault.
    pub field: Option<String>,
    /// The state that refused it: an object (`available`, `wanted`).
    pub facts: serde_json::Map<String, Value>,
    /// Events were written before the refusal, so the aggregate holds what never happened: drop it from the cache.
    pub touched: bool,
}

impl Refused {
    fn new(refusal: &impl Refusal, touched: bool) -> Self {
        let mut facts = match refusal.serialize(serde_json::value::Serializer) {
            Ok(Value::Object(facts)) => facts,
            _ => serde_json::Map::new(),
        };
        let code = match facts.remove("code") {
            Some(Value::String(code)) => code,
            _ => "refused".to_owned(),
        };
        Self {
            kind: refusal.kind(),
            code,
            detail: refusal.to_string(),
            field: refusal.field(),
            facts,
            touched,
        }
    }
}

/// The typed command behind [`AnyCommand`].
pub(crate) struct Typed<A: Entity>(pub(crate) A::Command);

impl<A: Entity> fmt::Debug for Typed<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a command of {}", A::TYPE)
    }
}

impl<A: Entity> AnyCommand for Typed<A> {
    fn reads(&self, target: &Target) -> Reads {
        A::reads(target, &self.0)
    }

    fn stores(&self, aggregate: &dyn AnyAggregate, scope: &ScopeView) -> Vec<StoreId> {
        let aggregate: &A = aggregate
            .as_any()
            .downcast_ref()
            .expect("the registry pairs commands with their aggregate");
        aggregate.stores(scope, &self.0)
    }

    fn decide(
        self: Box<Self>,
        aggregate: &mut dyn AnyAggregate,
        services: &Services,
    ) -> Result<Vec<NewEvent>, Refused> {
        let aggregate: &mut A = aggregate
            .as_any_mut()
            .downcast_mut()
            .expect("the registry pairs commands with their aggregate");
        let sink = EventSink::<A>::default();
        let decided = at_once(aggregate.handle(self.0, services, &sink));
        let events = at_once(sink.collect());
        match decided {
            Ok(()) => Ok(events
                .iter()
                .map(|event| NewEvent {
                    type_name: event.type_name(),
                    value: event.encode(),
                })
                .collect()),
            Err(refusal) => Err(Refused::new(&refusal, !events.is_empty())),
        }
    }
}

/// Runs a future that awaits nothing but the event sink, whose lock nobody else holds. Within a task of tokio's it must
/// be called under `tokio::task::coop::unconstrained`, for tokio's locks make a task wait that has run for long.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a decision does no I/O: `handle` may await nothing but the event sink"),
    }
}

#[cfg(test)]
mod tests;
