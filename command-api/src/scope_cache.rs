//! The aggregates of a shard that are in memory, scope by scope. It lies under the shard's lock and is exact: nobody but
//! this shard's owner writes, so what is here is the newest there is, as long as the generation is the owner's.
//!
//! Aggregates are lent to a decision and given back, never cloned.

use std::collections::HashMap;

use domain::{
    decision::{Reads, ScopeView, Target},
    erased::{AnyAggregate, DecodeError},
    registry::by_stream,
};
use event_log::{commit::StoredEvent, tail::Tail};
use lru::LruCache;

/// Bytes that a scope or a stream takes beside its events.
const OVERHEAD: usize = 400;
/// The most that one stream weighs, in bytes: a state does not grow with every event.
const HEAVIEST: usize = 16 << 10;
/// The streams that a scope may hold in memory before it is dropped and loaded anew, piece by piece: a chat with
/// hundreds of thousands of messages. Scopes that are read whole stay small by themselves.
const MOST_STREAMS: usize = 4096;

/// The scopes of a shard that are in memory.
#[derive(Debug)]
pub(crate) struct ScopeCache {
    /// The owner's generation in which they were folded.
    pub generation: u64,
    scopes: LruCache<String, Scope>,
    weight: usize,
    limit: usize,
}

/// What is in memory of a scope.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    streams: HashMap<String, Cached>,
    /// Every stream of the scope that has an event is here.
    whole: bool,
    weight: usize,
    counted: usize,
    /// Streams that were found to have no event, for the decision under way.
    unwritten: Vec<String>,
}

/// What a decision reads and is not in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Missing {
    pub streams: Vec<String>,
    /// And whatever other streams the scope has.
    pub whole: bool,
}

impl Missing {
    pub fn is_nothing(&self) -> bool {
        self.streams.is_empty() && !self.whole
    }

    /// Whether whoever has this has the other as well.
    pub fn covers(&self, other: &Self) -> bool {
        self.whole >= other.whole && other.streams.iter().all(|stream| self.streams.contains(stream))
    }
}

/// A stream in memory. One without an event has version 0 and is here for one decision only: it may begin in another
/// scope at any time.
#[derive(Debug)]
pub(crate) struct Cached {
    /// Lent to a decision while it is `None`.
    aggregate: Option<Box<dyn AnyAggregate>>,
    pub version: u64,
    weight: usize,
}

/// Why a stream could not be folded.
#[derive(Debug)]
pub(crate) enum Unfoldable {
    /// The archive's events and the tail's do not follow on each other: load again.
    Gap(String),
    /// An event can not be read.
    Decode(String, DecodeError),
}

impl ScopeCache {
    pub fn new(limit: usize) -> Self {
        Self {
            generation: 0,
            scopes: LruCache::unbounded(),
            weight: 0,
            limit,
        }
    }

    /// Drops everything: the owner's generation is another.
    pub fn reset(&mut self, generation: u64) {
        self.scopes.clear();
        self.weight = 0;
        self.generation = generation;
    }

    /// What is missing in memory for a decision.
    pub fn missing(&self, target: &Target, reads: &Reads) -> Missing {
        match self.scopes.peek(&target.scope) {
            Some(scope) => scope.missing(target, reads),
            None => Scope::default().missing(target, reads),
        }
    }

    /// The scope, which becomes the one used last.
    pub fn scope(&mut self, name: &str) -> &mut Scope {
        if !self.scopes.contains(name) {
            self.scopes.push(name.to_owned(), Scope::default());
        }
        self.scopes.get_mut(name).expect("it was put there when it was missing")
    }

    /// After a decision, however it ended: forgets the scope's streams that have no event, counts what the scope weighs
    /// now, and drops the scopes not used for longest while all are too heavy.
    pub fn balance(&mut self, name: &str) {
        let Some(scope) = self.scopes.peek_mut(name) else {
            return;
        };
        scope.forget_unwritten();
        self.weight =
            self.weight + OVERHEAD + scope.weight - std::mem::replace(&mut scope.counted, OVERHEAD + scope.weight);
        let (streams, whole) = (scope.streams.len(), scope.whole);
        if !whole && (streams == 0 || streams > MOST_STREAMS) {
            self.drop_scope(name);
        }
        while self.weight > self.limit && self.scopes.len() > 1 {
            if let Some((_, dropped)) = self.scopes.pop_lru() {
                self.weight -= dropped.counted;
            }
        }
    }

    /// How many scopes are in memory.
    pub fn len(&self) -> usize {
        self.scopes.len()
    }

    fn drop_scope(&mut self, name: &str) {
        if let Some(dropped) = self.scopes.pop(name) {
            self.weight -= dropped.counted;
        }
    }
}

impl Scope {
    /// What a decision about this stream reads and is not here. The stream itself is looked up as long as it has no
    /// event, also where the scope is here as a whole: it may be another scope's.
    fn missing(&self, target: &Target, reads: &Reads) -> Missing {
        let others = match reads {
            Reads::Nothing | Reads::WholeScope => &[][..],
            Reads::Streams(others) => others,
        };
        let mut streams: Vec<String> = Vec::new();
        for stream in std::iter::once(&target.stream).chain(others) {
            if !self.knows(stream) && !streams.contains(stream) {
                streams.push(stream.clone());
            }
        }
        Missing {
            streams,
            whole: *reads == Reads::WholeScope && !self.whole,
        }
    }

