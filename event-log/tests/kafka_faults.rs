//! The Kafka adapter while its broker is killed, frozen or away. Each test has a broker of its own to harm.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    borrow::Cow,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::family::Family;
use event_log::{
    kafka::{KafkaLog, KafkaSettings},
    port::{Appender, LogError, Port, Report},
    record::Record,
    shard::{Shard, Topology},
};
use futures::StreamExt;
use tokio::{sync::oneshot, time::timeout};

const SHARD: Shard = Shard {
    family: Family::Order,
    partition: 0,
};
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(90);

fn settings(brokers: String) -> KafkaSettings {
    KafkaSettings {
        message_timeout: MESSAGE_TIMEOUT,
        request_timeout: Duration::from_secs(5),
        ..KafkaSettings::new(brokers)
    }
}

async fn open(brokers: String) -> Result<KafkaLog, LogError> {
    let topology = Topology {
        partitions: BTreeMap::from([(Family::Order, 1)]),
    };
    KafkaLog::open(settings(brokers), topology).await
}

fn numbered(number: usize) -> Record {
    Record {
        key: Some(Bytes::from_static(b"ord_1")),
        headers: vec![(Cow::Borrowed("ce_seq"), Some(Bytes::from(number.to_string())))],
        value: None,
    }
}

async fn settled(report: oneshot::Receiver<Report>) -> Option<u64> {
    timeout(PATIENCE, report).await.unwrap().ok().and_then(Result::ok)
}

/// Appends with a fresh session each time until one is acknowledged, as a writer does that reopens.
async fn append_when_it_is_back(log: &KafkaLog, record: Record) -> u64 {
    let started = Instant::now();
    loop {
        let mut appender = log.appender(SHARD).await.unwrap();
        if let Some(offset) = settled(appender.append(vec![record.clone()])).await {
            return offset;
        }
        assert!(started.elapsed() < PATIENCE, "the log does not come back");
    }
}

/// Every record of the log, by what it is numbered.
async fn numbers(log: &KafkaLog) -> Vec<usize> {
    let end = usize::try_from(log.end(SHARD).await.unwrap()).unwrap();
    let stream = log.read(vec![(SHARD, 0)]).await.unwrap();
    let read = stream.take(end).map(|item| {
        let (_, stored) = item.unwrap();
        let number = stored.record.header("ce_seq").unwrap();
        std::str::from_utf8(number).unwrap().parse::<usize>().unwrap()
    });
    timeout(PATIENCE, read.collect()).await.unwrap()
}

/// Appends until the fault has struck, then takes all reports: at least a hundred commits are in flight when it does.
async fn append_through(appender: &mut dyn Appender, fault: impl Future<Output = ()>) -> Vec<Option<u64>> {
    // The first one waits until the session is connected.
    let mut outcomes = vec![settled(appender.append(vec![numbered(0)])).await];
    let mut reports: Vec<_> = (1..100).map(|number| appender.append(vec![numbered(number)])).collect();
    let mut fault = std::pin::pin!(fault);
    loop {
        tokio::select! {
            biased;
            () = &mut fault => break,
            () = tokio::time::sleep(Duration::from_millis(1)) => {
                for _ in 0..100 {
                    reports.push(appender.append(vec![numbered(reports.len() + 1)]));
                }
            }
        }
    }
    for _ in 0..100 {
        reports.push(appender.append(vec![numbered(reports.len() + 1)]));
    }
    for report in reports {
        outcomes.push(settled(report).await);
    }
    outcomes
}

/// What was reported good lies where the report says.
fn all_acknowledged_lie_in(log: &[usize], outcomes: &[Option<u64>]) {
    let good = outcomes.iter().flatten().count();
    assert!(good > 0, "none was acknowledged: nothing is shown");
    assert!(good < outcomes.len(), "all were acknowledged: the fault did not strike");
    for (number, outcome) in outcomes.iter().enumerate() {
        if let Some(offset) = outcome {
            assert_eq!(log[usize::try_from(*offset).unwrap()], number);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_with_commits_in_flight_loses_nothing_acknowledged() {
    // A directory that outlives the broker: what is killed starts again on its data.
    let dir = tempfile::tempdir().unwrap();
    let mut kafka = servers::Kafka::start(dir.path(), servers::kafka::Settings::default())
        .await
        .unwrap();
    let log = open(kafka.brokers()).await.unwrap();
    let mut follower = log.read(vec![(SHARD, 0)]).await.unwrap();
    let mut appender = log.appender(SHARD).await.unwrap();
    let outcomes = append_through(appender.as_mut(), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        kafka.kill().await;
    })
    .await;
    drop(appender);

    // A reader that was following is told, after what it could still read.
    let told = timeout(PATIENCE, async {
        loop {
            match follower.next().await {
                Some(Ok(_)) => {}
                other => break other,
            }
        }
    });
    let told = told.await.expect("a reader is told that its broker has gone");
    assert!(matches!(told, Some(Err(LogError::Unavailable(_)))), "{told:?}");

    kafka.restart().await.unwrap();
    let offset = append_when_it_is_back(&log, numbered(1_000_000)).await;
    let read = numbers(&log).await;
    all_acknowledged_lie_in(&read, &outcomes);
    assert_eq!(read[usize::try_from(offset).unwrap()], 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_frozen_past_the_message_timeout_loses_nothing_acknowledged() {
    let mut kafka = servers::shared::start_kafka().await.unwrap();
    let log = open(kafka.brokers()).await.unwrap();
    let mut appender = log.appender(SHARD).await.unwrap();
    let frozen = Instant::now();
    let outcomes = append_through(appender.as_mut(), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        kafka.pause().await;
    })
    .await;
    // Every report came while the broker was frozen: nobody waits for it longer than was agreed.
    assert!(frozen.elapsed() < MESSAGE_TIMEOUT * 3, "{:?}", frozen.elapsed());

    // Neither does who gives the session up, nor who asks for the end of the log.
    let dropped = Instant::now();
    drop(appender);
    assert!(dropped.elapsed() < Duration::from_millis(50), "{:?}", dropped.elapsed());
    let end = timeout(Duration::from_secs(20), log.end(SHARD)).await.unwrap();
    assert!(matches!(end, Err(LogError::Unavailable(_))), "{end:?}");

    kafka.resume();
    let offset = append_when_it_is_back(&log, numbered(1_000_000)).await;
    let read = numbers(&log).await;
    all_acknowledged_lie_in(&read, &outcomes);
    assert_eq!(read[usize::try_from(offset).unwrap()], 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_a_broker_is_unavailable_and_not_unusable() {
    let opened = open("127.0.0.1:1".into()).await;
    assert!(matches!(opened, Err(LogError::Unavailable(_))), "{:?}", opened.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_threads_of_a_session_end_with_it() {
    let kafka = servers::shared::start_kafka().await.unwrap();
    let log = open(kafka.brokers()).await.unwrap();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let one_session = async || {
        let mut appender = log.appender(SHARD).await.unwrap();
        let offset = settled(appender.append(vec![numbered(0)])).await.unwrap();
        let mut stream = log.read(vec![(SHARD, offset)]).await.unwrap();
        stream.next().await.unwrap().unwrap();
    };
    one_session().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = threads();
    for _ in 0..20 {
        one_session().await;
    }
    let started = Instant::now();
    // Other tests of this binary run beside it and have threads of their own; twenty sessions would be over a hundred.
    while threads() > before + 60 {
        assert!(started.elapsed() < PATIENCE, "{} threads, {before} before", threads());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
