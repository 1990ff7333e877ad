//! The events that are applied together.

use std::{collections::BTreeSet, sync::Arc};

use domain::entity::Event;
use event_log::commit::{Commit, StoredEvent};

use crate::projection::{Projection, ProjectionError};

/// Events of one or several shards, each shard's in order; the writers' own records are not among them. Cheap to cut: the
/// commits are shared.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Each with its place in its commit.
    events: Vec<(Arc<Commit>, usize)>,
}

impl FromIterator<Arc<Commit>> for Batch {
    fn from_iter<T: IntoIterator<Item = Arc<Commit>>>(commits: T) -> Self {
        let commits = commits.into_iter().filter(|commit| !commit.is_control());
        let events = commits.flat_map(|commit| (0..commit.events.len()).map(move |index| (Arc::clone(&commit), index)));
        Self {
            events: events.collect(),
        }
    }
}

impl Batch {
    /// All of these, one after the other.
    pub fn of_all<'a>(batches: impl Iterator<Item = &'a Self>) -> Self {
        Self {
            events: batches.flat_map(|batch| batch.events.iter().cloned()).collect(),
        }
    }

    /// Whether there is nothing to apply but the checkpoint.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Every event, in order.
    pub fn events(&self) -> impl Iterator<Item = &StoredEvent> {
        self.events.iter().map(|(commit, index)| &commit.events[*index])
    }

    /// Those of the events that are wanted, in order, and the others.
    #[must_use]
    pub fn divided(self, mut wanted: impl FnMut(&StoredEvent) -> bool) -> (Self, Self) {
        let (yes, no) = self
            .events
            .into_iter()
            .partition(|(commit, index)| wanted(&commit.events[*index]));
        (Self { events: yes }, Self { events: no })
    }

    /// So many of the events, and those behind them.
    #[must_use]
    pub fn cut(&self, first: usize) -> (Self, Self) {
        let (before, behind) = self.events.split_at(first);
        let part = |events: &[_]| Self {
            events: events.to_vec(),
        };
        (part(before), part(behind))
    }

    /// What the events are applied in order with, each once, sorted.
    pub fn units(&self, projection: &dyn Projection) -> Vec<String> {
        let units: BTreeSet<&str> = self.events().map(|event| projection.unit(event)).collect();
        units.into_iter().map(str::to_owned).collect()
    }

    /// The events of one aggregate type, in order, decoded.
    pub fn of<E: Event>(&self) -> Result<Vec<(&StoredEvent, E)>, ProjectionError> {
        let decode = |stored: &StoredEvent| E::decode(&stored.envelope.event_type, &stored.value);
        self.events()
            .filter_map(|stored| Some((stored, decode(stored)?)))
            .map(|(stored, event)| match event {
                Ok(event) => Ok((stored, event)),
                Err(source) => Err(ProjectionError::Event {
                    shard: stored.shard,
                    offset: stored.offset,
                    source,
                }),
            })
            .collect()
    }

    /// The streams whose ids have this prefix, each once: the rows to fetch before folding.
    pub fn streams(&self, prefix: &str) -> Vec<String> {
        let streams = self.events().map(|event| event.envelope.stream.as_str());
        let wanted = streams.filter(|stream| stream.split_once('_').is_some_and(|(found, _)| found == prefix));
        wanted.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
    }
}
