//! What lies under the owner's lock, and everything that is done while holding it: nothing here waits.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    AppendError, Closed, Confirmation, NotOpen, Outcome, Pending, Status,
    session::{Sent, Session},
};
use crate::{
    checkpoint::Checkpoint,
    commit::{Commit, Draft},
    control::WriterIdentity,
    limits::{Limits, MAX_IN_FLIGHT},
    port::{Port, Report},
    shard::Shard,
    tail::{SLICE, Tail},
};

/// Between two records that only check the head. Each is kept for ever, and settles all refusals that wait by then.
const CHECKS_APART: Duration = Duration::from_millis(5);

/// A commit whose report has not been taken.
pub(super) struct Flight {
    pub commit: Arc<Commit>,
    pub report: oneshot::Receiver<Report>,
    pub sent: Instant,
    /// The confirmations that were asked for before it was sent: its good report settles those below this number.
    covers: u64,
    /// Who is told; nobody for the writer's own records.
    pub outcome: Option<oneshot::Sender<Outcome>>,
}

impl Flight {
    /// Tells what became of it, once.
    pub fn tell(&mut self, outcome: Outcome) {
        if let Some(sender) = self.outcome.take() {
            // Whoever asked may have gone away.
            let _ = sender.send(outcome);
        }
    }
}

/// The outcome of a commit that is in the log.
pub(super) fn committed(commit: &Arc<Commit>) -> Option<Outcome> {
    let (first, last) = (commit.events.first()?, commit.events.last()?);
    Some(Outcome::Committed {
        first: first.offset,
        last: last.offset,
        recorded: last.envelope.recorded,
        commit: Arc::clone(commit),
    })
}

pub(super) enum Phase {
    Open(Session),
    Reopening,
    /// Takes nothing more. The session is kept until what it sent has been reported: an appender may drop with itself
    /// what it has not sent yet.
    Closing {
        _session: Option<Session>,
    },
}

pub(super) struct State {
    pub generation: u64,
    pub phase: Phase,
    pub identity: WriterIdentity,
    /// Where the shard stands by what was acknowledged.
    pub acked: Checkpoint,
    /// The latest recorded time: it never goes back within a shard.
    pub recorded: DateTime<Utc>,
    pub tail: Tail,
    /// Records in flight.
    in_flight: usize,
    /// Refusals that wait, in the order in which they asked, by number.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
    asked: u64,
    /// When a check was sent last.
    checked: Option<Instant>,
    /// Somebody waits for room.
    starved: bool,
    flights: mpsc::UnboundedSender<Flight>,
}

impl State {
    /// Whether it is open in this generation.
    pub fn check(&self, generation: u64) -> Result<(), NotOpen> {
        match self.phase {
            Phase::Open(_) if self.generation == generation => Ok(()),
            Phase::Open(_) => Err(NotOpen::Stale {
                current: self.generation,
            }),
            Phase::Reopening | Phase::Closing { .. } => Err(NotOpen::Closed),
        }
    }

    /// Whether a commit of as many parts as there may be would be taken. A shard that is not open says so by itself.
    pub fn has_room(&self, limits: &Limits) -> bool {
        !matches!(self.phase, Phase::Open(_))
            || (self.in_flight + limits.parts.min(MAX_IN_FLIGHT) <= MAX_IN_FLIGHT
                && self.tail.unarchived_bytes() < limits.tail_bytes)
    }

    fn fly(&mut self, sent: Sent, outcome: Option<oneshot::Sender<Outcome>>) {
        self.in_flight += sent.commit.events.len();
        // The channel is as bounded as what is in flight. Its receiver outlives the open phase.
        let _ = self.flights.send(Flight {
            commit: sent.commit,
            report: sent.report,
            sent: Instant::now(),
            covers: self.asked,
            outcome,
        });
    }

    /// Confirms the refusals that asked before this number was given out.
    fn confirm_below(&mut self, number: u64) {
        while self.waiting.front().is_some_and(|(asked, _)| *asked < number) {
            if let Some((_, waiting)) = self.waiting.pop_front() {
                let _ = waiting.send(());
            }
        }
    }
}

