//! A writer's own memory of the shard, lost in a crash: its session, what it has sent, and the rule by which it takes
//! a delivery report as proof.

use crate::chain::{Body, Link, Offset, Record, Session};
use crate::state::Fence;

/// How many commands a configuration may have at most.
pub const COMMANDS: usize = 4;

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Writer {
    /// The number of the latest session; 0 before the first. It stands for a random id, so a crash does not lose it.
    pub nth: u8,
    pub phase: Phase,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// Not started, crashed, or latched: whatever it was, the way on is to reopen.
    Closed,
    /// Has read to the high watermark and sent a barrier.
    Opening,
    Open(Shard),
}

/// An open shard. Nothing in here is trusted because of ownership: all of it may be stale, and the reports tell.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Shard {
    /// The end of what was read when the session opened: keys are looked up in the chain before it.
    pub read_to: Offset,
    /// The hash of the last record sent: the optimistic head that the next commit is chained on.
    pub head: Link,
    /// The state at `head`.
    pub stock: i8,
    /// The number of the next record.
    pub next_seq: u8,
    /// The number of the record whose report is taken next.
    pub next_report: u8,
    /// The number after the last part of the last acknowledged commit.
    pub acknowledged: u8,
    /// The last good offset plus one.
    pub expected: Offset,
    /// By command, the number of the last part sent in this session (0: none): who asks again joins it.
    pub sent: [u8; COMMANDS],
}

/// What a report did to the session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The record with this number extends the chain, and so do all before it.
    Good(u8),
    /// Nothing is known; nothing later in this session will be.
    Latched,
    /// Only without the latch: nothing is known, but the session goes on.
    Ignored,
}

impl Shard {
    /// Records that count against the window. A commit keeps its places until it is acknowledged as a whole: were a
    /// reported part's place free at once, more records than the window could turn out void, and readers would stop.
    pub fn in_flight(&self) -> u8 {
        self.next_seq - self.acknowledged
    }

    pub fn awaits_report(&self) -> bool {
        self.next_report < self.next_seq
    }

    /// Takes the next report in the order sent: the record with its offset, or none for an error.
    ///
    /// Why good is proof: records of one session land in the order sent; this one is chained on the one sent before
    /// it, which was good too (else the session had latched) and is at the offset just before, so nothing is between.
    pub fn take_report(&mut self, report: Option<(Offset, Record)>, without: Option<Fence>) -> Verdict {
        let seq = self.next_report;
        self.next_report += 1;
        match report {
            Some((offset, record)) if offset == self.expected || without == Some(Fence::Contiguity) => {
                self.expected = offset + 1;
                if record.ends_its_commit() || without == Some(Fence::WholeCommitsInFlight) {
                    self.acknowledged = self.next_report;
                }
                Verdict::Good(seq)
            }
            _ if without == Some(Fence::Latch) => Verdict::Ignored,
            _ => Verdict::Latched,
        }
    }

    /// Chains the next record of `session` on the last one.
    pub fn chain(&mut self, session: Session, body: Body) -> Record {
        let record = Record {
            session,
            seq: self.next_seq,
            prev: self.head,
            body,
        };
        self.next_seq += 1;
        self.head = record.link();
        record
    }
}
