//! What the owner of a shard knows past the archive: every commit that it has read or written since, by stream and by
//! command, those in flight included. A cold aggregate is folded from the archive and this.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    ops::Deref,
    sync::Arc,
};

use uuid::Uuid;

use crate::{
    commit::{Commit, StoredEvent},
    owner::Pending,
};

/// Bytes that an event takes in memory beside its value: envelope, indices, allocations.
const OVERHEAD: usize = 640;

/// Commits that are counted or dropped under one hold of the lock: who appends must not wait for thousands.
pub(crate) const SLICE: usize = 256;

/// An event of the tail.
#[derive(Debug, Clone)]
pub struct TailEvent {
    commit: Arc<Commit>,
    part: usize,
}

impl Deref for TailEvent {
    type Target = StoredEvent;

    fn deref(&self) -> &StoredEvent {
        &self.commit.events[self.part]
    }
}

/// A commit of the tail.
#[derive(Debug, Clone)]
pub struct TailCommit {
    /// Its events. While it is in flight their offsets are those that they will have if it is acknowledged.
    pub commit: Arc<Commit>,
    /// What becomes of it, when this owner appended it: known already, or still in flight. `None`: it was read from
    /// the log.
    pub pending: Option<Pending>,
}

/// Every commit past the archive's checkpoint, in order: first those that are in the log, then those in flight.
#[derive(Debug)]
pub struct Tail {
    start: u64,
    settled: u64,
    bytes: usize,
    /// How far the archive is said to have come.
    told: u64,
    /// The oldest commits, so many, are settled and in the archive.
    archived: usize,
    archived_bytes: usize,
    commits: VecDeque<Arc<Commit>>,
    streams: HashMap<String, VecDeque<TailEvent>>,
    scopes: BTreeSet<(String, String)>,
    commands: HashMap<Uuid, TailCommit>,
}

impl Tail {
    pub(crate) fn new(archived: u64) -> Self {
        Self {
            start: archived,
            settled: archived,
            bytes: 0,
            told: archived,
            archived: 0,
            archived_bytes: 0,
            commits: VecDeque::new(),
            streams: HashMap::new(),
            scopes: BTreeSet::new(),
            commands: HashMap::new(),
        }
    }

    /// The offset back to which it reaches: a load from the archive must find the archive's checkpoint at this offset or
    /// beyond, else begin again.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The offset up to which commits are in the log for good; those from there on are in flight.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of what the archive does not have yet, about.
    pub fn unarchived_bytes(&self) -> usize {
        self.bytes - self.archived_bytes
    }

    /// The events of a scope's stream after this version, in order. A stream of another scope has none.
    pub fn events(&self, scope: &str, stream: &str, after_version: u64) -> Vec<TailEvent> {
        let events = self.streams.get(stream).into_iter().flatten();
        events
            .filter(|event| event.scope.as_deref() == Some(scope) && event.envelope.version > after_version)
            .cloned()
            .collect()
    }

    /// Whether the stream has events here that belong to another scope than this one.
    pub fn is_elsewhere(&self, scope: &str, stream: &str) -> bool {
        let mut events = self.streams.get(stream).into_iter().flatten();
        events.any(|event| event.scope.as_deref() != Some(scope))
    }

    /// The commit of a command.
    pub fn command(&self, command: Uuid) -> Option<&TailCommit> {
        self.commands.get(&command)
    }

    /// The commits from this offset on that are in the log for good, at most so many.
    pub fn settled_from(&self, offset: u64, most: usize) -> Vec<Arc<Commit>> {
        let first = self.commits.partition_point(|commit| commit.offset() < offset);
        let commits = self.commits.range(first..).take(most);
        let settled = commits.take_while(|commit| commit.offset() < self.settled);
        settled.cloned().collect()
    }

    /// The streams of a scope that have events here.
    pub fn scope_streams(&self, scope: &str) -> impl Iterator<Item = &str> {
        self.scopes
            .range((scope.to_owned(), String::new())..)
            .take_while(move |(of, _)| of == scope)
            .map(|(_, stream)| stream.as_str())
    }

