//! What there is: the configuration, the state, a command as its client sees it, and the actions by name.

use crate::chain::{Body, Log, Offset, Record, Session};
use crate::writer::Writer;

/// A rule of the protocol, to be taken out: the checker has to find what breaks. Each says what is done without it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fence {
    /// A report without an error is good, whatever its offset.
    Contiguity,
    /// After a bad report the session goes on, and good ones after it count.
    Latch,
    /// A session opens on what was read, without a barrier in the log.
    Barrier,
    /// A refusal is answered as soon as it is decided.
    Confirmation,
    /// A refusal is answered with the next good report, also of a commit sent before the refusal was decided.
    SentAfterDecided,
    /// One who asks again is decided again, without a look for the key in the chain.
    KeyLookup,
    /// A part's place in the window is free when its own report is good, before its commit's last part's is.
    WholeCommitsInFlight,
    /// A writer that leaves the shard to another tells its clients that nothing was written, nor ever will be.
    YieldForwards,
    /// A reader stores a checkpoint anywhere, also between the parts of a commit.
    CheckpointBetweenCommits,
}

/// What a client asks for: to change the stock, in a commit of so many parts. Refused when the stock would go below 0.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    pub effect: i8,
    pub parts: u8,
}

/// One configuration of the model; its numbers bound the state space.
#[derive(Clone, Debug)]
pub struct Protocol {
    pub writers: u8,
    pub stock: i8,
    /// First asked in this order, of any writer; their answers may overlap in any way.
    pub commands: Vec<Command>,
    /// Records that a session may have in flight.
    pub window: u8,
    /// Sessions that all writers together may open: each is a takeover or a reopening.
    pub sessions: u8,
    /// Faults in all: a record lost, a report failed though the record lands, a crash, a client that gives up waiting.
    pub faults: u8,
    /// Whether producers may send a second time what has landed and was not reported: one more fault.
    pub resends: bool,
    pub without: Option<Fence>,
    /// Whether each state is also checked for progress, which costs a run of the protocol per state and writer.
    pub progress: bool,
}

/// A command as its client sees it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Call {
    NotAsked,
    /// Its commit is in flight in `session`, the last part being number `seq`.
    Committing {
        session: Session,
        seq: u8,
    },
    /// Refused by the state at the optimistic head, to be answered once a record numbered `confirmed_by` or later is
    /// good. `held`: the true state has refused it at some moment since it was asked.
    Refusing {
        session: Session,
        confirmed_by: u8,
        held: bool,
    },
    /// The client has no answer: it may be in the log, or land later. It asks again with the same key.
    Unknown,
    /// Told that nothing was written, nor ever will be by anything sent so far. It may ask again.
    Void,
    Accepted,
    Refused {
        held: bool,
    },
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct State {
    pub log: Log,
    /// What producers have sent and the log has not; of each session in the order sent.
    pub network: Vec<Record>,
    pub writers: Vec<Writer>,
    pub calls: Vec<Call>,
    pub faults: u8,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// The writer reads to the high watermark and sends a barrier chained on the head, in a new session.
    SendBarrier { writer: u8 },
    /// The writer has read its barrier back, and it extends the chain.
    Open { writer: u8 },
    /// A writer that was cut off reads another's barrier behind its own session, and leaves the shard to that writer.
    Yield { writer: u8 },
    /// A client asks: the writer decides, chains and enqueues in one step, under the shard's lock.
    Ask { writer: u8, command: u8 },
    /// The writer sends a checked record, for refusals that nothing sent since could confirm.
    Check { writer: u8 },
    /// A record lands; those of its session that were sent before it and have not landed never will.
    Land { session: Session, seq: u8 },
    /// The producer of the writer's session was not told that its records from this number on have landed, and sends all
    /// of them again, before what it has not sent yet.
    Resend { writer: u8, from: u8 },
    /// The writer takes the next report, in the order sent.
    Report { writer: u8, good: bool },
    /// The process dies; what it sent may still land.
    Crash { writer: u8 },
    /// The client's deadline passes.
    GiveUp { command: u8 },
}

impl Call {
    /// The session that is to answer it.
    pub fn session(self) -> Option<Session> {
        match self {
            Self::Committing { session, .. } | Self::Refusing { session, .. } => Some(session),
            Self::NotAsked | Self::Unknown | Self::Void | Self::Accepted | Self::Refused { .. } => None,
        }
    }

    pub fn waits_for(self, writer: u8) -> bool {
        self.session().is_some_and(|session| session.writer == writer)
    }

    pub fn is_answered(self) -> bool {
        matches!(self, Self::Accepted | Self::Refused { .. })
    }
}

impl State {
    pub fn session(&self, writer: u8) -> Session {
        Session {
            writer,
            nth: self.writers[usize::from(writer)].nth,
        }
    }

    pub fn in_network(&self, session: Session, seq: u8) -> bool {
        self.network
            .iter()
            .any(|record| record.session == session && record.seq == seq)
    }

    /// Whether the barrier of the writer's session is in the log and extends the chain, with its offset.
    pub fn valid_barrier(&self, writer: u8) -> Option<Offset> {
        let offset = self.log.offset_of(self.session(writer), 0)?;
        self.log
            .reader
            .commits
            .iter()
            .any(|commit| commit.at == offset)
            .then_some(offset)
    }

    /// Whether the chain holds another writer's barrier behind that of the session in which `writer` has calls waiting.
    pub fn is_cut_off(&self, writer: u8) -> bool {
        let waiting = self
            .calls
            .iter()
            .find_map(|call| call.session().filter(|session| session.writer == writer));
        let Some(own) = waiting.and_then(|session| self.log.offset_of(session, 0)) else {
            return false;
        };
        self.log.reader.commits.iter().any(|commit| {
            let record = self.log.records[usize::from(commit.at)];
            commit.at > own && record.session.writer != writer && matches!(record.body, Body::Barrier { .. })
        })
    }
}
