//! The log, and what every reader does with a record: the chain rule, the checkpoint and the rules that stop a reader.
//!
//! Apart from the rest because nothing in here knows of writers, reports or calls: validity is a function of the log
//! alone, which is why readers can agree at all.

use std::hash::{Hash, Hasher};

/// Where a record is in the log.
pub type Offset = u8;

/// One opening of the shard by one writer: the producer that was made for it and all that it sends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Session {
    pub writer: u8,
    /// Counts the writer's openings from 1.
    pub nth: u8,
}

/// A record's hash. Session and number are hashed with the record and are never given twice, so they name its hash;
/// that two records never share one is SHA-256's part, not the model's.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Link {
    Genesis,
    To(Session, u8),
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Body {
    /// `stoa.writer.opened`. It names the head that it is chained on: the offset here, the hash in `prev`.
    Barrier { head: Option<Offset> },
    /// `stoa.writer.checked`: a commit without events, sent so that its report confirms what was decided before it.
    Checked,
    /// One record of a command's commit.
    Part { command: u8, part: u8, of: u8 },
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Record {
    pub session: Session,
    /// The record's number within its session; the barrier is 0.
    pub seq: u8,
    pub prev: Link,
    pub body: Body,
}

impl Record {
    pub fn link(&self) -> Link {
        Link::To(self.session, self.seq)
    }

    pub fn ends_its_commit(&self) -> bool {
        !matches!(self.body, Body::Part { part, of, .. } if part < of)
    }
}

/// What a reader hands on: a commit whose last part is at `at`. Barriers and checked records have no command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Commit {
    pub at: Offset,
    pub command: Option<u8>,
}

/// Where the chain ends: the last part of the last valid commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    pub offset: Option<Offset>,
    pub link: Link,
}

/// Why a reader would refuse to go on. Faults that the protocol allows must never cause one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stop {
    SequenceWentBack,
    BarrierNamesAnotherHead,
    MoreVoidThanMayBeInFlight,
}

/// What a reader remembers of one session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Seen {
    session: Session,
    last_seq: u8,
    void: u8,
}

/// Parts that extend the chain but do not yet end in a last one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Begun {
    session: Session,
    first: Link,
    tip: Link,
    command: u8,
    parts: u8,
}

/// What a reader stores to go on from later. It stands between commits: what had begun is read again.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    next: Offset,
    head: Head,
    last: Option<Seen>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reader {
    next: Offset,
    pub head: Head,
    begun: Option<Begun>,
    seen: Vec<Seen>,
    pub commits: Vec<Commit>,
    /// Commits that had begun and were left behind.
    pub cut_short: u8,
    pub stopped: Option<Stop>,
}

impl Reader {
    pub fn from_the_start() -> Self {
        Self::resume(Checkpoint {
            next: 0,
            head: Head {
                offset: None,
                link: Link::Genesis,
            },
            last: None,
        })
    }

    pub fn resume(checkpoint: Checkpoint) -> Self {
        Self {
            next: checkpoint.next,
            head: checkpoint.head,
            begun: None,
            seen: checkpoint.last.into_iter().collect(),
            commits: Vec::new(),
            cut_short: 0,
            stopped: None,
        }
    }

    /// Only here may a checkpoint be stored: the parts of a commit that has begun are not in it.
    pub fn stands_between_commits(&self) -> bool {
        self.begun.is_none()
    }

    pub fn checkpoint(&self) -> Checkpoint {
        let writer = |seen: &&Seen| matches!(self.head.link, Link::To(session, _) if session == seen.session);
        // Counting void records begins anew: a reader that resumes may only stop later, never sooner.
        let last = self.seen.iter().find(writer).map(|seen| Seen { void: 0, ..*seen });
        Checkpoint {
            next: self.next,
            head: self.head,
            last,
        }
    }

