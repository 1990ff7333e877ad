//! The archiver, from a real Kafka into a real Postgres.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets an error has failed; the lint exempts test functions only"
)]

#[path = "postgres_adapter/fixture.rs"]
mod fixture;

use std::time::Duration;

use bytes::Bytes;
use event_log::{
    archiver::Archiver,
    audit,
    chain_reader::Check,
    feed::Feed,
    kafka::KafkaSettings,
    log::{Log, LogSettings},
    port::{Appender, LogError},
    record::Record,
    shard::Shard,
};
use fixture::{Hand, ORDERS, database};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_mins(1);
const LISTINGS: Shard = Shard {
    family: domain::family::Family::Listing,
    partition: 1,
};

async fn log() -> Log {
    let kafka = KafkaSettings {
        topic_prefix: servers::shared::topic_prefix(),
        ..KafkaSettings::new(servers::shared::kafka().await)
    };
    let settings = LogSettings {
        kafka: Some(kafka),
        ..LogSettings::new(database().await)
    };
    Log::open(settings).await.unwrap()
}

async fn archiver(log: &Log) -> Archiver {
    let feed = Feed::start(log, Check::Hashes).await.unwrap();
    Archiver::new(log, feed, log.archive().pool().clone())
}

async fn append(appender: &mut dyn Appender, commit: Vec<Record>) -> u64 {
    timeout(PATIENCE, appender.append(commit))
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

async fn archived(log: &Log, shard: Shard, offset: u64) {
    timeout(PATIENCE, log.archive().watch().reached(shard, offset))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_valid_record_is_archived_once_whatever_becomes_of_the_archivers() {
    let log = log().await;
    let writing = tokio::spawn({
        let log = log.clone();
        async move {
            let mut hand = Hand::new(ORDERS);
            let mut other = Hand::new(LISTINGS);
            let mut appender = log.port().appender(ORDERS).await.unwrap();
            let mut other_appender = log.port().appender(LISTINGS).await.unwrap();
            let mut foreign = Record {
                value: Some(Bytes::from_static(b"{}")),
                ..Record::default()
            };
            for number in 0..400_u32 {
                append(appender.as_mut(), hand.commit(3)).await;
                other.append(other_appender.as_mut(), 1).await[0].as_ref().unwrap();
                if number % 100 == 50 {
                    append(appender.as_mut(), vec![foreign.clone()]).await;
                    // Chained on what is no longer the head.
                    let _ = foreign.chain_on(other.head);
                    append(appender.as_mut(), vec![std::mem::take(&mut foreign)]).await;
                }
            }
        }
    });
    // Cut off at any moment, and two at once.
    while !writing.is_finished() {
        let one = tokio::spawn(archiver(&log).await.run(CancellationToken::new()));
        let two = tokio::spawn(archiver(&log).await.run(CancellationToken::new()));
        sleep(Duration::from_millis(400)).await;
        one.abort();
        sleep(Duration::from_millis(100)).await;
        two.abort();
    }
    writing.await.unwrap();
    let stop = CancellationToken::new();
    let last = tokio::spawn(archiver(&log).await.run(stop.clone()));
    archived(&log, ORDERS, 1207).await;
    archived(&log, LISTINGS, 399).await;
    stop.cancel();
    last.await.unwrap().unwrap();

    let report = audit::verify(&log, |_| ()).await.unwrap();
    assert_eq!(
        (report.total().records, report.total().commits, report.total().void),
        (1608, 800, 8)
    );
    assert_eq!(report.shards.iter().map(|shard| shard.archived).sum::<u64>(), 1600);
    // What the audit of the copy finds is what was done to the copy.
    sqlx::query("delete from log_record where family = 'listing' and \"offset\" = 77")
        .execute(log.archive().pool())
        .await
        .unwrap();
    match audit::verify(&log, |_| ()).await {
        Err(LogError::Broken { shard, offset, .. }) => assert_eq!((shard, offset), (LISTINGS, 77)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_chain_stops_its_shard_and_no_other() {
    let log = log().await;
    let stop = CancellationToken::new();
    let archiving = tokio::spawn(archiver(&log).await.run(stop.clone()));
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    hand.append(appender.as_mut(), 1).await[0].as_ref().unwrap();
    archived(&log, ORDERS, 0).await;
    let mut forged = hand.commit(1);
    forged[0].value = Some(Bytes::from_static(b"{\"number\":99}"));
    append(appender.as_mut(), forged).await;
    hand.append(appender.as_mut(), 1).await[0].as_ref().unwrap();

    let mut other = Hand::new(LISTINGS);
    let mut other_appender = log.port().appender(LISTINGS).await.unwrap();
    for offset in 0..3 {
        other.append(other_appender.as_mut(), 1).await[0].as_ref().unwrap();
        archived(&log, LISTINGS, offset).await;
    }
    assert_eq!(log.archive().checkpoint(ORDERS).await.unwrap().next, 1);
    stop.cancel();
    archiving.await.unwrap().unwrap();
    match audit::verify(&log, |_| ()).await {
        Err(LogError::Broken { shard, offset, .. }) => assert_eq!((shard, offset), (ORDERS, 1)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_event_is_the_one_in_the_topic() {
    let log = log().await;
    let stop = CancellationToken::new();
    let archiving = tokio::spawn(archiver(&log).await.run(stop.clone()));
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    append(appender.as_mut(), hand.commit(2)).await;
    archived(&log, ORDERS, 1).await;
    let loaded = log
        .archive()
        .load(ORDERS, "ord_1", &["ord_1-1".to_owned()], &hand.commands)
        .await
        .unwrap();
    assert_eq!(loaded.next, 2);
    assert_eq!(loaded.streams["ord_1-1"][0].hash, hand.head);
    assert_eq!(loaded.commands[&hand.commands[0]].len(), 2);
    stop.cancel();
    archiving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_can_not_be_used_is_tried_again_and_the_archiver_says_so_meanwhile() {
    let log = log().await;
    let stop = CancellationToken::new();
    let archiver = archiver(&log).await;
    let health = archiver.health();
    let archiving = tokio::spawn(archiver.run(stop.clone()));
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    append(appender.as_mut(), hand.commit(1)).await;
    archived(&log, ORDERS, 0).await;
    assert_eq!(health.trouble(), None);

    let pool = log.archive().pool();
    sqlx::query("alter table log_record rename to taken_away")
        .execute(pool)
        .await
        .unwrap();
    append(appender.as_mut(), hand.commit(1)).await;
    let told = async {
        loop {
            match health.trouble() {
                Some(trouble) => break trouble,
                None => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let trouble = timeout(PATIENCE, told).await.unwrap();
    assert!(trouble.contains("log_record"), "{trouble}");
    sleep(Duration::from_millis(200)).await;
    assert!(!archiving.is_finished());

    sqlx::query("alter table taken_away rename to log_record")
        .execute(pool)
        .await
        .unwrap();
    archived(&log, ORDERS, 1).await;
    stop.cancel();
    archiving.await.unwrap().unwrap();
    assert!(health.trouble().unwrap().contains("ended"));
}
