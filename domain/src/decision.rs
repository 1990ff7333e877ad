//! What a decision may see beside its own aggregate, and how it says no.

use std::{collections::HashMap, error::Error};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    entity::Entity,
    erased::AnyAggregate,
    id::{StoreId, UserId},
    viewer::{Standing, StoreRole, Viewer},
};

/// What `handle` may see: who asks, when, for which stream, and the other aggregates of the scope that
/// [`Entity::reads`] named.
#[derive(Debug, Default)]
pub struct Services {
    /// When it happens: the clock's time, or what an importer set.
    pub now: DateTime<Utc>,
    /// Who asks.
    pub viewer: Viewer,
    /// The viewer's standing in the stores that [`Entity::stores`] named.
    pub standing: Standing,
    /// The stream that the command is for.
    pub target: Target,
    /// The other aggregates of the scope.
    pub scope: ScopeView,
}

impl Services {
    /// The acting user.
    pub fn user(&self) -> Option<UserId> {
        self.viewer.user
    }

    /// Whether the viewer may act for this store with at least this role; importers, processes and administrators may.
    pub fn may_act_for(&self, store: StoreId, least: StoreRole) -> bool {
        self.viewer.is_trusted() || self.standing.role_in(store).is_some_and(|role| role >= least)
    }
}

/// The stream that a command is for, and the scope that orders it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Target {
    /// The ordering key, and the Kafka key.
    pub scope: String,
    /// The aggregate's stream.
    pub stream: String,
}

/// Read access to the other aggregates of the scope. Streams without an event are absent.
#[derive(Debug, Default)]
pub struct ScopeView {
    streams: HashMap<String, Box<dyn AnyAggregate>>,
}

impl ScopeView {
    /// A view of these streams.
    pub fn new(streams: HashMap<String, Box<dyn AnyAggregate>>) -> Self {
        Self { streams }
    }

    /// Gives the streams back to the cache that lent them: nothing is cloned for a decision.
    pub fn into_streams(self) -> HashMap<String, Box<dyn AnyAggregate>> {
        self.streams
    }

    /// The aggregate of this stream, if it is of this type and has an event.
    pub fn get<A: Entity>(&self, stream: &str) -> Option<&A> {
        self.streams
            .get(stream)
            .and_then(|aggregate| aggregate.as_any().downcast_ref())
    }

    /// Every aggregate of this type that the decision asked to read, with its stream.
    pub fn all<A: Entity>(&self) -> impl Iterator<Item = (&str, &A)> {
        self.streams
            .iter()
            .filter_map(|(stream, aggregate)| Some((stream.as_str(), aggregate.as_any().downcast_ref()?)))
    }
}

/// Which other streams of the scope a decision reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reads {
    /// None.
    #[default]
    Nothing,
    /// These.
    Streams(Vec<String>),
    /// All of the scope: only for scopes that stay small, as `categories`.
    WholeScope,
}

/// These, as a sentence lists them: `draft, published or paused`.
pub fn either<T: ToString>(items: &[T]) -> String {
    let names: Vec<String> = items.iter().map(ToString::to_string).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// How a refusal answers over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The stream, or something that the command names, does not exist: 404.
    NotFound,
    /// The viewer may not: 403 (401 when there was no token).
    Forbidden,
    /// The state says no: 409.
    Conflict,
    /// The command's content is wrong whatever the state: 422, with the field at fault.
    Invalid,
}

/// Why a command was refused. Each aggregate has one enum, whose variants carry the facts; serialised with
/// `#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]` it is what problem+json tells.
pub trait Refusal: Error + Serialize + Send + Sync + 'static {
    /// How it answers over HTTP.
    fn kind(&self) -> RefusalKind;

    /// A JSON pointer to the field at fault (`/lines/0/quantity`), when it is one field's.
    fn field(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_lists_what_may_be() {
        assert_eq!(either(&["draft"]), "draft");
        assert_eq!(either(&["draft", "paused"]), "draft or paused");
        assert_eq!(either(&["draft", "pending", "paused"]), "draft, pending or paused");
    }
}