/// What the owner and its task share.
pub(super) struct Core {
    pub shard: Shard,
    pub port: Arc<dyn Port>,
    pub clock: Arc<dyn Clock>,
    pub limits: Limits,
    pub state: Mutex<State>,
    pub status: watch::Sender<Status>,
    /// A refusal waits while nothing is in flight.
    pub wake: Notify,
    /// There is room for commits again.
    roomy: Notify,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

/// A question to the log whether the head still is ours.
pub(super) struct Question {
    pub at: Checkpoint,
    below: u64,
}

impl Core {
    /// A shard that is not open yet.
    pub fn new(
        port: Arc<dyn Port>,
        archived: Checkpoint,
        identity: WriterIdentity,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Flight>) {
        let (flights, taken) = mpsc::unbounded_channel();
        let state = State {
            generation: 0,
            phase: Phase::Reopening,
            identity,
            tail: Tail::new(archived.next),
            recorded: DateTime::UNIX_EPOCH,
            in_flight: 0,
            waiting: VecDeque::new(),
            asked: 0,
            checked: None,
            starved: false,
            flights,
            acked: archived,
        };
        let core = Self {
            shard: state.acked.shard,
            port,
            clock,
            limits,
            state: Mutex::new(state),
            status: watch::Sender::new(Status::Reopening),
            wake: Notify::new(),
            roomy: Notify::new(),
        };
        (Arc::new(core), taken)
    }

    pub fn append_if(
        &self,
        generation: u64,
        parts: Vec<Draft>,
        still: impl FnOnce(&Tail) -> bool,
    ) -> Result<Option<Pending>, AppendError> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.check(generation)?;
        if !still(&state.tail) {
            return Ok(None);
        }
        let (in_flight, recorded) = (state.in_flight + parts.len(), now.max(state.recorded));
        let tail_is_full = state.tail.unarchived_bytes() >= self.limits.tail_bytes;
        let Phase::Open(session) = &mut state.phase else {
            return Err(NotOpen::Closed.into());
        };
        // What can never be taken is told apart from what can't be taken now.
        let prepared = session.prepare(parts, recorded, &self.limits)?;
        if in_flight > MAX_IN_FLIGHT || tail_is_full {
            return Err(AppendError::Full);
        }
        let sent = session.send(self.shard, prepared);
        state.recorded = recorded;
        let (outcome, pending) = Pending::new();
        state.tail.push(Arc::clone(&sent.commit), Some(pending.clone()));
        state.fly(sent, Some(outcome));
        Ok(Some(pending))
    }

    pub fn confirm(&self, generation: u64) -> Result<Confirmation, NotOpen> {
        let mut state = self.state.lock();
        state.check(generation)?;
        let (confirmed, confirmation) = Confirmation::new();
        let number = state.asked;
        state.asked += 1;
        state.waiting.push_back((number, confirmed));
        if state.in_flight == 0 {
            self.wake.notify_one();
        }
        Ok(confirmation)
    }

    /// Takes a report. Whether it was good; if not, the flight is yet to be settled.
    pub fn acknowledge(&self, flight: &mut Flight, report: &Report) -> bool {
        let first = flight.commit.events.first().map(|event| event.offset);
        if !matches!(report, Ok(offset) if Some(*offset) == first) {
            return false;
        }
        let mut state = self.state.lock();
        state.in_flight -= flight.commit.events.len();
        if let Some(last) = flight.commit.events.last() {
            state.acked.head = last.hash;
            state.acked.head_offset = Some(last.offset);
            state.acked.next = last.offset + 1;
            state.acked.session = Some((last.envelope.session, last.envelope.seq));
        }
        let next = state.acked.next;
        state.tail.settle(next);
        state.confirm_below(flight.covers);
        let roomy = self.makes_room(&mut state);
        drop(state);
        if roomy {
            self.roomy.notify_waiters();
        }
        if let Some(outcome) = committed(&flight.commit) {
            flight.tell(outcome);
        }
        true
    }

    /// The archive has everything below this offset.
    pub fn archived(&self, next: u64) {
        loop {
            let mut state = self.state.lock();
            let all = state.tail.archived(next, SLICE);
            let roomy = self.makes_room(&mut state);
            drop(state);
            if roomy {
                self.roomy.notify_waiters();
            }
            if all {
                return;
            }
        }
    }

    /// Whether those who wait for room are to be told that there is some: a good deal, since all of them will come.
    fn makes_room(&self, state: &mut State) -> bool {
        let roomy = state.starved && state.in_flight <= MAX_IN_FLIGHT / 4 * 3 && state.has_room(&self.limits);
        state.starved &= !roomy;
        roomy
    }

