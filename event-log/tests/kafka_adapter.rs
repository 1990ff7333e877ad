//! What only the Kafka adapter promises, against a real broker: reports, byte-for-byte records, and the topics it
//! refuses. What both adapters promise is in the conformance suite.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "kafka_adapter/raw.rs"]
mod raw;
#[allow(dead_code, reason = "each test binary uses its part of it")]
#[path = "chain_rule/scribe.rs"]
mod scribe;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{clock::SystemClock, family::Family};
use event_log::{
    chain_reader::{ChainReader, Check},
    checkpoint::Checkpoint,
    kafka::{KafkaLog, KafkaSettings},
    limits::Limits,
    owner::{Outcome, Owner, WriterIdentity},
    port::{LogError, Port, RawStream, Report},
    reader::{Reader, read_to},
    record::{Record, Stored},
    shard::{Shard, Topology, partition_of},
};
use futures::StreamExt;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{FutureProducer, FutureRecord, Producer},
};
use tokio::{sync::oneshot, time::timeout};
use uuid::Uuid;

const ORDERS: Shard = Shard {
    family: Family::Order,
    partition: 0,
};
const PATIENCE: Duration = Duration::from_mins(1);

async fn settings() -> KafkaSettings {
    KafkaSettings {
        topic_prefix: servers::shared::topic_prefix(),
        ..KafkaSettings::new(servers::shared::kafka().await)
    }
}

fn topology(partitions: u16) -> Topology {
    Topology {
        partitions: BTreeMap::from([(Family::Order, partitions)]),
    }
}

async fn open(settings: &KafkaSettings, partitions: u16) -> Result<KafkaLog, LogError> {
    KafkaLog::open(settings.clone(), topology(partitions)).await
}

fn numbered(number: usize) -> Record {
    Record {
        key: Some(Bytes::from_static(b"ord_1")),
        headers: vec![(Cow::Borrowed("ce_seq"), Some(Bytes::from(number.to_string())))],
        value: Some(Bytes::from(format!("{{\"number\":{number}}}"))),
    }
}

async fn good(report: oneshot::Receiver<Report>) -> u64 {
    timeout(PATIENCE, report).await.unwrap().unwrap().unwrap()
}

async fn take(stream: &mut RawStream, count: usize) -> Vec<(Shard, Stored)> {
    let mut taken = Vec::with_capacity(count);
    while taken.len() < count {
        taken.push(timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap());
    }
    taken
}

/// A client that knows nothing of Stoa.
fn foreign(settings: &KafkaSettings, extra: &[(&str, &str)]) -> FutureProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.brokers);
    for (name, value) in extra {
        config.set(*name, *value);
    }
    config.create().unwrap()
}

