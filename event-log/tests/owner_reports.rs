//! What an owner makes of reports, told by a test in whatever order and with whatever content: a log whose broker is the
//! test itself. Real brokers do all of this, but not on demand.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "owner_reports/broker.rs"]
mod broker;
#[allow(dead_code, reason = "each test binary uses its part of it")]
#[path = "chain_rule/scribe.rs"]
mod scribe;

use std::{sync::Arc, time::Duration};

use broker::Broker;
use domain::clock::SystemClock;
use event_log::{
    chain::genesis,
    checkpoint::Checkpoint,
    control::WriterIdentity,
    limits::{Limits, MAX_IN_FLIGHT},
    owner::{AppendError, NotOpen, Outcome, Owner, Pending},
    port::LogError,
};
use futures::{FutureExt, future::join_all};
use scribe::{SHARD, Scribe, draft, foreign};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

fn impatient() -> Limits {
    Limits {
        report_within: Duration::from_millis(400),
        answer_within: Duration::from_millis(800),
        ..Limits::default()
    }
}

async fn open(broker: &Broker) -> Arc<Owner> {
    open_within(broker, Limits::default()).await
}

async fn open_within(broker: &Broker, limits: Limits) -> Arc<Owner> {
    let identity = WriterIdentity {
        node: "one".to_owned(),
        software: "test".to_owned(),
        log: Uuid::nil(),
        assignment: 1,
    };
    let port = Arc::new(broker.clone());
    let owner = Owner::open(port, Checkpoint::start(SHARD), identity, Arc::new(SystemClock), limits);
    let owner = owner.await.unwrap();
    broker.hold();
    owner
}

fn send(owner: &Owner) -> Pending {
    owner.append(owner.generation(), vec![draft("ord_1", "sent")]).unwrap()
}

/// Lets the owner's task take what has been reported.
async fn settle() {
    sleep(Duration::from_millis(20)).await;
}

fn offset(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Committed { last, .. } => Some(*last),
        _ => None,
    }
}

fn failed() -> LogError {
    LogError::Unavailable("timed out".to_owned())
}

#[tokio::test]
async fn a_shard_whose_archive_is_far_behind_is_opened_however_long_the_reading_takes() {
    let broker = Broker::default();
    let mut scribe = Scribe::on(genesis(SHARD));
    for _ in 0..100 {
        broker.put(scribe.whole());
    }
    // Far longer than an answer may take, and never all at once.
    broker.read_slowly(30, Duration::from_millis(20));
    let owner = open_within(&broker, impatient()).await;
    assert_eq!(owner.checkpoint().head_offset, Some(100));
    let read = owner.tail(owner.generation(), |tail| tail.events("ord_1", "ord_1", 0).len());
    assert_eq!(read.unwrap(), 100);
}

#[tokio::test]
async fn reports_are_taken_in_the_order_sent() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let (first, second) = (send(&owner), send(&owner));
    let (one, two) = (broker.land(), broker.land());
    two.report(Ok(2));
    settle().await;
    assert!(second.clone().now_or_never().is_none());
    one.report(Ok(1));
    assert_eq!(offset(&first.await), Some(1));
    assert_eq!(offset(&second.await), Some(2));
}

#[tokio::test]
async fn nothing_later_is_acknowledged_from_a_report_once_one_failed() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let generation = owner.generation();
    let (first, second, third) = (send(&owner), send(&owner), send(&owner));
    broker.land().report(Ok(1));
    // The second is lost; the third, chained on it, lands where the second would have.
    broker.lose().report(Err(failed()));
    broker.land().report(Ok(2));
    broker.release();
    assert_eq!(offset(&first.await), Some(1));
    assert!(matches!(second.await, Outcome::Void));
    assert!(matches!(third.await, Outcome::Void));
    assert!(owner.opened().await.unwrap() > generation);
}

#[tokio::test]
async fn a_commit_whose_report_failed_is_committed_when_the_chain_holds_it() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let (first, second) = (send(&owner), send(&owner));
    broker.land().report(Err(failed()));
    broker.land().report(Ok(2));
    broker.release();
    assert_eq!(offset(&first.await), Some(1));
    assert_eq!(offset(&second.await), Some(2));
}

#[tokio::test]
async fn a_good_report_at_another_offset_does_not_acknowledge() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    // Somebody else opened the shard in between: the record lands, and is void.
    let (_, barrier) = Scribe::open(&owner.checkpoint());
    broker.put(barrier);
    let pending = send(&owner);
    broker.land().report(Ok(2));
    broker.release();
    assert!(matches!(pending.await, Outcome::Void));

    // A foreign record in between makes nothing void, and the chain proves it.
    let generation = owner.opened().await.unwrap();
    broker.hold();
    let at = broker.put(scribe::foreign());
    let pending = send(&owner);
    broker.land().report(Ok(at + 1));
    broker.release();
    assert_eq!(offset(&pending.await), Some(at + 1));
    assert!(owner.opened().await.unwrap() > generation);
}

