//! The producers, each shared by the sessions of several shards, and how the reports of records become the reports of
//! commits.
//!
//! librdkafka queues, batches and retries in threads of its own; here one more thread a producer waits for the reports.
//! A producer whose delivery failed once is retired: no new session uses it, for it would first send what is void by
//! now, and it ends with the last session that still does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use rdkafka::{
    Message,
    client::ClientContext,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseProducer, BaseRecord, ProducerContext},
    types::RDKafkaErrorCode,
};
use tokio::sync::oneshot;

use super::{
    client::{log_error, trace_line},
    settings::KafkaSettings,
};
use crate::{
    port::{LogError, Report},
    shard::Shard,
};

/// How long the thread that takes reports sleeps when there are none: how late it notices that it is over. A report
/// wakes it at once.
const NAP: Duration = Duration::from_millis(100);

/// The producers of a log, started when a session first needs them.
pub(super) struct Producers {
    slots: Vec<Mutex<Option<Arc<Producer>>>>,
}

impl Producers {
    pub(super) fn new(settings: &KafkaSettings) -> Self {
        Self {
            slots: (0..settings.producers.max(1)).map(|_| Mutex::default()).collect(),
        }
    }

    /// The producer of a shard's next session. The partitions of a topic are spread over all: a busy family uses every
    /// one.
    pub(super) fn of(&self, settings: &KafkaSettings, shard: Shard) -> Result<Arc<Producer>, LogError> {
        let slot = usize::from(shard.partition) % self.slots.len();
        let mut slot = self.slots[slot].lock();
        match slot.as_ref() {
            Some(producer) if !producer.is_retired() => Ok(producer.clone()),
            _ => {
                let fresh = Arc::new(Producer::start(settings)?);
                *slot = Some(fresh.clone());
                Ok(fresh)
            }
        }
    }
}

/// A producer and the thread that takes its reports.
pub(super) struct Producer {
    /// `None` only while it is dropped: the thread must hold the last one, for the producer's end takes its time.
    producer: Option<Arc<BaseProducer<Reports>>>,
    retired: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Producer {
    fn start(settings: &KafkaSettings) -> Result<Self, LogError> {
        let retired = Arc::new(AtomicBool::new(false));
        let reports = Reports {
            retired: retired.clone(),
        };
        let producer = BaseProducer::from_config_and_context(&settings.producer(), reports)
            .map_err(|error| log_error("starting a producer", &error))?;
        let producer = Arc::new(producer);
        let over = Arc::new(AtomicBool::new(false));
        let (polled, stop) = (producer.clone(), over.clone());
        thread::Builder::new()
            .name("kafka-acks".into())
            .spawn(move || {
                while !stop.load(Ordering::Acquire) {
                    polled.poll(NAP);
                }
                // The last one goes here. rdkafka purges what is queued, which gives its records their bad reports; what
                // is on its way may still land, and is void if somebody reopened meanwhile.
                drop(polled);
            })
            .map_err(|error| LogError::Unavailable(format!("starting a thread: {error}")))?;
        Ok(Self {
            producer: Some(producer),
            retired,
            over,
        })
    }

    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Queues a record; never blocks.
    pub(super) fn send(&self, message: BaseRecord<'_, [u8], [u8], Box<Part>>) -> Result<(), KafkaError> {
        let Some(producer) = &self.producer else {
            return Err(KafkaError::Canceled);
        };
        producer.send(message).map_err(|(error, _)| {
            let of_the_record = matches!(
                error.rdkafka_error_code(),
                Some(RDKafkaErrorCode::QueueFull | RDKafkaErrorCode::MessageSizeTooLarge)
            );
            if !of_the_record {
                self.retired.store(true, Ordering::Release);
            }
            error
        })
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // In this order: once the thread sees that it is over, it holds the last one.
        self.producer = None;
        self.over.store(true, Ordering::Release);
    }
}

/// A commit whose report is awaited.
pub(super) struct Waiting {
    report: Option<oneshot::Sender<Report>>,
    /// The session's latch.
    failed: Arc<AtomicBool>,
    left: usize,
    /// Where the first part lies, as the parts reported so far agree.
    first: Option<u64>,
}

impl Waiting {
    pub(super) fn new(parts: usize, failed: Arc<AtomicBool>) -> (Self, oneshot::Receiver<Report>) {
        let (sender, receiver) = oneshot::channel();
        let waiting = Self {
            report: Some(sender),
            failed,
            left: parts,
            first: None,
        };
        (waiting, receiver)
    }

    pub(super) fn fail(&mut self, error: LogError) {
        self.failed.store(true, Ordering::Release);
        self.resolve(Err(error));
    }

    fn resolve(&mut self, report: Report) {
        if let Some(sender) = self.report.take() {
            // Nobody waits any more when the session has ended.
            let _ = sender.send(report);
        }
    }

    fn part(&mut self, index: u64, offset: Result<u64, LogError>) {
        let first = offset.and_then(|offset| {
            offset
                .checked_sub(index)
                .filter(|first| *self.first.get_or_insert(*first) == *first)
                .ok_or_else(|| LogError::Unavailable("another record lies between the parts of a commit".into()))
        });
        match first {
            Err(error) => self.fail(error),
            Ok(first) => {
                self.left -= 1;
                if self.left == 0 {
                    self.resolve(Ok(first));
                }
            }
        }
    }
}

/// What travels with a record through librdkafka and comes back with its report.
pub(super) struct Part {
    pub(super) commit: Arc<Mutex<Waiting>>,
    pub(super) index: u64,
}

/// Takes the reports, on the producer's thread.
struct Reports {
    retired: Arc<AtomicBool>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        trace_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Part>;

    fn delivery(&self, result: &DeliveryResult<'_>, part: Box<Part>) {
        let offset = match result {
            Ok(message) => u64::try_from(message.offset())
                .map_err(|_| LogError::Unavailable("a record was reported without its offset".into())),
            Err((error, _)) => {
                self.retired.store(true, Ordering::Release);
                Err(log_error("appending", error))
            }
        };
        part.commit.lock().part(part.index, offset);
    }
}
