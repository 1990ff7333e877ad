//! What only the Postgres adapter promises, and the archive in front of it, against a real server. What both adapters
//! promise is in the conformance suite.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets an error has failed; the lint exempts test functions only"
)]

#[path = "postgres_adapter/archive.rs"]
mod archive;
#[path = "postgres_adapter/audit.rs"]
mod audit;
#[path = "postgres_adapter/event_store.rs"]
mod event_store;
#[path = "postgres_adapter/fixture.rs"]
mod fixture;

use std::time::Duration;

use event_log::{
    checkpoint::Checkpoint,
    kafka::KafkaSettings,
    log::{Log, LogSettings},
    port::LogError,
    shard::{Shard, Topology},
};
use fixture::{Hand, ORDERS, database};
use futures::StreamExt;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

async fn log() -> Log {
    Log::open(LogSettings::new(database().await)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_read_back_as_it_was_appended() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let commit = hand.commit(3);
    let report = log.port().appender(ORDERS).await.unwrap().append(commit.clone());
    assert_eq!(report.await.unwrap().unwrap(), 0);
    let read: Vec<_> = log
        .port()
        .read(vec![(ORDERS, 0)])
        .await
        .unwrap()
        .take(3)
        .collect()
        .await;
    for (offset, (read, appended)) in read.into_iter().zip(commit).enumerate() {
        let (shard, stored) = read.unwrap();
        assert_eq!((shard, stored.offset), (ORDERS, offset as u64));
        assert_eq!(stored.record, appended);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_wait_are_appended_together_at_consecutive_offsets() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    let reports = hand.append(appender.as_mut(), 5000).await;
    let offsets: Vec<u64> = reports.into_iter().map(Result::unwrap).collect();
    assert_eq!(offsets, (0..5000).collect::<Vec<u64>>());
    assert_eq!(log.port().end(ORDERS).await.unwrap(), 5000);
    let statements: i64 = sqlx::query_scalar("select count(distinct xmin::text) from log_record")
        .fetch_one(log.archive().pool())
        .await
        .unwrap();
    assert!(statements < 100, "{statements} statements for 5000 commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_racing_appenders_only_what_extends_the_chain_is_inserted() {
    let log = log().await;
    let mut hands = [Hand::new(ORDERS), Hand::new(ORDERS)];
    let mut appenders = [
        log.port().appender(ORDERS).await.unwrap(),
        log.port().appender(ORDERS).await.unwrap(),
    ];
    let [first_hand, second_hand] = &mut hands;
    let [first, second] = &mut appenders;
    let (first, second) = tokio::join!(
        first_hand.append(first.as_mut(), 500),
        second_hand.append(second.as_mut(), 500)
    );
    let won = |reports: &[Result<u64, LogError>]| reports.iter().all(Result::is_ok);
    let lost = |reports: &[Result<u64, LogError>]| reports.iter().all(Result::is_err);
    assert!(
        won(&first) && lost(&second) || lost(&first) && won(&second),
        "the loser's first commit is not chained on the winner's, and nothing behind it can be"
    );
    assert_eq!(log.port().end(ORDERS).await.unwrap(), 500);
    let winner = if won(&first) { &hands[0] } else { &hands[1] };
    assert_eq!(log.archive().checkpoint(ORDERS).await.unwrap().head, winner.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_chained_on_a_head_of_the_past_inserts_nothing() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    let mut late = Hand::new(ORDERS);
    hand.append(appender.as_mut(), 2).await;
    let mut other = log.port().appender(ORDERS).await.unwrap();
    assert!(late.append(other.as_mut(), 1).await[0].is_err());
    assert_eq!(log.port().end(ORDERS).await.unwrap(), 2);
    // The writer that was not cut off goes on.
    assert_eq!(*hand.append(appender.as_mut(), 1).await[0].as_ref().unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chained_on_a_commit_that_was_left_out_is_left_out_too() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    let good = appender.append(hand.commit(1));
    let _lost = hand.commit(1);
    let behind = appender.append(hand.commit(1));
    assert_eq!(good.await.unwrap().unwrap(), 0);
    assert!(behind.await.unwrap().is_err());
    assert_eq!(log.port().end(ORDERS).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_in_another_process_is_woken_without_polling() {
    let pool = database().await;
    let writing = Log::open(LogSettings::new(pool.clone())).await.unwrap();
    let reading = Log::open(LogSettings::new(pool)).await.unwrap();
    let mut records = reading.port().read(vec![(ORDERS, 0)]).await.unwrap();
    let mut hand = Hand::new(ORDERS);
    let mut appender = writing.port().appender(ORDERS).await.unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        hand.append(appender.as_mut(), 1).await[0].as_ref().unwrap();
        let appended = Instant::now();
        timeout(PATIENCE, records.next()).await.unwrap().unwrap().unwrap();
        slowest = slowest.max(appended.elapsed());
    }
    // By polling alone, twenty records take twenty seconds.
    assert!(slowest < Duration::from_millis(800), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_the_log_does_not_have_is_an_error() {
    let log = log().await;
    assert!(matches!(
        log.port().read(vec![(ORDERS, 1)]).await.err(),
        Some(LogError::Broken { offset: 1, .. })
    ));
    let nowhere = Shard {
        partition: 99,
        ..ORDERS
    };
    assert!(log.port().read(vec![(nowhere, 0)]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_taken_from_the_end_are_missed() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    hand.append(appender.as_mut(), 5).await;
    sqlx::query("delete from log_record where \"offset\" >= 3")
        .execute(log.archive().pool())
        .await
        .unwrap();
    let read: Vec<_> = log
        .port()
        .read(vec![(ORDERS, 0)])
        .await
        .unwrap()
        .take(4)
        .collect()
        .await;
    assert!(
        matches!(read[3], Err(LogError::Broken { offset: 3, .. })),
        "{:?}",
        read[3]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_goes_back_under_a_waiting_reader_is_noticed() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    hand.append(appender.as_mut(), 5).await;
    let mut records = log.port().read(vec![(ORDERS, 0)]).await.unwrap();
    for _ in 0..5 {
        records.next().await.unwrap().unwrap();
    }
    let mut restore = log.archive().pool().begin().await.unwrap();
    sqlx::query("delete from log_record where \"offset\" >= 3")
        .execute(&mut *restore)
        .await
        .unwrap();
    sqlx::query("update log_head set next_offset = 3 where family = 'order' and partition = 0")
        .execute(&mut *restore)
        .await
        .unwrap();
    restore.commit().await.unwrap();
    let next = timeout(PATIENCE, records.next()).await.unwrap().unwrap();
    assert!(matches!(next, Err(LogError::Broken { offset: 5, .. })), "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_confirmed_by_the_head_alone() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let before = Checkpoint::start(ORDERS);
    assert_eq!(log.port().confirm(&before).await.unwrap(), Some(true));
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    hand.append(appender.as_mut(), 1).await;
    assert_eq!(log.port().confirm(&before).await.unwrap(), Some(false));
    let now = log.archive().checkpoint(ORDERS).await.unwrap();
    assert_eq!((now.next, now.head, now.head_offset), (1, hand.head, Some(0)));
    assert_eq!(now.session, Some((hand.session, 0)));
    assert_eq!(log.port().confirm(&now).await.unwrap(), Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_other_partitions_or_another_keeper_is_refused() {
    let pool = database().await;
    let made = Log::open(LogSettings::new(pool.clone())).await.unwrap();
    let again = Log::open(LogSettings::new(pool.clone())).await.unwrap();
    assert_eq!(made.id(), again.id());
    let wider = LogSettings {
        topology: Topology::uniform(8),
        ..LogSettings::new(pool.clone())
    };
    let elsewhere = LogSettings {
        kafka: Some(KafkaSettings::new("127.0.0.1:1")),
        ..LogSettings::new(pool)
    };
    for (settings, expected) in [(wider, "4 partitions"), (elsewhere, "kept in postgres")] {
        match Log::open(settings).await {
            Err(LogError::Unusable(reason)) => assert!(reason.contains(expected), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_makes_no_log() {
    let pool = database().await;
    let only_look = LogSettings {
        make: false,
        ..LogSettings::new(pool.clone())
    };
    match Log::open(only_look.clone()).await {
        Err(LogError::Unusable(reason)) => assert!(reason.contains("no log"), "{reason}"),
        other => panic!("{other:?}"),
    }
    // Nothing was pinned: the log may still be made with another topology.
    let made = LogSettings {
        topology: Topology::uniform(8),
        ..LogSettings::new(pool)
    };
    Log::open(made.clone()).await.unwrap();
    Log::open(LogSettings { make: false, ..made }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_tables_says_what_is_to_be_done() {
    let url = servers::shared::postgres().await.database().await;
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    match Log::open(LogSettings::new(pool)).await {
        Err(LogError::Unusable(reason)) => assert!(reason.contains("stoa migrate"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