    /// Waits until there is room, or the shard is no longer open.
    pub async fn room(&self) {
        loop {
            let mut roomy = std::pin::pin!(self.roomy.notified());
            roomy.as_mut().enable();
            {
                let mut state = self.state.lock();
                if state.has_room(&self.limits) {
                    return;
                }
                state.starved = true;
            }
            roomy.await;
        }
    }

    /// What to ask the log, if refusals wait and nothing in flight will settle them.
    pub fn question(&self) -> Option<Question> {
        let state = self.state.lock();
        let open = matches!(state.phase, Phase::Open(_));
        (open && state.in_flight == 0 && !state.waiting.is_empty()).then(|| Question {
            at: state.acked.clone(),
            below: state.asked,
        })
    }

    /// When the next check may be sent.
    pub fn next_check(&self) -> Instant {
        let checked = self.state.lock().checked;
        checked.map_or_else(Instant::now, |checked| checked + CHECKS_APART)
    }

    /// Takes the keeper's answer. Whether the session stands.
    pub fn answered(&self, question: &Question, ours: Option<bool>) -> bool {
        let mut state = self.state.lock();
        let ours_since = state.in_flight > 0 || state.acked != question.at;
        match ours {
            Some(true) => state.confirm_below(question.below),
            // The head moved by what was sent since, whose report will settle it.
            _ if ours_since => {}
            Some(false) => return false,
            None => self.send_check(&mut state),
        }
        true
    }

    /// Appends one check for all refusals that wait.
    fn send_check(&self, state: &mut State) {
        let recorded = self.clock.now().max(state.recorded);
        if let Phase::Open(session) = &mut state.phase {
            state.checked = Some(Instant::now());
            let check = session.check(recorded);
            let sent = session.send(self.shard, vec![check]);
            state.recorded = recorded;
            state.fly(sent, None);
        }
    }

    /// Ends the session: nothing later is acknowledged from a report, and nobody appends.
    pub fn latch(&self) {
        let mut state = self.state.lock();
        state.generation += 1;
        state.in_flight = 0;
        let waiting = std::mem::take(&mut state.waiting);
        let ended = match state.phase {
            Phase::Open(_) => std::mem::replace(&mut state.phase, Phase::Reopening),
            // The owner ends; what was in flight is to be settled all the same.
            Phase::Reopening | Phase::Closing { .. } => {
                std::mem::replace(&mut state.phase, Phase::Closing { _session: None })
            }
        };
        state.starved = false;
        drop(state);
        self.roomy.notify_waiters();
        self.status.send_replace(Status::Reopening);
        // Whoever hears that a refusal was not confirmed finds the shard reopening, and waits for it.
        drop(waiting);
        // Outside the lock: an appender that goes away may have to wait for its threads.
        drop(ended);
    }

    /// The shard is open again: the barrier extends the chain, and these commits were read on the way to it.
    pub fn reopened(&self, session: Session, acked: Checkpoint, recorded: Option<DateTime<Utc>>, read: &[Arc<Commit>]) {
        let mut state = self.state.lock();
        state.generation += 1;
        state.tail.replace_in_flight(read, acked.next);
        state.acked = acked;
        state.recorded = state.recorded.max(recorded.unwrap_or(DateTime::UNIX_EPOCH));
        let generation = state.generation;
        if matches!(state.phase, Phase::Closing { .. }) {
            return;
        }
        state.phase = Phase::Open(session);
        drop(state);
        self.status.send_replace(Status::Open { generation });
    }

    /// Takes nothing more. What it has sent goes on.
    pub fn closing(&self) {
        let mut state = self.state.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Closing { _session: None });
        state.phase = match phase {
            Phase::Open(session) => Phase::Closing {
                _session: Some(session),
            },
            Phase::Reopening => Phase::Closing { _session: None },
            closing @ Phase::Closing { .. } => closing,
        };
        drop(state);
        self.roomy.notify_waiters();
    }

    /// Has ended.
    pub fn closed(&self, why: Closed) {
        let mut state = self.state.lock();
        let waiting = std::mem::take(&mut state.waiting);
        let phase = std::mem::replace(&mut state.phase, Phase::Closing { _session: None });
        drop(state);
        self.status.send_replace(Status::Closed(why));
        drop((waiting, phase));
    }
}
