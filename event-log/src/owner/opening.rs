//! Taking a shard over: read to the end, append a barrier chained on the head, and repeat until the barrier itself
//! extends the chain. From there nothing of any earlier session can extend it.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    WriterIdentity,
    session::Session,
    state::{Core, Flight},
};
use crate::{
    chain_reader::{ChainReader, Check},
    checkpoint::Checkpoint,
    commit::Commit,
    control::Opened,
    limits::Limits,
    pause::{Backoff, jittered},
    port::{LogError, Port},
    reader::{reaches, read_to},
    record::Stored,
};

/// How long a writer that another cut off holds back before it cuts the other off in turn. Without a pause that differs,
/// writers that reopen at each other void half of all records; and one that is always busy, whose records make every
/// barrier of the other come too late, would never let go.
pub(super) const HOLD_BACK: Duration = Duration::from_millis(150);

/// How long a writer pauses whose barrier came too late: short, for against one that writes without a pause each attempt
/// has but a small chance.
const AGAIN: Duration = Duration::from_millis(10);

/// How an attempt ended.
enum Attempt {
    Open(Session),
    /// Somebody wrote between the reading and the barrier, or the barrier's report was bad: the next attempt reads what
    /// there is.
    Lost,
    /// Another opened the shard.
    Rival,
}

/// Why a shard could not be taken over.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Log(LogError),
    /// Another writer with a higher assignment has it.
    Superseded {
        assignment: u64,
    },
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

/// What has been read while taking a shard over.
pub(super) struct Takeover {
    pub chain: ChainReader,
    /// The commits read, control records included.
    pub commits: Vec<Arc<Commit>>,
    /// The offset up to which it was read, for whoever watches.
    progress: Arc<AtomicU64>,
    /// The sessions of this takeover's own barriers.
    own: Vec<Uuid>,
    /// The assignment of another's barrier that was read and not yet heeded.
    rival: Option<u64>,
    /// Whether barriers that are read are of rivals, and not just history.
    contending: bool,
}

impl Takeover {
    /// At the first opening what is read is history; when reopening, others' barriers are what cut this writer off.
    pub fn new(from: Checkpoint, reopening: bool) -> Self {
        Self {
            chain: ChainReader::new(from, Check::Links),
            commits: Vec::new(),
            progress: Arc::default(),
            own: Vec::new(),
            rival: None,
            contending: reopening,
        }
    }

    /// Reads on up to `end`.
    async fn read_to(&mut self, port: &dyn Port, end: u64) -> Result<(), LogError> {
        reaches(self.chain.checkpoint(), end)?;
        let (commits, own, rival) = (&mut self.commits, &self.own, &mut self.rival);
        let progress = &self.progress;
        let read = read_to(port, &mut self.chain, end, |commit| {
            progress.store(commit.offset(), Ordering::Relaxed);
            *rival = barrier_of_another(&commit, own).or(*rival);
            commits.push(Arc::new(commit));
        })
        .await;
        if read.is_err() {
            self.chain = self.chain.resumed();
        }
        if !self.contending {
            self.rival = None;
        }
        read
    }
}

fn barrier_of_another(commit: &Commit, own: &[Uuid]) -> Option<u64> {
    let event = commit.events.first()?;
    let barrier: Opened =
        (event.envelope.event_type == crate::envelope::OPENED).then(|| serde_json::from_slice(&event.value).ok())??;
    (!own.contains(&barrier.session)).then_some(barrier.generation)
}

impl Core {
    /// Opens a shard for the first time.
    pub async fn open(
        port: Arc<dyn Port>,
        archived: Checkpoint,
        identity: WriterIdentity,
        clock: Arc<dyn domain::clock::Clock>,
        limits: Limits,
    ) -> Result<(Arc<Self>, mpsc::UnboundedReceiver<Flight>), LogError> {
        let mut takeover = Takeover::new(archived.clone(), false);
        let (core, flights) = Self::new(port, archived, identity, clock, limits);
        let session = match core.take_over_at_length(&mut takeover).await {
            Ok(session) => session,
            Err(Failure::Log(error)) => return Err(error),
            Err(Failure::Superseded { assignment }) => {
                let reason = format!("a writer of assignment generation {assignment} opens the shard as well");
                return Err(LogError::Unavailable(reason));
            }
        };
        core.reopened_by(takeover, session);
        Ok((core, flights))
    }

