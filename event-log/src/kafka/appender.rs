//! A session that appends to one shard. Nothing here waits, the end of the session included: it is called under the
//! shard's lock.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use rdkafka::{
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::BaseRecord,
};
use tokio::sync::oneshot;

use super::{
    client::log_error,
    producer::{Part, Producer, Waiting},
    settings::KafkaSettings,
};
use crate::{
    port::{Appender, LogError, Report},
    record::Record,
    shard::Shard,
};

/// An open session that appends to one shard.
pub(super) struct KafkaAppender {
    topic: String,
    partition: i32,
    producer: Arc<Producer>,
    /// Latches at the first bad report: what comes behind a failed record is chained on it and void, and sending it
    /// would only lengthen the log.
    failed: Arc<AtomicBool>,
}

impl KafkaAppender {
    pub(super) fn new(settings: &KafkaSettings, producer: Arc<Producer>, shard: Shard) -> Self {
        Self {
            topic: settings.topic_of(shard.family),
            partition: i32::from(shard.partition),
            producer,
            failed: Arc::new(AtomicBool::new(false)),
        }
    }

    fn send(&self, record: &Record, part: Part) -> Result<(), KafkaError> {
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
        self.producer.send(message)
    }
}

impl Appender for KafkaAppender {
    fn append(&mut self, commit: Vec<Record>) -> oneshot::Receiver<Report> {
        let (waiting, report) = Waiting::new(commit.len(), self.failed.clone());
        let waiting = Arc::new(Mutex::new(waiting));
        if self.failed.load(Ordering::Acquire) {
            let error = LogError::Unavailable("an earlier record of this session failed".into());
            waiting.lock().fail(error);
            return report;
        }
        for (index, record) in (0..).zip(&commit) {
            let part = Part {
                commit: waiting.clone(),
                index,
            };
            if let Err(error) = self.send(record, part) {
                waiting.lock().fail(log_error("queueing a record", &error));
                break;
            }
        }
        report
    }
}
