//! The events of one shard that are applied together.

use std::{collections::BTreeSet, sync::Arc};

use domain::entity::Event;
use event_log::{
    commit::{Commit, StoredEvent},
    shard::Shard,
};

use crate::projection::ProjectionError;

/// Commits of one shard, in order; the writers' own records are not among them.
#[derive(Debug, Clone)]
pub struct Batch {
    shard: Shard,
    commits: Vec<Arc<Commit>>,
}

impl Batch {
    /// The events of these commits of a shard.
    pub fn new(shard: Shard, commits: impl IntoIterator<Item = Arc<Commit>>) -> Self {
        let commits: Vec<_> = commits.into_iter().filter(|commit| !commit.is_control()).collect();
        Self { shard, commits }
    }

    /// The shard.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// Whether there is nothing to apply but the checkpoint.
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events().count()
    }

    /// Every event, in order.
    pub fn events(&self) -> impl Iterator<Item = &StoredEvent> {
        self.commits.iter().flat_map(|commit| &commit.events)
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