    /// Adds a commit behind all others. The writer's own records are of no interest to anybody.
    pub(crate) fn push(&mut self, commit: Arc<Commit>, pending: Option<Pending>) {
        if commit.is_control() {
            return;
        }
        self.bytes += weight(&commit);
        for part in 0..commit.events.len() {
            let event = TailEvent {
                commit: Arc::clone(&commit),
                part,
            };
            if let Some(events) = self.streams.get_mut(&event.envelope.stream) {
                events.push_back(event);
            } else {
                let stream = event.envelope.stream.clone();
                self.scopes
                    .insert((event.scope.clone().unwrap_or_default(), stream.clone()));
                self.streams.insert(stream, VecDeque::from([event]));
            }
        }
        if let Some(first) = commit.events.first() {
            let known = TailCommit {
                commit: Arc::clone(&commit),
                pending,
            };
            self.commands.insert(first.envelope.command, known);
        }
        self.commits.push_back(commit);
    }

    /// Everything below this offset is in the log.
    pub(crate) fn settle(&mut self, next: u64) {
        self.settled = next;
        self.count_archived(SLICE);
    }

    /// Drops what is in flight, and adds what the chain holds instead.
    pub(crate) fn replace_in_flight(&mut self, read: &[Arc<Commit>], next: u64) {
        while self
            .commits
            .back()
            .is_some_and(|commit| commit.offset() >= self.settled)
        {
            if let Some(commit) = self.commits.pop_back() {
                self.take_out(&commit, VecDeque::pop_back);
            }
        }
        for commit in read {
            self.push(Arc::clone(commit), None);
        }
        self.settled = next;
    }

    /// The archive has everything below this offset. Counts so many commits as archived; whether that was all.
    pub(crate) fn archived(&mut self, next: u64, most: usize) -> bool {
        self.told = self.told.max(next);
        self.count_archived(most)
    }

    fn count_archived(&mut self, most: usize) -> bool {
        let below = self.told.min(self.settled);
        for _ in 0..most {
            match self.commits.get(self.archived) {
                Some(commit) if commit.offset() < below => self.archived_bytes += weight(commit),
                _ => return true,
            }
            self.archived += 1;
        }
        false
    }

    /// Takes out the oldest commits that the archive has, at most so many: those below `until`, and while more than
    /// `keep` bytes of what is archived are here, any below `before`. They are for the caller to drop.
    pub(crate) fn forget(&mut self, until: u64, before: u64, keep: usize, most: usize) -> Vec<Arc<Commit>> {
        let mut forgotten = Vec::new();
        while forgotten.len() < most && self.archived > 0 {
            let limit = if self.archived_bytes > keep {
                before.max(until)
            } else {
                until
            };
            let Some(commit) = self.commits.pop_front_if(|commit| commit.offset() < limit) else {
                break;
            };
            self.start = commit.offset() + 1;
            self.archived -= 1;
            self.archived_bytes -= weight(&commit);
            self.take_out(&commit, VecDeque::pop_front);
            forgotten.push(commit);
        }
        forgotten
    }

    fn take_out(&mut self, commit: &Arc<Commit>, pop: impl Fn(&mut VecDeque<TailEvent>) -> Option<TailEvent>) {
        self.bytes -= weight(commit);
        for event in &commit.events {
            let stream = &event.envelope.stream;
            let emptied = self.streams.get_mut(stream).is_some_and(|events| {
                pop(events);
                events.is_empty()
            });
            if emptied {
                self.streams.remove(stream);
                self.scopes
                    .remove(&(event.scope.clone().unwrap_or_default(), stream.clone()));
            }
        }
        if let Some(first) = commit.events.first() {
            let command = first.envelope.command;
            if self
                .commands
                .get(&command)
                .is_some_and(|known| Arc::ptr_eq(&known.commit, commit))
            {
                self.commands.remove(&command);
            }
        }
    }
}

fn weight(commit: &Commit) -> usize {
    commit.events.iter().map(|event| event.value.len() + OVERHEAD).sum()
}
