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
}

/// A stream in memory. A stream without an event has version 0.
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
    /// Archive and tail do not meet: load again.
    Gap,
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

    /// The scope, which becomes the one used last.
    pub fn scope(&mut self, name: &str) -> &mut Scope {
        if !self.scopes.contains(name) {
            self.scopes.push(name.to_owned(), Scope::default());
        }
        self.scopes.get_mut(name).expect("it was put there when it was missing")
    }

    /// Counts what the scope weighs now, and drops the scopes not used for longest while all are too heavy.
    pub fn balance(&mut self, name: &str) {
        let Some(scope) = self.scopes.peek_mut(name) else {
            return;
        };
        self.weight =
            self.weight + OVERHEAD + scope.weight - std::mem::replace(&mut scope.counted, OVERHEAD + scope.weight);
        if scope.streams.len() > MOST_STREAMS && !scope.whole {
            self.drop_scope(name);
        }
        while self.weight > self.limit && self.scopes.len() > 1 {
            if let Some((_, dropped)) = self.scopes.pop_lru() {
                self.weight -= dropped.counted;
            }
        }
    }

    fn drop_scope(&mut self, name: &str) {
        if let Some(dropped) = self.scopes.pop(name) {
            self.weight -= dropped.counted;
        }
    }
}

impl Scope {
    /// Whether all is here that a decision about this stream reads.
    pub fn has(&self, target: &Target, reads: &Reads) -> bool {
        match reads {
            Reads::Nothing => self.knows(&target.stream),
            Reads::Streams(streams) => self.knows(&target.stream) && streams.iter().all(|stream| self.knows(stream)),
            // A new stream of a whole scope is known not to be there yet.
            Reads::WholeScope => self.whole,
        }
    }

    /// Whether this stream is here.
    pub fn knows(&self, stream: &str) -> bool {
        let cached = self.streams.get(stream);
        cached.is_some_and(|cached| cached.aggregate.is_some())
    }

    /// Folds a stream from what the archive has of it and the tail, unless it is here already.
    pub fn admit(&mut self, stream: &str, archived: &[StoredEvent], tail: &Tail) -> Result<(), Unfoldable> {
        if self
            .streams
            .get(stream)
            .is_some_and(|cached| cached.aggregate.is_some())
        {
            return Ok(());
        }
        let Some(entity) = by_stream(stream) else {
            return Ok(());
        };
        let mut cached = Cached {
            aggregate: None,
            version: 0,
            weight: OVERHEAD,
        };
        let mut aggregate = (entity.fresh)();
        let mut fold = |event: &StoredEvent| {
            if event.envelope.version != cached.version + 1 {
                return Err(Unfoldable::Gap);
            }
            aggregate
                .apply(&event.envelope.event_type, &event.value)
                .map_err(|error| Unfoldable::Decode(stream.to_owned(), error))?;
            cached.grow(event.envelope.version, event.value.len());
            Ok(())
        };
        archived.iter().try_for_each(&mut fold)?;
        let after = archived.last().map_or(0, |event| event.envelope.version);
        tail.events(stream, after).iter().try_for_each(|event| fold(event))?;
        cached.aggregate = Some(aggregate);
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

    /// Forgets a stream whose aggregate holds what never happened. The scope is no longer whole with that.
    pub fn drop_stream(&mut self, stream: &str) {
        self.whole = false;
        self.forget(stream);
    }

    fn forget(&mut self, stream: &str) {
        if let Some(dropped) = self.streams.remove(stream) {
            self.weight -= dropped.weight;
        }
    }
}

impl Cached {
    fn grow(&mut self, version: u64, bytes: usize) {
        self.version = version;
        self.weight = (self.weight + bytes).min(HEAVIEST);
    }
}
