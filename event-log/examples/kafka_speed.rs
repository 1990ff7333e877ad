//! How fast the Kafka adapter is, and what a producer per shard costs:
//!
//!     cargo run --release -p event-log --example kafka_speed
//!
//! On the broker that `STOA_TEST_KAFKA` names, or one of its own. The figures in
//! `docs/decisions/0002-a-producer-per-shard.md` come from here.

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "an example that measures"
)]

use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
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
use rdkafka::{
    ClientConfig, ClientContext, Message,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, ProducerContext, ThreadedProducer},
};
use tokio::sync::oneshot;

const SHARDS: u16 = 20;
const SPAN: Duration = Duration::from_secs(5);

/// Sends one record to a shard.
type Append = dyn Fn(u16, Record) -> oneshot::Receiver<Report> + Send + Sync;

#[tokio::main]
async fn main() -> Result<(), LogError> {
    let settings = KafkaSettings {
        topic_prefix: servers::shared::topic_prefix(),
        ..KafkaSettings::new(servers::shared::kafka().await)
    };
    let topology = Topology {
        partitions: [(Family::Order, SHARDS)].into(),
    };
    let log = KafkaLog::open(settings.clone(), topology).await?;

    let before = Footprint::now();
    let mut appenders = Vec::new();
    for partition in 0..SHARDS {
        appenders.push(Mutex::new(log.appender(shard(partition)).await?));
    }
    let many = per_shard(appenders);
    warm(&many).await?;
    before.report("20 producers").await;

    for (name, record) in [("300 bytes", small()), ("21 headers, 1 kB", large())] {
        println!("one shard, {name}");
        for lanes in [1, 16, 64, 256, 1024] {
            load(&many, 1, lanes, &record).await?;
        }
    }
    println!("a producer a shard, 20 shards");
    for lanes in [1, 64, 256, 1024] {
        load(&many, SHARDS, lanes, &small()).await?;
    }
    drop(many);

    let before = Footprint::now();
    let one = shared(&settings);
    warm(&one).await?;
    before.report("1 producer").await;
    println!("one producer for 20 shards");
    for lanes in [1, 64, 256, 1024] {
        load(&one, SHARDS, lanes, &small()).await?;
    }
    drop(one);
    read(&log).await
}

fn shard(partition: u16) -> Shard {
    Shard {
        family: Family::Order,
        partition,
    }
}

fn small() -> Record {
    let header = |name: &'static str, length| (Cow::Borrowed(name), Some(Bytes::from(vec![7; length])));
    Record {
        key: Some(Bytes::from_static(b"ord_01936b5e-4f3a-7c2e-9d10-0123456789ab")),
        headers: vec![header("stoa_prev", 32), header("stoa_hash", 32)],
        value: Some(Bytes::from(vec![b'x'; 178])),
    }
}

fn large() -> Record {
    let names = [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "ce_partitionkey",
        "ce_streamversion",
        "ce_commandid",
        "ce_correlationid",
        "ce_actor",
        "ce_part",
        "ce_session",
        "ce_seq",
        "ce_idempotencykey",
        "ce_bodyhmac",
        "ce_recordedtime",
        "content-type",
    ];
    let mut record = small();
    let filled = names.map(|name| (Cow::Borrowed(name), Some(Bytes::from(vec![b'1'; 27]))));
    record.headers.splice(0..0, filled);
    record
}

fn per_shard(appenders: Vec<Mutex<Box<dyn Appender>>>) -> Arc<Append> {
    Arc::new(move |shard, record| {
        let mut appender = appenders[usize::from(shard)].lock().expect("nobody panics under it");
        appender.append(vec![record])
    })
}

async fn warm(append: &Arc<Append>) -> Result<(), LogError> {
    for shard in 0..SHARDS {
        arrived(append(shard, small())).await?;
    }
    Ok(())
}

async fn arrived(report: oneshot::Receiver<Report>) -> Report {
    report
        .await
        .unwrap_or_else(|_| Err(LogError::Unavailable("never reported".into())))
}

