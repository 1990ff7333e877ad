//! A command from request to answer: steps under its shard's lock, and between them whatever has to be waited for.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use event_log::owner::{AppendError, Outcome};
use tokio::{
    task::coop::unconstrained,
    time::{sleep, timeout},
};

use crate::{
    Service,
    problem::{BUSY, Problem},
    receipt::{Answer, Receipt},
    request::Request,
    shard::{Fetched, Shard, Step, fingerprint},
};

/// How often the archive is asked for what one decision reads.
const LOADS: u32 = 3;
/// Before it is asked again.
const LOAD_PAUSE: Duration = Duration::from_millis(25);

/// A command under way.
pub(crate) struct Execution<'a> {
    service: &'a Service,
    shard: &'a Shard,
    request: Request,
    fetched: Fetched,
    started: Instant,
    /// Whether it waits for room in the log, as a line among many does, instead of being turned away.
    waits_for_room: bool,
    /// How often the archive was asked since the command was last decided.
    loads: u32,
    /// A commit of this command was sent and is void. Another writer may have cut it off that was asked for the same
    /// command: "not carried out" can no longer be said, only found out by the key.
    cut_off: bool,
}

/// A command that was decided, but for what only time can tell: see [`Execution::settle`].
#[derive(Debug)]
pub(crate) struct Decided(Result<Step, Problem>);

impl<'a> Execution<'a> {
    pub fn new(service: &'a Service, request: Request) -> Result<Self, Problem> {
        let shard = service.log.shard_of(request.entity.family, &request.target.scope);
        let shard = service
            .shards
            .get(&shard)
            .ok_or_else(|| Problem::unavailable("shard-not-here", format!("this node does not own {shard}"), 1))?;
        Ok(Self {
            service,
            shard,
            request,
            fetched: Fetched::default(),
            started: Instant::now(),
            waits_for_room: false,
            loads: 0,
            cut_off: false,
        })
    }

    /// Has it wait for room in the log as long as a decision may take: who sends many commands at once is held back by
    /// that, and need not send them again.
    #[must_use]
    pub fn waiting_for_room(self) -> Self {
        Self {
            waits_for_room: true,
            ..self
        }
    }

    /// Decides, waits, and decides again as long as what was appended turns out void.
    pub async fn run(mut self) -> Result<Answer, Problem> {
        loop {
            let decided = self.decide().await;
            if let Some(answer) = self.settle(decided).await {
                return self.finish(answer);
            }
        }
    }

    /// Fetches ahead what the decision is likely to need.
    pub async fn warm(&mut self) -> Result<(), Problem> {
        if let Some((wanted, missing)) = self.shard.wants(&self.request) {
            let loaded = self.service.loader.load(wanted).await?;
            self.shard.take_in(&self.request, &mut self.fetched, loaded, missing);
        }
        Ok(())
    }

    /// Takes the command to its decision.
    pub async fn decide(&mut self) -> Decided {
        self.loads = 0;
        Decided(self.step_by_step().await)
    }

