//! The single writer of a shard.
//!
//! It keeps many commits in flight, each chained on the one before. Reports are taken in the order sent: a good one (no
//! error, and the offset that comes next) proves that nobody else wrote in between, and acknowledges its commit. The
//! first that is not good ends the session: nothing later is acknowledged from a report, and the owner reopens the shard
//! by itself. Reopening settles what was in flight: what the chain holds is committed, the rest is void for good.
//!
//! | file | what it holds |
//! |---|---|
//! | `owner/pending.rs` | what becomes of an append, and of a confirmation |
//! | `owner/session.rs` | numbers, chains and sends commits |
//! | `owner/state.rs` | what lies under the lock |
//! | `owner/opening.rs` | taking a shard over: read to the end, append the barrier, until it extends the chain |
//! | `owner/run.rs` | the one task: takes reports, settles refusals, reopens |

mod opening;
mod pending;
mod run;
mod session;
mod state;

use std::sync::Arc;

use domain::clock::Clock;
use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use crate::control::WriterIdentity;
pub use pending::{Confirmation, Outcome, Pending};

use crate::{
    checkpoint::Checkpoint,
    commit::Draft,
    limits::Limits,
    port::{LogError, Port},
    shard::Shard,
    tail::{SLICE, Tail},
};
use state::Core;

/// Whether the shard can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It can, in this generation.
    Open {
        /// The generation.
        generation: u64,
    },
    /// It is being reopened.
    Reopening,
    /// This owner has ended; only another can write.
    Closed(Closed),
}

/// Why an owner ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// It was told to.
    Asked,
    /// Another node opened the shard with a higher assignment generation: the shard is that node's.
    Superseded {
        /// The other's generation.
        assignment: u64,
    },
    /// The log can not be used.
    Failed(String),
}

/// The owner can't take it now: it reopens or has ended, or has reopened since the decision was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOpen {
    /// The shard was reopened since: cached state is void, decide again.
    #[error("the shard was reopened, its generation is {current}")]
    Stale {
        /// The generation now.
        current: u64,
    },
    /// The shard is being reopened, or this owner has ended; [`Owner::status`] tells.
    #[error("the shard is not open")]
    Closed,
}

/// Why a commit was not taken. Nothing of it is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Not open, or no more of this generation.
    #[error(transparent)]
    NotOpen(#[from] NotOpen),
    /// Too much is in flight, or not yet archived: try again later.
    #[error("too much is in flight or not yet archived")]
    Full,
    /// An event is too large for a record.
    #[error("a record of {bytes} bytes, where {limit} are allowed")]
    TooLarge {
        /// The record's size.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// Too many events for one commit.
    #[error("a commit of {parts} events, where {limit} are allowed")]
    TooManyParts {
        /// How many.
        parts: usize,
        /// The most.
        limit: usize,
    },
    /// A commit without an event.
    #[error("a commit without an event")]
    Empty,
}

/// The single writer of a shard. Dropping it ends its task, but only [`Owner::close`] waits for what is in flight.
#[derive(Debug)]
pub struct Owner {
    core: Arc<Core>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    _drop: DropGuard,
}

impl Owner {
    /// Takes a shard over: reads it from the archive's checkpoint on, and appends a barrier. The tail begins there.
    pub async fn open(
        port: Arc<dyn Port>,
        archived: Checkpoint,
        identity: WriterIdentity,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Arc<Self>, LogError> {
        let (core, flights) = Core::open(port, archived, identity, clock, limits).await?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(run::run(Arc::clone(&core), flights, stop.clone()));
        Ok(Arc::new(Self {
            core,
            task: Mutex::new(Some(task)),
            _drop: stop.clone().drop_guard(),
            stop,
        }))
    }

    /// The shard.
    pub fn shard(&self) -> Shard {
        self.core.shard
    }

    /// What bounds it.
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    /// The generation: every reopening raises it. State that was loaded and decisions that were taken in an older one
    /// are worth nothing.
    pub fn generation(&self) -> u64 {
        self.core.state.lock().generation
    }

    /// Whether it can be written, now and whenever that changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.core.status.subscribe()
    }

    /// Waits until the shard is open and tells the generation, or why it will not be.
    pub async fn opened(&self) -> Result<u64, Closed> {
        let mut status = self.status();
        let reached = status.wait_for(|status| *status != Status::Reopening).await;
        match reached.as_deref() {
            Ok(Status::Open { generation }) => Ok(*generation),
            Ok(Status::Closed(closed)) => Err(closed.clone()),
            Ok(Status::Reopening) | Err(_) => Err(Closed::Asked),
        }
    }

    /// Appends the events of one command as one commit, chained on everything appended before. Does no I/O and never
    /// waits: it is called while the caller holds its shard's lock. Await the [`Pending`] after releasing that.
    pub fn append(&self, generation: u64, parts: Vec<Draft>) -> Result<Pending, AppendError> {
        let pending = self.core.append_if(generation, parts, |_| true)?;
        Ok(pending.expect("nothing was asked of the tail"))
    }

    /// Appends like [`Owner::append`] if the tail says so, looked at under the same lock; `None`: it does not. For
    /// callers that hold no lock of the shard.
    pub fn append_if(
        &self,
        generation: u64,
        parts: Vec<Draft>,
        still: impl FnOnce(&Tail) -> bool,
    ) -> Result<Option<Pending>, AppendError> {
        self.core.append_if(generation, parts, still)
    }

    /// Settles that what was decided just now, in this generation, was decided on the current state: by the good report
    /// of a commit sent after, or else by one shared look at the log. The future says `Err` when the shard was reopened
    /// instead: decide again.
    pub fn confirm(&self, generation: u64) -> Result<Confirmation, NotOpen> {
        self.core.confirm(generation)
    }

    /// Looks at the tail, which holds the lock meanwhile. What is in flight is in it.
    pub fn tail<R>(&self, generation: u64, look: impl FnOnce(&Tail) -> R) -> Result<R, NotOpen> {
        let state = self.core.state.lock();
        state.check(generation)?;
        Ok(look(&state.tail))
    }

    /// Where the shard stands: what is acknowledged.
    pub fn checkpoint(&self) -> Checkpoint {
        self.core.state.lock().acked.clone()
    }

    /// Tells that the archive has everything below this offset: that much there is room for.
    pub fn archived(&self, next: u64) {
        self.core.archived(next);
    }

    /// Lets the tail forget what the archive has: all below `until`, and below `before` as much as is more than
    /// [`Limits::grace_bytes`]. A load that read the archive before it came to `until` may have to be done again.
    pub fn forget(&self, until: u64, before: u64) {
        let grace = self.core.limits.grace_bytes;
        loop {
            let forgotten = self.core.state.lock().tail.forget(until, before, grace, SLICE);
            if forgotten.len() < SLICE {
                return;
            }
        }
    }

    /// Whether a commit would be taken now, as far as what is in flight and not yet archived goes.
    pub fn has_room(&self) -> bool {
        self.core.state.lock().has_room(&self.core.limits)
    }

    /// Waits until there is room, or the shard is no longer open.
    pub async fn room(&self) {
        self.core.room().await;
    }

    /// Ends it: takes nothing more, and waits until all that is in flight has its outcome or its deadline passes.
    pub async fn close(&self) {
        // At once: under load the task may be busy with reports for a while.
        self.core.closing();
        self.stop.cancel();
        let task = self.task.lock().take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(shard = %self.core.shard, %error, "the writer's task failed");
        }
    }
}