    /// Takes a shard over that may have far to read, where the archive is behind: it takes as long as it takes while
    /// the reading comes on, and goes on from there when the log does not answer for a while.
    async fn take_over_at_length(&self, takeover: &mut Takeover) -> Result<Session, Failure> {
        let progress = Arc::clone(&takeover.progress);
        let mut reached = 0;
        let mut comes_on = move || {
            let now = progress.load(Ordering::Relaxed);
            std::mem::replace(&mut reached, now) < now
        };
        loop {
            let mut opening = pin!(self.take_over(takeover, false));
            let opened = loop {
                match timeout(self.limits.answer_within, &mut opening).await {
                    Ok(opened) => break opened,
                    Err(_) if comes_on() => {}
                    Err(_) => return Err(LogError::Unavailable("the shard could not be opened in time".into()).into()),
                }
            };
            match opened {
                Err(Failure::Log(LogError::Unavailable(reason))) if comes_on() => {
                    tracing::warn!(shard = %self.shard, reason, "taking the shard over goes on where it was");
                    sleep(jittered(AGAIN)).await;
                }
                opened => return opened,
            }
        }
    }

    pub fn reopened_by(&self, takeover: Takeover, session: Session) {
        let Takeover { chain, commits, .. } = takeover;
        tracing::info!(shard = %self.shard, session = %session.id(), head = ?chain.checkpoint().head_offset, "shard opened");
        self.reopened(session, chain.checkpoint().clone(), chain.recorded(), &commits);
    }

    /// Tries until the barrier extends the chain. A log that does not answer is tried again only by a `patient` one.
    pub async fn take_over(&self, takeover: &mut Takeover, patient: bool) -> Result<Session, Failure> {
        let mut backoff = Backoff::default();
        loop {
            match self.attempt(takeover).await {
                Ok(Attempt::Open(session)) => return Ok(session),
                Ok(Attempt::Lost) => sleep(jittered(AGAIN)).await,
                Ok(Attempt::Rival) => sleep(jittered(HOLD_BACK)).await,
                Err(Failure::Log(LogError::Unavailable(reason))) if patient => {
                    tracing::warn!(shard = %self.shard, reason, "the shard can not be reopened, trying again");
                    backoff.wait().await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn attempt(&self, takeover: &mut Takeover) -> Result<Attempt, Failure> {
        let identity = self.state.lock().identity.clone();
        let port = self.port.as_ref();
        if self.rival(takeover, &identity).await? {
            return Ok(Attempt::Rival);
        }
        takeover.contending = true;

        let appender = self.answer(port.appender(self.shard)).await?;
        // Opening the appender took a while, and a writer that is busy has written since. In Postgres a barrier that is
        // not chained on the head leaves no trace and cuts nobody off, so the time from here on must be short.
        if self.rival(takeover, &identity).await? {
            return Ok(Attempt::Rival);
        }
        let at = takeover.chain.checkpoint().clone();
        let end = takeover.chain.next();
        let mut session = Session::new(appender, &at, end);
        let recorded = self
            .clock
            .now()
            .max(takeover.chain.recorded().unwrap_or_default())
            .max(self.state.lock().recorded);
        let barrier = session.barrier(&identity, &at, recorded);
        takeover.own.push(session.id());
        let sent = session.send(self.shard, vec![barrier]);
        let lost = |_| LogError::Unavailable("the barrier's report was lost".into());
        let offset = match self.answer(async { sent.report.await.map_err(lost)? }).await {
            Ok(offset) => offset,
            Err(LogError::Unavailable(reason)) => {
                tracing::warn!(shard = %self.shard, reason, "the barrier was not acknowledged");
                return Ok(Attempt::Lost);
            }
            Err(error) => return Err(error.into()),
        };

        let Some(barrier) = sent.commit.events.first() else {
            return Ok(Attempt::Lost);
        };
        if offset == end {
            // Where the end was: nothing came between. It need not be read back to know what it is.
            let mut record = barrier.envelope.to_record(None, barrier.value.clone());
            let _ = record.chain_on(at.head);
            if let Some(commit) = takeover.chain.accept(&Stored { offset, record })?.commit {
                takeover.commits.push(Arc::new(commit));
            }
        } else {
            takeover.read_to(port, offset + 1).await?;
        }
        if takeover.chain.checkpoint().head != barrier.hash {
            return Ok(Attempt::Lost);
        }
        session.continue_at(offset + 1);
        Ok(Attempt::Open(session))
    }

    /// Reads on to the end; whether another's barrier was read there that does not outrank this writer.
    async fn rival(&self, takeover: &mut Takeover, identity: &WriterIdentity) -> Result<bool, Failure> {
        let end = self.answer(self.port.end(self.shard)).await?;
        takeover.read_to(self.port.as_ref(), end).await?;
        match takeover.rival.take() {
            Some(assignment) if assignment > identity.assignment => Err(Failure::Superseded { assignment }),
            rival => Ok(rival.is_some()),
        }
    }

    async fn answer<T>(&self, answer: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
        timeout(self.limits.report_within, answer)
            .await
            .map_err(|_| LogError::Unavailable("no answer in time".into()))?
    }
}
