//! One session's producer, and how the reports of its records become the reports of commits.
//!
//! librdkafka queues, batches and retries in threads of its own; here one more thread waits for the reports. Nothing
//! that is called under the shard's lock waits for any of them, the end of the session included.

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
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer, ProducerContext},
};
use tokio::sync::oneshot;

use super::{
    client::{log_error, trace_line},
    settings::KafkaSettings,
};
use crate::{
    port::{Appender, LogError, Report},
    record::Record,
    shard::Shard,
};

/// How long the thread that takes reports sleeps when there are none: how late it notices that the session is over.
/// A report wakes it at once.
const NAP: Duration = Duration::from_millis(100);

/// An open session that appends to one shard.
pub(super) struct KafkaAppender {
    topic: String,
    partition: i32,
    /// `None` only while it is dropped: the thread must hold the last one, for the producer's end takes its time.
    producer: Option<Arc<BaseProducer<Reports>>>,
    over: Arc<AtomicBool>,
}

impl KafkaAppender {
    pub(super) fn open(settings: &KafkaSettings, shard: Shard) -> Result<Self, LogError> {
        let reports = Reports {
            failed: AtomicBool::new(false),
        };
        let producer = BaseProducer::from_config_and_context(&settings.producer(), reports)
            .map_err(|error| log_error("opening a producer", &error))?;
        let producer = Arc::new(producer);
        let over = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new().name(format!("acks-{shard}"));
        let (polled, stop) = (producer.clone(), over.clone());
        thread
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
            topic: settings.topic_of(shard.family),
            partition: i32::from(shard.partition),
            producer: Some(producer),
            over,
        })
    }

    fn send(&self, producer: &BaseProducer<Reports>, record: &Record, part: Part) -> Result<(), KafkaError> {
        let mut message: BaseRecord<'_, [u8], [u8], Box<Part>> =
            BaseRecord::with_opaque_to(&self.topic, Box::new(part)).partition(self.partition);
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        let headers = OwnedHeaders::new_with_capacity(record.headers.len());
        message.headers = Some(record.headers.iter().fold(headers, |headers, (name, value)| {
            headers.insert(Header {
                key: name.as_ref(),
                value: value.as_deref(),
            })
        }));
        producer.send(message).map_err(|(error, _)| error)
    }
}

impl Appender for KafkaAppender {
    fn append(&mut self, commit: Vec<Record>) -> oneshot::Receiver<Report> {
        let (sender, receiver) = oneshot::channel();
        let waiting = Arc::new(Mutex::new(Waiting {
            report: Some(sender),
            left: commit.len(),
            first: None,
        }));
        let Some(producer) = &self.producer else {
            return receiver;
        };
        // What comes behind a failed record is chained on it and void; sending it would only lengthen the log.
        let mut failure = producer
            .context()
            .failed
            .load(Ordering::Acquire)
            .then(|| LogError::Unavailable("an earlier record of this session failed".into()));
        for (index, record) in (0_u64..).zip(&commit) {
            if failure.is_some() {
                break;
            }
            let part = Part {
                commit: waiting.clone(),
                index,
            };
            if let Err(error) = self.send(producer, record, part) {
                producer.context().failed.store(true, Ordering::Release);
                failure = Some(log_error("queueing a record", &error));
            }
        }
        if let Some(failure) = failure {
            waiting.lock().resolve(Err(failure));
        }
        receiver
    }
}

impl Drop for KafkaAppender {
    fn drop(&mut self) {
        // In this order: once the thread sees that it is over, it holds the last producer.
        self.producer = None;
        self.over.store(true, Ordering::Release);
    }
}

/// A commit whose report is awaited.
struct Waiting {
    report: Option<oneshot::Sender<Report>>,
    left: usize,
    /// Where the first part lies, as the parts reported so far agree.
    first: Option<u64>,
}

impl Waiting {
    fn resolve(&mut self, report: Report) {
        if let Some(sender) = self.report.take() {
            // Nobody waits any more when the session has ended.
            let _ = sender.send(report);
        }
    }

    /// Takes the report of one part; says whether it was good.
    fn part(&mut self, index: u64, offset: Result<u64, LogError>) -> bool {
        let first = offset.and_then(|offset| {
            offset
                .checked_sub(index)
                .filter(|first| *self.first.get_or_insert(*first) == *first)
                .ok_or_else(|| LogError::Unavailable("another record lies between the parts of a commit".into()))
        });
        match first {
            Err(error) => {
                self.resolve(Err(error));
                false
            }
            Ok(first) => {
                self.left -= 1;
                if self.left == 0 {
                    self.resolve(Ok(first));
                }
                true
            }
        }
    }
}

/// What travels with a record through librdkafka and comes back with its report.
struct Part {
    commit: Arc<Mutex<Waiting>>,
    index: u64,
}

/// Takes the reports, on the session's thread.
struct Reports {
    failed: AtomicBool,
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
            Err((error, _)) => Err(log_error("appending", error)),
        };
        if !part.commit.lock().part(part.index, offset) {
            self.failed.store(true, Ordering::Release);
        }
    }
}