    /// Reads the next record. `window` is what a writer may have in flight.
    pub fn read(&mut self, record: &Record, window: u8) {
        let offset = self.next;
        self.next += 1;
        if let Body::Barrier { head } = record.body {
            let another = head == self.head.offset && record.prev != self.head.link;
            if head > self.head.offset || another {
                self.stopped = Some(Stop::BarrierNamesAnotherHead);
            }
        }
        match record.body {
            Body::Part { command, part, of } if part > 1 => match self.begun {
                // A void record between two parts does not cut the commit: only a valid one does.
                Some(begun) if record.prev == begun.tip && begun.command == command && begun.parts + 1 == part => {
                    self.note_sequence(record);
                    self.extend(record, offset, command, part, of);
                }
                _ => self.refuse(record, window),
            },
            _ if record.prev != self.head.link => self.refuse(record, window),
            // The first part of what has begun, sent a second time: the first copy counts.
            _ if self.begun.is_some_and(|begun| begun.first == record.link()) => self.refuse(record, window),
            body => {
                self.note_sequence(record);
                if let Some(begun) = self.begun.take() {
                    self.cut_short += 1;
                    self.void(begun.session, begun.parts, window);
                }
                match body {
                    Body::Part { command, part, of } => self.extend(record, offset, command, part, of),
                    Body::Barrier { .. } | Body::Checked => self.complete(record, offset, None),
                }
            }
        }
    }

    /// A void record. One whose number is not new was sent a second time, and is not counted again.
    fn refuse(&mut self, record: &Record, window: u8) {
        let new = |seen: &Seen| seen.session != record.session || seen.last_seq < record.seq;
        if self.seen.iter().all(new) {
            self.note_sequence(record);
            self.void(record.session, 1, window);
        }
    }

    fn extend(&mut self, record: &Record, offset: Offset, command: u8, part: u8, of: u8) {
        if part == of {
            self.complete(record, offset, Some(command));
        } else {
            self.begun = Some(Begun {
                session: record.session,
                first: self.begun.map_or(record.link(), |begun| begun.first),
                tip: record.link(),
                command,
                parts: part,
            });
        }
    }

    fn complete(&mut self, record: &Record, offset: Offset, command: Option<u8>) {
        self.begun = None;
        self.head = Head {
            offset: Some(offset),
            link: record.link(),
        };
        self.commits.push(Commit { at: offset, command });
    }

    fn note_sequence(&mut self, record: &Record) {
        match self.seen.iter_mut().find(|seen| seen.session == record.session) {
            Some(seen) if seen.last_seq >= record.seq => self.stopped = Some(Stop::SequenceWentBack),
            Some(seen) => seen.last_seq = record.seq,
            None => self.seen.push(Seen {
                session: record.session,
                last_seq: record.seq,
                void: 0,
            }),
        }
    }

    fn void(&mut self, session: Session, records: u8, window: u8) {
        if let Some(seen) = self.seen.iter_mut().find(|seen| seen.session == session) {
            seen.void += records;
            if seen.void > window {
                self.stopped = Some(Stop::MoreVoidThanMayBeInFlight);
            }
        }
    }
}

/// The shard's log, with a reader that is always at its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Log {
    pub records: Vec<Record>,
    pub reader: Reader,
}

/// The reader follows from the records, so they alone tell two logs apart.
impl Hash for Log {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.records.hash(hasher);
    }
}

impl Log {
    pub fn empty() -> Self {
        Self {
            records: Vec::new(),
            reader: Reader::from_the_start(),
        }
    }

    pub fn append(&mut self, record: Record, window: u8) {
        self.reader.read(&record, window);
        self.records.push(record);
    }

    pub fn len(&self) -> Offset {
        Offset::try_from(self.records.len()).expect("the bounds keep the log far below 256 records")
    }

    pub fn offset_of(&self, session: Session, seq: u8) -> Option<Offset> {
        let found = self
            .records
            .iter()
            .position(|record| record.session == session && record.seq == seq);
        found.and_then(|index| Offset::try_from(index).ok())
    }

    /// Where a record lies last: the report of one that was sent twice tells of the second.
    pub fn last_offset_of(&self, session: Session, seq: u8) -> Option<Offset> {
        let found = self
            .records
            .iter()
            .rposition(|record| record.session == session && record.seq == seq);
        found.and_then(|index| Offset::try_from(index).ok())
    }

    /// The chain as one who has read up to `end`, exclusive, knows it.
    pub fn commits_before(&self, end: Offset) -> impl Iterator<Item = &Commit> {
        self.reader.commits.iter().filter(move |commit| commit.at < end)
    }
}