    /// Whether this stream is here.
    fn knows(&self, stream: &str) -> bool {
        let cached = self.streams.get(stream);
        cached.is_some_and(|cached| cached.aggregate.is_some())
    }

    /// Folds a stream of the scope `name` from what the archive has of it (which may have been folded already) and the
    /// tail, unless it is here already.
    pub fn admit(
        &mut self,
        name: &str,
        stream: &str,
        archived: &[StoredEvent],
        folded: Option<Cached>,
        tail: &Tail,
    ) -> Result<(), Unfoldable> {
        if self.knows(stream) {
            return Ok(());
        }
        let folded = match folded {
            Some(folded) => Some(folded),
            None => Cached::fold(stream, archived)?,
        };
        let Some(mut cached) = folded else {
            return Ok(());
        };
        for event in tail.events(name, stream, cached.version) {
            cached.apply(stream, &event)?;
        }
        if cached.version == 0 {
            self.unwritten.push(stream.to_owned());
        }
        self.weight += cached.weight;
        self.forget(stream);
        self.streams.insert(stream.to_owned(), cached);
        Ok(())
    }

    /// All of the scope's streams are here.
    pub fn mark_whole(&mut self) {
        self.whole = true;
    }

    /// Takes the stream and what its decision reads; a stream that nobody has written is fresh.
    pub fn lend(&mut self, target: &Target, reads: &Reads) -> Option<(Box<dyn AnyAggregate>, u64, ScopeView)> {
        if !self.streams.contains_key(&target.stream) {
            let aggregate = Some((by_stream(&target.stream)?.fresh)());
            let cached = Cached {
                aggregate,
                version: 0,
                weight: OVERHEAD,
            };
            self.weight += cached.weight;
            self.streams.insert(target.stream.clone(), cached);
            self.unwritten.push(target.stream.clone());
        }
        let cached = self.streams.get_mut(&target.stream)?;
        let (aggregate, version) = (cached.aggregate.take()?, cached.version);
        let mut others = HashMap::new();
        let mut lend = |stream: &str, cached: &mut Cached| {
            if cached.version > 0
                && let Some(aggregate) = cached.aggregate.take()
            {
                others.insert(stream.to_owned(), aggregate);
            }
        };
        match reads {
            Reads::Nothing => {}
            Reads::Streams(streams) => {
                for stream in streams {
                    if let Some(cached) = self.streams.get_mut(stream) {
                        lend(stream, cached);
                    }
                }
            }
            Reads::WholeScope => {
                for (stream, cached) in &mut self.streams {
                    lend(stream, cached);
                }
            }
        }
        Some((aggregate, version, ScopeView::new(others)))
    }

    /// Takes back what was lent to be read.
    pub fn give_back(&mut self, view: ScopeView) {
        for (stream, aggregate) in view.into_streams() {
            if let Some(cached) = self.streams.get_mut(&stream) {
                cached.aggregate = Some(aggregate);
            }
        }
    }

    /// Takes the decided stream back, at this version and grown by these bytes of events.
    pub fn put(&mut self, stream: &str, aggregate: Box<dyn AnyAggregate>, version: u64, bytes: usize) {
        if let Some(cached) = self.streams.get_mut(stream) {
            let before = cached.weight;
            cached.aggregate = Some(aggregate);
            cached.grow(version, bytes);
            self.weight += cached.weight - before;
        }
    }

    fn forget_unwritten(&mut self) {
        for stream in std::mem::take(&mut self.unwritten) {
            if self.streams.get(&stream).is_some_and(|cached| cached.version == 0) {
                self.forget(&stream);
            }
        }
    }

    /// Forgets a stream whose aggregate holds what never happened. The scope is no longer whole with that, unless the
    /// stream has no event anyway.
    pub fn drop_stream(&mut self, stream: &str) {
        self.whole &= self.streams.get(stream).is_none_or(|cached| cached.version == 0);
        self.forget(stream);
    }

    fn forget(&mut self, stream: &str) {
        if let Some(dropped) = self.streams.remove(stream) {
            self.weight -= dropped.weight;
        }
    }
}

impl Cached {
    /// A stream folded from its first events; `None` when no aggregate type has such streams.
    pub fn fold(stream: &str, events: &[StoredEvent]) -> Result<Option<Self>, Unfoldable> {
        let Some(entity) = by_stream(stream) else {
            return Ok(None);
        };
        let mut cached = Self {
            aggregate: Some((entity.fresh)()),
            version: 0,
            weight: OVERHEAD,
        };
        for event in events {
            cached.apply(stream, event)?;
        }
        Ok(Some(cached))
    }

    fn apply(&mut self, stream: &str, event: &StoredEvent) -> Result<(), Unfoldable> {
        let envelope = &event.envelope;
        if envelope.version != self.version + 1 {
            return Err(Unfoldable::Gap(stream.to_owned()));
        }
        if let Some(aggregate) = &mut self.aggregate {
            aggregate
                .apply(&envelope.event_type, &event.value)
                .map_err(|error| Unfoldable::Decode(stream.to_owned(), error))?;
        }
        self.grow(envelope.version, event.value.len());
        Ok(())
    }

    fn grow(&mut self, version: u64, bytes: usize) {
        self.version = version;
        self.weight = (self.weight + bytes).min(HEAVIEST);
    }
}
