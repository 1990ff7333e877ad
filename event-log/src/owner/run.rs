//! The owner's one task: takes reports in the order sent, asks the log when refusals wait for nothing in flight, and
//! reopens the shard.

use std::{collections::HashMap, pin::pin, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    select,
    sync::mpsc::UnboundedReceiver,
    time::{sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Closed, Outcome,
    opening::{Failure, HOLD_BACK, Takeover},
    pending::closed,
    state::{Core, Flight, Question, committed},
};
use crate::{
    commit::Commit,
    pause::jittered,
    port::{LogError, Report},
};

type Answer = BoxFuture<'static, (Question, Result<Option<bool>, LogError>)>;

/// Runs until the owner is told to stop and nothing is in flight, or the shard can't be reopened.
pub(super) async fn run(core: Arc<Core>, mut flights: UnboundedReceiver<Flight>, stop: CancellationToken) {
    let mut first: Option<Flight> = None;
    let mut asked: Option<Answer> = None;
    let mut closing = false;
    loop {
        if closing && first.is_none() && flights.is_empty() {
            return core.closed(Closed::Asked);
        }
        if asked.is_none() {
            asked = core.question().map(|question| ask(&core, question));
        }
        // A good report that is not the expected one: somebody else wrote.
        let mut cut_off = false;
        let stands = select! {
            biased;
            report = report_of(&core, first.as_mut()), if first.is_some() => {
                let mut flight = first.take();
                let good = flight.as_mut().is_none_or(|flight| core.acknowledge(flight, &report));
                if !good {
                    cut_off = report.is_ok();
                    tracing::warn!(shard = %core.shard, ?report, "a commit was not reported as expected, reopening");
                    first = flight;
                }
                good
            }
            Some(flight) = flights.recv(), if first.is_none() => {
                first = Some(flight);
                true
            }
            Some((question, answer)) = async { Some(asked.as_mut()?.await) }, if asked.is_some() => {
                asked = None;
                match answer {
                    Ok(ours) => core.answered(&question, ours),
                    Err(error) => {
                        tracing::warn!(shard = %core.shard, %error, "the head could not be confirmed, reopening");
                        false
                    }
                }
            }
            () = core.wake.notified() => true,
            () = stop.cancelled(), if !closing => {
                closing = true;
                core.closing();
                true
            }
        };
        if stands {
            continue;
        }
        core.latch();
        asked = None;
        let mut unsettled: Vec<Flight> = first.take().into_iter().collect();
        while let Ok(flight) = flights.try_recv() {
            unsettled.push(flight);
        }
        if let Err(why) = reopen(&core, unsettled, cut_off, &stop).await {
            return core.closed(why);
        }
    }
}

fn ask(core: &Arc<Core>, question: Question) -> Answer {
    let core = Arc::clone(core);
    async move {
        let answer = tokio::time::timeout(core.limits.report_within, core.port.confirm(&question.at)).await;
        let answer = answer.unwrap_or_else(|_| Err(LogError::Unavailable("no answer in time".into())));
        if matches!(answer, Ok(None)) {
            sleep_until(core.next_check()).await;
        }
        (question, answer)
    }
    .boxed()
}

/// The report of the first commit in flight; one that does not come in time is a bad one.
async fn report_of(core: &Core, flight: Option<&mut Flight>) -> Report {
    let Some(flight) = flight else {
        return std::future::pending().await;
    };
    let deadline = flight.sent + core.limits.report_within;
    match timeout_at(deadline, &mut flight.report).await {
        Ok(Ok(report)) => report,
        Ok(Err(_)) => Err(LogError::Unavailable("the report was lost".into())),
        Err(_) => Err(LogError::Unavailable("no report in time".into())),
    }
}

/// Reopens the shard and settles what was in flight. `Err`: the owner ends.
async fn reopen(
    core: &Core,
    mut unsettled: Vec<Flight>,
    cut_off: bool,
    stop: &CancellationToken,
) -> Result<(), Closed> {
    metrics::counter!("stoa_log_reopenings_total", "shard" => core.shard.to_string()).increment(1);
    let acked = core.state.lock().acked.clone();
    let mut takeover = Takeover::new(acked, true);
    let opened = {
        let mut opening = pin!(async {
            if cut_off {
                sleep(jittered(HOLD_BACK)).await;
            }
            core.take_over(&mut takeover, true).await
        });
        loop {
            let deadline = unsettled
                .iter()
                .find(|flight| flight.outcome.is_some())
                .map(|flight| flight.sent + core.limits.answer_within);
            select! {
                opened = &mut opening => break Some(opened),
                () = sleep_until(deadline.unwrap_or_else(tokio::time::Instant::now)), if deadline.is_some() => {
                    expire(core, &mut unsettled);
                }
                () = stop.cancelled(), if deadline.is_none() => break None,
            }
        }
    };
    match opened {
        Some(Ok(session)) => {
            let commits = takeover.commits.clone();
            core.reopened_by(takeover, session);
            settle(unsettled, &commits);
            Ok(())
        }
        // The other's barrier settles what was in flight as well as an own one: the head has moved on.
        Some(Err(Failure::Superseded { assignment })) => {
            settle(unsettled, &takeover.commits);
            Err(Closed::Superseded { assignment })
        }
        Some(Err(Failure::Log(error))) => {
            tracing::error!(shard = %core.shard, %error, "the shard can not be reopened");
            give_up(unsettled, &error);
            Err(Closed::Failed(error.to_string()))
        }
        None => {
            give_up(unsettled, &closed());
            Err(Closed::Asked)
        }
    }
}

/// Answers those whose deadline has passed: nobody knows yet.
fn expire(core: &Core, unsettled: &mut [Flight]) {
    let now = tokio::time::Instant::now();
    for flight in unsettled {
        if flight.sent + core.limits.answer_within <= now {
            flight.tell(Outcome::Unknown(LogError::Unavailable(
                "no answer before the deadline".into(),
            )));
        }
    }
}

/// What the chain holds is committed, the rest is void for good.
fn settle(unsettled: Vec<Flight>, read: &[Arc<Commit>]) {
    let read: HashMap<_, _> = read
        .iter()
        .filter_map(|commit| Some((commit.events.last()?.hash, commit)))
        .collect();
    for mut flight in unsettled {
        let hash = flight.commit.events.last().map(|event| event.hash);
        let found = hash
            .and_then(|hash| read.get(&hash))
            .and_then(|commit| committed(commit));
        flight.tell(found.unwrap_or(Outcome::Void));
    }
}

fn give_up(unsettled: Vec<Flight>, error: &LogError) {
    for mut flight in unsettled {
        flight.tell(Outcome::Unknown(error.clone()));
    }
}