    async fn step_by_step(&mut self) -> Result<Step, Problem> {
        loop {
            let left = self.left()?;
            let now = self.request.at.unwrap_or_else(|| self.service.clock.now());
            // cqrs-es's event sink holds a lock of tokio's, which says "not yet" to a task that has used up its share,
            // as one with many lines under way does, even where nobody else holds it.
            let attempt = unconstrained(async { self.shard.attempt(&mut self.request, &mut self.fetched, now) });
            match attempt.await? {
                Step::Load(wanted, missing) => {
                    // Where the archive and the tail do not meet the next moment they may; if not, somebody has to look.
                    match self.loads {
                        0 => {}
                        1..LOADS => sleep(LOAD_PAUSE * self.loads).await,
                        _ => return Err(never_met(&self.request.target.stream)),
                    }
                    self.loads += 1;
                    let loaded = timeout(left, self.service.loader.load(wanted)).await;
                    let loaded = loaded.map_err(|_| too_slow())??;
                    self.shard.take_in(&self.request, &mut self.fetched, loaded, missing);
                }
                Step::Stand(stores) => {
                    let user = self.request.viewer.user.ok_or_else(Problem::no_token)?;
                    let found = timeout(left, self.service.standings.of(user, &stores)).await;
                    self.fetched.standing = Some((found.map_err(|_| too_slow())??, false));
                }
                Step::Denied(problem, stores) => {
                    if matches!(self.fetched.standing, Some((_, true))) {
                        return Err(problem);
                    }
                    let user = self.request.viewer.user.ok_or_else(Problem::no_token)?;
                    let found = timeout(left, self.service.standings.fresh(user, &stores)).await;
                    self.fetched.standing = Some((found.map_err(|_| too_slow())??, true));
                }
                Step::Wait => match timeout(left, self.shard.owner.opened()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(closed)) => {
                        let detail = format!("{} is not written by this node: {closed:?}", self.shard.owner.shard());
                        return Err(Problem::unavailable("shard-not-here", detail, 2));
                    }
                    Err(_) => return Err(too_slow()),
                },
                Step::Full if self.waits_for_room => {
                    let room = timeout(left, self.shard.owner.room()).await;
                    room.map_err(|_| AppendError::Full)?;
                }
                Step::Full => return Err(AppendError::Full.into()),
                decided => return Ok(decided),
            }
        }
    }

    /// Waits for what becomes of a decision; `None`: it came to nothing, decide again.
    pub async fn settle(&mut self, decided: Decided) -> Option<Result<Answer, Problem>> {
        let (log, shard) = (self.service.log.id(), self.shard.owner.shard());
        match decided.0 {
            Ok(Step::Appended(pending)) => match pending.await {
                Outcome::Committed { commit, recorded, .. } => Some(Ok(Answer {
                    receipt: Receipt::of(log, shard, &commit.events, recorded),
                    replayed: false,
                })),
                Outcome::Void => {
                    self.shard.came_to_nothing(&self.request);
                    self.cut_off = true;
                    None
                }
                Outcome::Unknown(error) => Some(Err(Problem::outcome_unknown(error))),
            },
            Ok(Step::Repeated(mut commit, pending)) => {
                // First what became of it: a key whose only commit came to nothing has not been used.
                if let Some(pending) = pending {
                    match pending.await {
                        Outcome::Committed { commit: found, .. } => commit = found,
                        Outcome::Void => {
                            self.cut_off = true;
                            return None;
                        }
                        Outcome::Unknown(error) => return Some(Err(Problem::outcome_unknown(error))),
                    }
                }
                let asked = self.request.key.as_ref().map(|key| key.fingerprint.as_str());
                if fingerprint(&commit.events) != asked {
                    return Some(Err(key_reused()));
                }
                let recorded = commit.events.first()?.envelope.recorded;
                Some(Ok(Answer {
                    receipt: Receipt::of(log, shard, &commit.events, recorded),
                    replayed: true,
                }))
            }
            Ok(Step::Refused(problem, confirmation)) => confirmation.await.is_ok().then_some(Err(problem)),
            Err(problem) if self.cut_off && problem.status == StatusCode::SERVICE_UNAVAILABLE => {
                Some(Err(Problem::outcome_unknown(&problem.detail)))
            }
            Ok(Step::Denied(problem, _)) | Err(problem) => Some(Err(problem)),
            Ok(Step::Load(..) | Step::Stand(_) | Step::Wait | Step::Full) => None,
        }
    }

    /// Counts and tells how it ended.
    pub fn finish(&self, answer: Result<Answer, Problem>) -> Result<Answer, Problem> {
        let answer = answer.map_err(|problem| problem.of(self.request.id));
        let outcome = match &answer {
            Ok(answer) if answer.replayed => "replayed",
            Ok(_) => "accepted",
            Err(problem) if problem.status.is_server_error() => "failed",
            Err(_) => "refused",
        };
        metrics::counter!("stoa_commands_total", "outcome" => outcome).increment(1);
        metrics::histogram!("stoa_command_seconds").record(self.started.elapsed().as_secs_f64());
        let (command, stream) = (self.request.id, self.request.target.stream.as_str());
        match &answer {
            Ok(answer) => {
                tracing::debug!(%command, stream, name = self.request.name, outcome, position = %answer.receipt.position, "command");
            }
            // Not a fault, and told of each command there would be thousands.
            Err(problem) if problem.status.is_server_error() && problem.code != BUSY => {
                tracing::warn!(%command, stream, name = self.request.name, outcome, code = %problem.code, detail = problem.detail, "command");
            }
            Err(problem) => {
                tracing::debug!(%command, stream, name = self.request.name, outcome, code = %problem.code, "command");
            }
        }
        answer
    }

    /// What is left of the time that a decision may take.
    fn left(&self) -> Result<Duration, Problem> {
        self.service
            .settings
            .decide_within
            .checked_sub(self.started.elapsed())
            .ok_or_else(too_slow)
    }
}

fn never_met(stream: &str) -> Problem {
    tracing::error!(stream, "archive and tail do not meet, however often they are read");
    Problem::unavailable(
        "archive-not-met",
        "what the archive holds and what was appended since do not meet; the command was not carried out",
        2,
    )
}

fn too_slow() -> Problem {
    Problem::unavailable(
        "not-decided",
        "the command could not be decided in time; it was not carried out",
        1,
    )
}

fn key_reused() -> Problem {
    let detail = "this Idempotency-Key was used before, for another command";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", detail).at("Idempotency-Key")
}
