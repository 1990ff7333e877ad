//! The rule by which a reader believes: pure and synchronous, one record after the other, the same for hot readers, the
//! archiver, audits and a writer that takes over.
//!
//! A record whose `prev` is the head extends the chain; any other is void. The parts of a commit extend it together: they
//! stay pending until the last one has come, and are void as soon as another record extends the committed head instead.
//! What no writer can have left behind stops the reader ([`LogError::Broken`]).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    chain::{Hash, link},
    checkpoint::Checkpoint,
    commit::{Commit, StoredEvent},
    control::Opened,
    limits::MAX_IN_FLIGHT,
    port::LogError,
    record::{Record, Stored},
};

/// How much a reader checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// That each record names the hash of the one before. A record's own hash is taken on trust: hot readers.
    Links,
    /// Also that the content of each record, void ones included, has the hash that it names: the archiver and audits.
    Hashes,
}

/// What one record did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// The commit that it completed.
    pub commit: Option<Commit>,
    /// The commit's records as they lie in the log; only when their hashes are checked.
    pub records: Vec<Record>,
    /// How many records are void by it: itself, or pending parts that it cut off.
    pub void: u64,
    /// Whether it is void and of no writer of ours.
    pub foreign: bool,
}

/// What a reader has seen since its checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Records, valid or not.
    pub records: u64,
    /// Commits, the writers' own among them.
    pub commits: u64,
    /// Void records.
    pub void: u64,
    /// Those of them that carry no chain headers, session or number.
    pub foreign: u64,
}

/// What a reader knows of a session.
#[derive(Debug, Clone, Copy)]
struct Session {
    seq: u64,
    void: usize,
}

/// Reads one shard.
#[derive(Debug)]
pub struct ChainReader {
    check: Check,
    checkpoint: Checkpoint,
    next: u64,
    pending: Vec<StoredEvent>,
    /// The pending parts as they lie; empty unless hashes are checked.
    records: Vec<Record>,
    sessions: HashMap<Uuid, Session>,
    /// The first offset without content since a record extended the chain.
    hole: Option<u64>,
    recorded: Option<DateTime<Utc>>,
    tally: Tally,
    /// The tally at the checkpoint.
    settled: Tally,
}

impl ChainReader {
    /// A reader that goes on from a checkpoint. It wants the records from [`ChainReader::next`] on, which is the head's
    /// offset: the head is read again, and so are void records behind it, to see that they are what they were.
    pub fn new(checkpoint: Checkpoint, check: Check) -> Self {
        let sessions = checkpoint
            .session
            .map(|(session, seq)| (session, Session { seq, void: 0 }));
        Self {
            check,
            next: checkpoint.head_offset.unwrap_or(0),
            checkpoint,
            pending: Vec::new(),
            records: Vec::new(),
            sessions: sessions.into_iter().collect(),
            hole: None,
            recorded: None,
            tally: Tally::default(),
            settled: Tally::default(),
        }
    }

    /// The same reader after its source was lost: it reads again from its checkpoint on.
    #[must_use]
    pub fn resumed(&self) -> Self {
        let mut resumed = Self::new(self.checkpoint.clone(), self.check);
        resumed.tally = self.settled;
        resumed.settled = self.settled;
        resumed
    }

    /// The offset of the record that it wants next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Where it stands, between commits.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// When the head was recorded; `None` before the first record.
    pub fn recorded(&self) -> Option<DateTime<Utc>> {
        self.recorded
    }

    /// What it has seen.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Takes the next record.
    pub fn accept(&mut self, stored: &Stored) -> Result<Step, LogError> {
        if stored.offset != self.next {
            return Err(self.broken(self.next, format!("the record here has offset {}", stored.offset)));
        }
        let links = stored.record.links();
        if self.check == Check::Hashes && links.is_some_and(|(prev, hash)| link(prev, &stored.record) != hash) {
            return Err(self.broken(stored.offset, "the content does not match its hash"));
        }
        if stored.offset < self.checkpoint.next {
            self.read_again(stored, links)?;
            self.next += 1;
            return Ok(Step::default());
        }
        let step = match links {
            Some((prev, hash)) if prev == self.tip() || (prev == self.checkpoint.head && !self.is_first_part(hash)) => {
                self.extend(stored, prev)?
            }
            Some(_) => self.refuse(stored)?,
            None => self.refuse_foreign(stored),
        };
        self.next += 1;
        self.tally.records += 1;
        self.tally.commits += u64::from(step.commit.is_some());
        self.tally.void += step.void;
        self.tally.foreign += u64::from(step.foreign);
        if self.pending.is_empty() {
            self.checkpoint.next = self.next;
            self.settled = self.tally;
        }
        Ok(step)
    }