/// Each lane sends its next record when its last one is acknowledged, as a client does.
async fn load(append: &Arc<Append>, shards: u16, lanes: u16, record: &Record) -> Result<(), LogError> {
    let started = Instant::now();
    let cpu = Footprint::now().cpu;
    let tasks: Vec<_> = (0..lanes)
        .map(|lane| {
            let (append, record) = (append.clone(), record.clone());
            tokio::spawn(async move {
                let mut micros = Vec::new();
                while started.elapsed() < SPAN {
                    let sent = Instant::now();
                    arrived(append(lane % shards, record.clone())).await?;
                    micros.push(sent.elapsed().as_micros());
                }
                Ok::<_, LogError>(micros)
            })
        })
        .collect();
    let mut micros = Vec::new();
    for task in tasks {
        micros.extend(task.await.expect("a lane does not panic")?);
    }
    let rate = micros.len() as u128 * 1000 / started.elapsed().as_millis();
    micros.sort_unstable();
    let at = |share: usize| micros[(micros.len() - 1) * share / 100];
    println!(
        "  {lanes:5} in flight: {rate:7} records/s, p50 {:5} µs, p99 {:6} µs, {:4.1} µs of CPU each",
        at(50),
        at(99),
        Footprint::now().cpu.saturating_sub(cpu).as_secs_f64() * 1e6 / micros.len() as f64,
    );
    Ok(())
}

async fn read(log: &KafkaLog) -> Result<(), LogError> {
    let mut total = 0;
    for partition in 0..SHARDS {
        total += log.end(shard(partition)).await?;
    }
    let mut stream = log.read((0..SHARDS).map(|one| (shard(one), 0)).collect()).await?;
    let started = Instant::now();
    let cpu = Footprint::now().cpu;
    let mut bytes = 0;
    for _ in 0..total {
        if let Some(item) = stream.next().await {
            bytes += item?.1.record.size();
        }
    }
    let took = started.elapsed();
    println!(
        "reading {total} records, {} MB: {:.0} records/s, {:.1} µs of CPU each",
        bytes >> 20,
        total as f64 / took.as_secs_f64(),
        Footprint::now().cpu.saturating_sub(cpu).as_secs_f64() * 1e6 / total as f64,
    );
    Ok(())
}

/// What this process takes.
struct Footprint {
    threads: u64,
    memory_kb: u64,
    cpu: Duration,
}

impl Footprint {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
                .unwrap_or(0)
        };
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // User and system time, the 14th and 15th, in hundredths of a second; names with spaces end at the bracket.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks: u64 = [11, 12]
            .iter()
            .filter_map(|at| fields.get(*at)?.parse::<u64>().ok())
            .sum();
        Self {
            threads: field("Threads:"),
            memory_kb: field("VmRSS:"),
            cpu: Duration::from_millis(ticks * 10),
        }
    }

    /// Prints what has come on top since, and what it takes when nothing happens.
    async fn report(self, name: &str) {
        let idle = Self::now();
        tokio::time::sleep(Duration::from_secs(10)).await;
        let now = Self::now();
        println!(
            "{name}: {} threads, {} kB, {:.1}% of a core when idle",
            now.threads.saturating_sub(self.threads),
            now.memory_kb.saturating_sub(self.memory_kb),
            now.cpu.saturating_sub(idle.cpu).as_secs_f64() * 10.0,
        );
    }
}

/// The alternative: one producer for all shards.
fn shared(settings: &KafkaSettings) -> Arc<Append> {
    let producer: ThreadedProducer<Direct> = ClientConfig::new()
        .set("bootstrap.servers", &settings.brokers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .create_with_context(Direct)
        .expect("the settings are valid");
    let topic = settings.topic_of(Family::Order);
    Arc::new(move |shard, record| {
        let (sender, receiver) = oneshot::channel();
        let mut message: BaseRecord<'_, [u8], [u8], _> =
            BaseRecord::with_opaque_to(&topic, Box::new(sender)).partition(i32::from(shard));
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        message.headers = Some(record.headers.iter().fold(
            rdkafka::message::OwnedHeaders::new_with_capacity(record.headers.len()),
            |headers, (name, value)| {
                headers.insert(rdkafka::message::Header {
                    key: name.as_ref(),
                    value: value.as_deref(),
                })
            },
        ));
        // A record that is not taken drops its sender, which is a bad report.
        let _ = producer.send(message);
        receiver
    })
}

struct Direct;

impl ClientContext for Direct {}

impl ProducerContext for Direct {
    type DeliveryOpaque = Box<oneshot::Sender<Report>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sender: Self::DeliveryOpaque) {
        let report = match result {
            Ok(message) => Ok(message.offset().unsigned_abs()),
            Err((error, _)) => Err(failed(error)),
        };
        let _ = sender.send(report);
    }
}

fn failed(error: &KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