async fn create_topic(settings: &KafkaSettings, partitions: i32, config: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &settings.brokers)
        .create()
        .unwrap();
    let topic = settings.topic_of(Family::Order);
    let mut new = NewTopic::new(&topic, partitions, TopicReplication::Fixed(1));
    for (name, value) in config {
        new = new.set(name, value);
    }
    for result in admin.create_topics([&new], &AdminOptions::new()).await.unwrap() {
        result.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_reported_at_consecutive_offsets_in_the_order_given() {
    let settings = settings().await;
    let log = open(&settings, 1).await.unwrap();
    let mut appender = log.appender(ORDERS).await.unwrap();
    let sizes = [1, 3, 2, 1, 5];
    let commits: Vec<Vec<Record>> = sizes
        .iter()
        .cycle()
        .take(500)
        .scan(0, |next, size| {
            let commit = (*next..*next + size).map(numbered).collect();
            *next += size;
            Some(commit)
        })
        .collect();
    let reports: Vec<_> = commits.iter().map(|commit| appender.append(commit.clone())).collect();
    let mut expected = 0;
    for (commit, report) in commits.iter().zip(reports) {
        assert_eq!(good(report).await, expected);
        expected += commit.len() as u64;
    }
    assert_eq!(log.end(ORDERS).await.unwrap(), expected);

    let mut stream = log.read(vec![(ORDERS, 0)]).await.unwrap();
    let read = take(&mut stream, 1200).await;
    for (offset, ((shard, stored), written)) in read.iter().zip(commits.iter().flatten()).enumerate() {
        assert_eq!((*shard, stored.offset), (ORDERS, offset as u64));
        assert_eq!(&stored.record, written);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_comes_back_byte_for_byte_and_a_null_is_not_an_empty_string() {
    let settings = settings().await;
    let log = open(&settings, 1).await.unwrap();
    let bytes = |text: &'static [u8]| Some(Bytes::from_static(text));
    let odd: Bytes = (0..=255).collect();
    let records = vec![
        Record::default(),
        Record {
            key: bytes(b""),
            headers: vec![],
            value: bytes(b""),
        },
        Record {
            key: Some(odd.clone()),
            headers: vec![
                (Cow::Borrowed("ce_id"), None),
                (Cow::Borrowed("ce_id"), bytes(b"")),
                (Cow::Borrowed(""), bytes(b"nameless")),
                (Cow::Owned("überschrift".into()), Some(odd.clone())),
                (Cow::Borrowed("ce_id"), bytes(b"again")),
            ],
            value: Some(odd),
        },
        Record {
            key: None,
            headers: vec![(Cow::Borrowed("stoa_prev"), bytes(&[0; 32]))],
            value: None,
        },
    ];
    let mut appender = log.appender(ORDERS).await.unwrap();
    assert_eq!(good(appender.append(records.clone())).await, 0);
    let mut stream = log.read(vec![(ORDERS, 0)]).await.unwrap();
    let read: Vec<Record> = take(&mut stream, records.len())
        .await
        .into_iter()
        .map(|(_, stored)| stored.record)
        .collect();
    assert_eq!(read, records);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reader_follows_many_shards_each_from_its_own_offset() {
    let settings = settings().await;
    let log = open(&settings, 3).await.unwrap();
    let shard = |partition| Shard { partition, ..ORDERS };
    for partition in 0..3 {
        let mut appender = log.appender(shard(partition)).await.unwrap();
        good(appender.append((0..10).map(numbered).collect())).await;
    }
    let mut stream = log
        .read(vec![(shard(0), 0), (shard(1), 7), (shard(2), 10)])
        .await
        .unwrap();
    let mut read: BTreeMap<Shard, Vec<u64>> = BTreeMap::new();
    for (shard, stored) in take(&mut stream, 13).await {
        read.entry(shard).or_default().push(stored.offset);
    }
    assert_eq!(
        read,
        BTreeMap::from([(shard(0), (0..10).collect()), (shard(1), (7..10).collect())])
    );
    // And at the end it goes on.
    let mut appender = log.appender(shard(2)).await.unwrap();
    good(appender.append(vec![numbered(10)])).await;
    let (from, stored) = take(&mut stream, 1).await.remove(0);
    assert_eq!((from, stored.offset), (shard(2), 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_the_log_does_not_have_is_an_error() {
    let settings = settings().await;
    let log = open(&settings, 2).await.unwrap();
    let mut appender = log.appender(ORDERS).await.unwrap();
    good(appender.append((0..3).map(numbered).collect())).await;
    let other = Shard { partition: 1, ..ORDERS };
    let mut stream = log.read(vec![(other, 0), (ORDERS, 4)]).await.unwrap();
    let item = timeout(PATIENCE, stream.next()).await.unwrap().unwrap();
    assert!(
        matches!(
            &item,
            Err(LogError::Broken {
                shard: ORDERS,
                offset: 4,
                ..
            })
        ),
        "{item:?}"
    );
    assert!(stream.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_too_large_is_a_bad_report_at_once_and_latches_the_session() {
    let settings = settings().await;
    let log = open(&settings, 1).await.unwrap();
    let mut appender = log.appender(ORDERS).await.unwrap();
    let large = Record {
        value: Some(Bytes::from(vec![b' '; settings.max_message_bytes as usize + 1])),
        ..Record::default()
    };
    let mut report = appender.append(vec![numbered(0), large]);
    assert!(report.try_recv().unwrap().is_err());
    let mut report = appender.append(vec![numbered(1)]);
    assert!(report.try_recv().unwrap().is_err());
    // A fresh session is not held back by it.
    let mut fresh = log.appender(ORDERS).await.unwrap();
    good(fresh.append(vec![numbered(2)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_fails_leaves_the_others_of_its_producer_alone() {
    let settings = KafkaSettings {
        producers: 1,
        ..settings().await
    };
    let log = open(&settings, 2).await.unwrap();
    let mut failing = log.appender(ORDERS).await.unwrap();
    let neighbour = Shard { partition: 1, ..ORDERS };
    let mut standing = log.appender(neighbour).await.unwrap();
    let large = Record {
        value: Some(Bytes::from(vec![b' '; settings.max_message_bytes as usize + 1])),
        ..Record::default()
    };
    let before = standing.append(vec![numbered(0)]);
    assert!(failing.append(vec![large]).await.unwrap().is_err());
    let after = standing.append(vec![numbered(1)]);
    assert_eq!((good(before).await, good(after).await), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_transaction_left_open_hides_nothing() {
    let settings = settings().await;
    let log = open(&settings, 1).await.unwrap();
    let topic = settings.topic_of(Family::Order);
    let intruder = foreign(&settings, &[("transactional.id", &topic)]);
    intruder.init_transactions(PATIENCE).unwrap();
    intruder.begin_transaction().unwrap();
    let record = FutureRecord::<str, str>::to(&topic).partition(0).payload("foreign");
    intruder.send(record, PATIENCE).await.unwrap();

    let mut appender = log.appender(ORDERS).await.unwrap();
    assert_eq!(good(appender.append(vec![numbered(1)])).await, 1);
    assert_eq!(log.end(ORDERS).await.unwrap(), 2);
    let mut stream = log.read(vec![(ORDERS, 0)]).await.unwrap();
    let read = take(&mut stream, 2).await;
    assert_eq!(read[0].1.record.value.as_deref(), Some(&b"foreign"[..]));
    assert_eq!(read[1].1.record, numbered(1));
}

/// A transaction that ends; its record takes an offset, and the mark of its end one more that nobody is shown.
async fn foreign_transaction(settings: &KafkaSettings, commits: bool) {
    let topic = settings.topic_of(Family::Order);
    let intruder = foreign(settings, &[("transactional.id", &topic)]);
    tokio::task::block_in_place(|| intruder.init_transactions(PATIENCE)).unwrap();
    intruder.begin_transaction().unwrap();
    let record = FutureRecord::<str, str>::to(&topic).partition(0).payload("foreign");
    intruder.send(record, PATIENCE).await.unwrap();
    tokio::task::block_in_place(|| {
        if commits {
            intruder.commit_transaction(PATIENCE)
        } else {
            intruder.abort_transaction(PATIENCE)
        }
    })
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_of_a_foreign_transaction_is_read_as_an_empty_record() {
    let settings = settings().await;
    let log = open(&settings, 1).await.unwrap();
    let mut stream = log.read(vec![(ORDERS, 0)]).await.unwrap();
    foreign_transaction(&settings, true).await;
    // Behind the mark nothing comes; it is told all the same.
    let first = take(&mut stream, 2).await;
    assert_eq!(first[0].1.record.value.as_deref(), Some(&b"foreign"[..]));
    assert_eq!((first[1].1.offset, first[1].1.record.is_hole()), (1, true));

    foreign_transaction(&settings, false).await;
    let mut appender = log.appender(ORDERS).await.unwrap();
    assert_eq!(good(appender.append(vec![numbered(4)])).await, 4);
    for mut stream in [stream, log.read(vec![(ORDERS, 2)]).await.unwrap()] {
        let read = take(&mut stream, 3).await;
        let offsets: Vec<u64> = read.iter().map(|(_, stored)| stored.offset).collect();
        assert_eq!(offsets, [2, 3, 4]);
        assert!(read[1].1.record.is_hole());
        assert_eq!(read[2].1.record, numbered(4));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_transactions_stop_neither_writers_nor_readers() {
    let settings = settings().await;
    let port: Arc<dyn Port> = Arc::new(open(&settings, 1).await.unwrap());
    let identity = |assignment| WriterIdentity {
        node: "here".to_owned(),
        software: "test".to_owned(),
        log: Uuid::nil(),
        assignment,
    };
    let takes_over = |assignment| {
        let (port, clock) = (Arc::clone(&port), Arc::new(SystemClock));
        let begin = Checkpoint::start(ORDERS);
        async move {
            let opened = Owner::open(port, begin, identity(assignment), clock, Limits::default());
            timeout(PATIENCE, opened).await.unwrap().unwrap()
        }
    };
    let first = takes_over(1).await;
    let mut expected = Vec::new();
    for round in 0..6 {
        let generation = timeout(PATIENCE, first.opened()).await.unwrap().unwrap();
        let event = scribe::draft("ord_1", "mine");
        expected.push(event.cause.command);
        let pending = first.append(generation, vec![event]).unwrap();
        let outcome = timeout(PATIENCE, pending).await.unwrap();
        assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
        if round % 2 == 1 {
            foreign_transaction(&settings, round == 1).await;
        }
    }
    first.close().await;
    // The mark of the last one is at the end of the log.
    takes_over(2).await.close().await;
    foreign_transaction(&settings, true).await;

    let mut reader = Reader::new(Arc::clone(&port), vec![Checkpoint::start(ORDERS)], Check::Hashes);
    let mut found = Vec::new();
    while found.len() < expected.len() {
        let read = timeout(PATIENCE, reader.next()).await.unwrap().unwrap();
        if !read.commit.is_control() {
            found.push(read.commit.events[0].envelope.command);
        }
    }
    assert_eq!(found, expected);
    let mut chain = ChainReader::new(Checkpoint::start(ORDERS), Check::Hashes);
    let end = port.end(ORDERS).await.unwrap();
    read_to(port.as_ref(), &mut chain, end, |_| ()).await.unwrap();
    // A record and a mark each.
    assert_eq!((chain.next(), chain.tally().foreign), (end, 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lies_in_the_partition_that_kafkas_own_clients_choose() {
    const PARTITIONS: u16 = 7;
    let settings = settings().await;
    open(&settings, PARTITIONS).await.unwrap();
    let topic = settings.topic_of(Family::Order);
    let client = foreign(&settings, &[("partitioner", "murmur2_random")]);
    for number in 0..50 {
        let key = "k".repeat(number % 9) + &number.to_string();
        let record = FutureRecord::<str, str>::to(&topic).key(&key).payload("");
        let delivery = client.send(record, PATIENCE).await.unwrap();
        assert_eq!(
            delivery.partition,
            i32::from(partition_of(key.as_bytes(), PARTITIONS)),
            "{key}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_record_whose_header_is_not_text_keeps_its_place() {
    let settings = settings().await;
    let log = open(&settings, 1).await.unwrap();
    let mut appender = log.appender(ORDERS).await.unwrap();
    assert_eq!(good(appender.append(vec![numbered(0)])).await, 0);
    raw::produce(
        &settings.brokers,
        &settings.topic_of(Family::Order),
        b"\xff\xfe",
        b"foreign",
    );
    assert_eq!(good(appender.append(vec![numbered(2)])).await, 2);
    let mut stream = log.read(vec![(ORDERS, 0)]).await.unwrap();
    let read: Vec<Record> = take(&mut stream, 3)
        .await
        .into_iter()
        .map(|(_, stored)| stored.record)
        .collect();
    assert_eq!((&read[0], &read[2]), (&numbered(0), &numbered(2)));
    assert_eq!(read[1].value.as_deref(), Some(&b"foreign"[..]));
    assert_eq!(read[1].links(), None);
}

fn unusable(opened: Result<KafkaLog, LogError>, naming: &[&str]) {
    let error = opened.err().expect("the start is refused");
    let LogError::Unusable(reason) = &error else {
        panic!("{error:?}");
    };
    for name in naming {
        assert!(reason.contains(name), "{reason:?} does not name {name:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_another_partition_count_is_refused() {
    let settings = settings().await;
    open(&settings, 2).await.unwrap();
    open(&settings, 2).await.unwrap();
    let topic = settings.topic_of(Family::Order);
    unusable(open(&settings, 3).await, &[&topic, "2 partitions", "3"]);
    unusable(open(&settings, 1).await, &[&topic, "2 partitions", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_could_lose_records_are_refused_with_every_reason() {
    let settings = settings().await;
    create_topic(
        &settings,
        1,
        &[
            ("cleanup.policy", "compact"),
            ("retention.ms", "604800000"),
            ("retention.bytes", "1000000"),
            ("unclean.leader.election.enable", "true"),
            ("max.message.bytes", "1000"),
        ],
    )
    .await;
    let topic = settings.topic_of(Family::Order);
    unusable(
        open(&settings, 1).await,
        &[
            &topic,
            "cleanup.policy is compact",
            "retention.ms is 604800000",
            "retention.bytes is 1000000",
            "unclean.leader.election.enable is true",
            "max.message.bytes is 1000",
        ],
    );
}