    /// What the next part of a commit must be chained on.
    fn tip(&self) -> Hash {
        self.pending.last().map_or(self.checkpoint.head, |part| part.hash)
    }

    /// Whether this is the first of the pending parts over again: librdkafka sends a second time what was not
    /// acknowledged to it. The first copy counts, as it does with whole commits.
    fn is_first_part(&self, hash: Hash) -> bool {
        self.pending.first().is_some_and(|part| part.hash == hash)
    }

    /// A record that the checkpoint has passed: the head, or a void one behind it.
    fn read_again(&mut self, stored: &Stored, links: Option<(Hash, Hash)>) -> Result<(), LogError> {
        let head = self.checkpoint.head;
        if Some(stored.offset) == self.checkpoint.head_offset {
            if links.map(|(_, hash)| hash) != Some(head) {
                let found = links.map_or_else(|| "none".to_owned(), |(_, hash)| hash.to_string());
                let reason = format!("the head was {head} and now is {found}: the log was truncated or replaced");
                return Err(self.broken(stored.offset, reason));
            }
            self.recorded = stored.record.text("ce_recordedtime").and_then(|time| time.parse().ok());
        } else if links.is_some_and(|(prev, _)| prev == head) {
            // There was a void record here; one that extends the chain would be skipped.
            return Err(self.broken(stored.offset, "the record here is another: the log was truncated"));
        } else {
            self.note_hole(stored);
        }
        Ok(())
    }

    /// A record that is chained on the committed head, or on the part before.
    fn extend(&mut self, stored: &Stored, prev: Hash) -> Result<Step, LogError> {
        let offset = stored.offset;
        let event = StoredEvent::of(self.checkpoint.shard, stored).map_err(|error| self.broken(offset, error))?;
        self.count(event.envelope.session, event.envelope.seq, offset)?;
        self.hole = None;
        if let Some(barrier) = Opened::of(&stored.record) {
            let barrier = barrier.map_err(|error| self.broken(offset, error))?;
            self.compare(&barrier, offset)?;
        }
        let mut step = Step::default();
        if prev == self.checkpoint.head {
            // Parts of a commit that was cut short.
            for part in std::mem::take(&mut self.pending) {
                self.count_void(part.envelope.session, offset)?;
                step.void += 1;
            }
            self.records.clear();
        }
        if let Err(reason) = follows(&self.pending, &event) {
            return Err(self.broken(offset, reason));
        }
        let last = event.envelope.part.is_last();
        self.pending.push(event);
        if self.check == Check::Hashes {
            self.records.push(stored.record.clone());
        }
        if last {
            step.commit = Some(self.commit());
            step.records = std::mem::take(&mut self.records);
        }
        Ok(step)
    }

    fn commit(&mut self) -> Commit {
        let commit = Commit {
            shard: self.checkpoint.shard,
            events: std::mem::take(&mut self.pending),
        };
        if let Some(last) = commit.events.last() {
            self.checkpoint.head = last.hash;
            self.checkpoint.head_offset = Some(last.offset);
            self.checkpoint.session = Some((last.envelope.session, last.envelope.seq));
            self.recorded = Some(last.envelope.recorded);
        }
        commit
    }

    /// A record that is chained on something else.
    fn refuse(&mut self, stored: &Stored) -> Result<Step, LogError> {
        let Some((session, seq)) = origin(&stored.record) else {
            return Ok(self.refuse_foreign(stored));
        };
        if let Some(Ok(barrier)) = Opened::of(&stored.record) {
            self.compare(&barrier, stored.offset)?;
        }
        if !self.is_resent(session, seq) {
            self.mind_the_hole(session, seq)?;
            self.count(session, seq, stored.offset)?;
            self.count_void(session, stored.offset)?;
        }
        Ok(Step {
            void: 1,
            ..Step::default()
        })
    }

