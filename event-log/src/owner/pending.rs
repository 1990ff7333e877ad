//! What becomes of an append, and of a refusal that waits to be confirmed.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use chrono::{DateTime, Utc};
use futures::{FutureExt, future::Shared};
use tokio::sync::oneshot;

use crate::{commit::Commit, port::LogError};

/// What became of a commit.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is in the log, for good.
    Committed {
        /// The offset of its first part.
        first: u64,
        /// The offset of its last part: its position.
        last: u64,
        /// When it was recorded.
        recorded: DateTime<Utc>,
        /// Its events where they lie: a record of somebody else's may have come between two of them.
        commit: Arc<Commit>,
    },
    /// It is not in the log and never will be: decide again.
    Void,
    /// Nobody knows: the log did not answer before the deadline. It can be found by its command later.
    Unknown(LogError),
}

/// A commit in flight: resolves to its outcome. Cheap to clone, so that a repeated command can wait for the same one.
#[derive(Clone)]
pub struct Pending {
    outcome: Shared<oneshot::Receiver<Outcome>>,
}

impl Pending {
    pub(super) fn new() -> (oneshot::Sender<Outcome>, Self) {
        let (sender, receiver) = oneshot::channel();
        let pending = Self {
            outcome: receiver.shared(),
        };
        (sender, pending)
    }
}

impl Future for Pending {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let outcome = ready!(self.outcome.poll_unpin(context));
        Poll::Ready(outcome.unwrap_or_else(|_| Outcome::Unknown(closed())))
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pending").field(&self.outcome.peek()).finish()
    }
}

pub(super) fn closed() -> LogError {
    LogError::Unavailable("the shard's writer has ended".into())
}

/// The shard was reopened before the refusal was confirmed: decide again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the shard was reopened before the decision was confirmed")]
pub struct NotConfirmed;

/// A refusal that waits to be confirmed.
#[derive(Debug)]
pub struct Confirmation {
    confirmed: oneshot::Receiver<()>,
}

impl Confirmation {
    pub(super) fn new() -> (oneshot::Sender<()>, Self) {
        let (sender, confirmed) = oneshot::channel();
        (sender, Self { confirmed })
    }
}

impl Future for Confirmation {
    type Output = Result<(), NotConfirmed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.confirmed.poll_unpin(context).map_err(|_| NotConfirmed)
    }
}