#[tokio::test]
async fn a_report_that_is_lost_is_a_bad_one() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let pending = send(&owner);
    drop(broker.land());
    broker.release();
    assert_eq!(offset(&pending.await), Some(1));
}

#[tokio::test]
async fn an_outcome_is_unknown_only_when_the_deadline_passes_before_the_shard_is_open_again() {
    let broker = Broker::default();
    let owner = open_within(&broker, impatient()).await;
    let started = tokio::time::Instant::now();
    let pending = send(&owner);
    let silent = broker.land();
    let generation = owner.generation();
    // The broker holds the barriers back as well.
    assert!(matches!(pending.await, Outcome::Unknown(_)));
    assert!(started.elapsed() >= impatient().answer_within);
    assert_eq!(
        owner.append(generation, vec![draft("ord_1", "late")]).unwrap_err(),
        AppendError::NotOpen(NotOpen::Closed)
    );
    drop(silent);
    broker.release();
    let generation = owner.opened().await.unwrap();
    let found = owner.tail(generation, |tail| tail.events("ord_1", "ord_1", 0).len());
    assert_eq!(found.unwrap(), 1);
}

#[tokio::test]
async fn a_barrier_that_was_not_acknowledged_and_lands_later_does_no_harm() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let pending = send(&owner);
    broker.lose().report(Err(failed()));
    // The first barrier is reported as failed and lands all the same, behind the second.
    let barrier = broker.next_sent().await;
    barrier.fail_and_land_behind_next(failed());
    broker.release();
    assert!(matches!(pending.await, Outcome::Void));
    owner.opened().await.unwrap();
    // Its offset is not the next any more; the chain decides.
    assert!(offset(&send(&owner).await).is_some());
}

#[tokio::test]
async fn a_commit_sent_before_a_refusal_does_not_confirm_it() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let generation = owner.generation();
    let before = send(&owner);
    let confirmation = owner.confirm(generation).unwrap();
    let mut confirmation = Box::pin(confirmation);
    broker.land().report(Ok(1));
    assert_eq!(offset(&before.await), Some(1));
    settle().await;
    assert!(confirmation.as_mut().now_or_never().is_none());
    // The check that it made necessary.
    broker.land().report(Ok(2));
    confirmation.await.unwrap();

    let confirmation = owner.confirm(generation).unwrap();
    let after = send(&owner);
    settle().await;
    broker.land().report(Ok(3));
    assert_eq!(offset(&after.await), Some(3));
    confirmation.await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_not_confirmed_when_the_shard_is_reopened() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let confirmation = owner.confirm(owner.generation()).unwrap();
    settle().await;
    broker.lose().report(Err(failed()));
    broker.release();
    assert!(confirmation.await.is_err());
    owner.opened().await.unwrap();
}

#[tokio::test]
async fn no_more_is_in_flight_than_readers_forgive() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let generation = owner.generation();
    for _ in 0..MAX_IN_FLIGHT {
        send(&owner);
    }
    let full = owner.append(generation, vec![draft("ord_1", "one more")]);
    assert_eq!(full.unwrap_err(), AppendError::Full);
    broker.land().report(Ok(1));
    settle().await;
    send(&owner);
}

#[tokio::test]
async fn a_commit_tells_where_its_events_lie_also_around_a_foreign_record() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    let pending = owner
        .append(owner.generation(), vec![draft("ord_1", "part"); 2])
        .unwrap();
    let failed = LogError::Unavailable("another record lies between the parts of a commit".to_owned());
    broker.land_around(foreign()).report(Err(failed));
    broker.release();
    let Outcome::Committed {
        first, last, commit, ..
    } = pending.await
    else {
        panic!("it is in the log");
    };
    let offsets: Vec<u64> = commit.events.iter().map(|event| event.offset).collect();
    assert_eq!((first, last, offsets), (1, 3, vec![1, 3]));
}

#[tokio::test]
async fn refusals_one_after_another_share_what_checks_the_head() {
    let broker = Broker::default();
    let owner = open(&broker).await;
    broker.release();
    let (generation, before, begun) = (owner.generation(), broker.len(), Instant::now());
    let one_by_one = async || {
        let mut confirmed = 0;
        while begun.elapsed() < Duration::from_millis(300) {
            owner.confirm(generation).unwrap().await.unwrap();
            confirmed += 1;
        }
        confirmed
    };
    let confirmed = join_all((0..8).map(|_| one_by_one())).await;
    let checks = broker.len() - before;
    let most = usize::try_from(begun.elapsed().as_millis() / 5).unwrap() + 1;
    assert!(checks <= most, "{checks} records in {:?}", begun.elapsed());
    assert!(confirmed.iter().sum::<usize>() >= 4 * checks && checks > 5);
}