    fn refuse_foreign(&mut self, stored: &Stored) -> Step {
        let (shard, offset) = (self.checkpoint.shard, stored.offset);
        self.note_hole(stored);
        tracing::warn!(%shard, offset, "a record that no writer of ours appended is void");
        Step {
            void: 1,
            foreign: true,
            ..Step::default()
        }
    }

    /// A void record whose number is not beyond the session's others: sent a second time, or overtaken by another.
    fn is_resent(&self, session: Uuid, seq: u64) -> bool {
        self.sessions.get(&session).is_some_and(|known| seq <= known.seq)
    }

    fn note_hole(&mut self, stored: &Stored) {
        if stored.record.is_hole() {
            self.hole.get_or_insert(stored.offset);
        }
    }

    /// A hole is the mark of a foreign transaction, or a record of ours was removed there. Then what comes behind it is
    /// void, and of a session whose numbers jump; for a writer that takes over must not go on as if nothing were
    /// missing. Once a record extends the chain, nothing is.
    fn mind_the_hole(&self, session: Uuid, seq: u64) -> Result<(), LogError> {
        let next = self.sessions.get(&session).map_or(0, |known| known.seq + 1);
        match self.hole {
            Some(hole) if seq > next => {
                let reason = format!("no record is here, and number {seq} of session {session} follows on {next}");
                Err(self.broken(hole, reason))
            }
            _ => Ok(()),
        }
    }

    /// The numbers of what extends the chain never go back behind any that the session has shown, void records
    /// included: that shows a pair that was swapped.
    fn count(&mut self, session: Uuid, seq: u64, offset: u64) -> Result<(), LogError> {
        let known = self.sessions.entry(session).or_insert(Session { seq, void: 0 });
        if seq < known.seq {
            let reason = format!("number {seq} of session {session} comes after number {}", known.seq);
            return Err(self.broken(offset, reason));
        }
        known.seq = seq;
        Ok(())
    }

    fn count_void(&mut self, session: Uuid, offset: u64) -> Result<(), LogError> {
        let known = self.sessions.entry(session).or_insert(Session { seq: 0, void: 0 });
        known.void += 1;
        if known.void > MAX_IN_FLIGHT {
            let reason = format!("more than {MAX_IN_FLIGHT} records of session {session} are void");
            return Err(self.broken(offset, reason));
        }
        Ok(())
    }

    /// A barrier tells what its writer had read: this reader must have seen the same.
    fn compare(&self, barrier: &Opened, offset: u64) -> Result<(), LogError> {
        let own = self.checkpoint.head_offset;
        if barrier.head_offset > own {
            let reason = format!(
                "the barrier names a head at {:?}, beyond the head read at {own:?}",
                barrier.head_offset
            );
            return Err(self.broken(offset, reason));
        }
        if barrier.head_offset == own && barrier.head != self.checkpoint.head.to_string() {
            let reason = format!(
                "the barrier names head {} where {} was read",
                barrier.head, self.checkpoint.head
            );
            return Err(self.broken(offset, reason));
        }
        Ok(())
    }

    fn broken(&self, offset: u64, reason: impl ToString) -> LogError {
        LogError::Broken {
            shard: self.checkpoint.shard,
            offset,
            reason: reason.to_string(),
        }
    }
}

/// Whether the part comes next. No writer chains anything else on the middle of a commit, or begins one in its middle.
fn follows(pending: &[StoredEvent], event: &StoredEvent) -> Result<(), String> {
    let part = event.envelope.part;
    if usize::from(part.number) != pending.len() + 1 {
        return Err(format!("part {part} comes after {} parts", pending.len()));
    }
    match pending.first() {
        Some(first)
            if first.envelope.part.of != part.of
                || first.envelope.command != event.envelope.command
                || first.envelope.session != event.envelope.session =>
        {
            Err(format!("part {part} is of another commit than the part before"))
        }
        _ => Ok(()),
    }
}

/// The session of a record and its number there.
fn origin(record: &Record) -> Option<(Uuid, u64)> {
    Some((
        record.text("ce_session")?.parse().ok()?,
        record.text("ce_seq")?.parse().ok()?,
    ))
}
