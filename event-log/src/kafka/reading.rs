//! Reading: one consumer for all the shards of a call, each from its exact offset. librdkafka fetches ahead within
//! bounds; who takes slowly is fetched for slowly.
//!
//! Kafka gives offsets also to what it shows no client: the mark that ends a transaction. Nobody may run transactions on
//! these topics, but one who does must not stop them for good: an offset that is passed over is read as an empty record,
//! which is void. Whether a record of ours is missing there, its successors tell (`chain_reader`).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer, StreamConsumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
    types::RDKafkaErrorCode,
};
use tokio::time::timeout;

use super::{
    client::{OffThread, Traced, log_error},
    settings::KafkaSettings,
    watermarks,
};
use crate::{
    envelope::header_name,
    port::{LogError, RawStream},
    record::{Record, Stored},
    shard::Shard,
};

/// How long nothing comes before it is looked whether the log goes on with what is not shown.
const QUIET: Duration = Duration::from_millis(100);

/// A shard that is being read.
struct Cursor {
    shard: Shard,
    topic: String,
    next: u64,
    /// Whatever lies below this and was not read will not be shown.
    passed: u64,
}

struct Reading {
    consumer: OffThread<StreamConsumer<Traced>>,
    observer: Arc<OffThread<BaseConsumer<Traced>>>,
    settings: Arc<KafkaSettings>,
    cursors: Vec<Cursor>,
    /// The cursor that moved last: records come in runs of one partition.
    last: usize,
    /// A record behind offsets that have none.
    held: Option<Stored>,
}

/// Opens a stream of these shards.
pub(super) fn open(
    settings: Arc<KafkaSettings>,
    observer: Arc<OffThread<BaseConsumer<Traced>>>,
    from: Vec<(Shard, u64)>,
) -> Result<RawStream, LogError> {
    let failed = |error: KafkaError| log_error("opening a reader", &error);
    let mut assignment = TopicPartitionList::with_capacity(from.len());
    let mut cursors = Vec::with_capacity(from.len());
    for (shard, next) in from {
        let topic = settings.topic_of(shard.family);
        let offset = i64::try_from(next).map_err(|_| out_of_range(shard, next, "Kafka has no such offset"))?;
        assignment
            .add_partition_offset(&topic, i32::from(shard.partition), Offset::Offset(offset))
            .map_err(failed)?;
        cursors.push(Cursor {
            shard,
            topic,
            next,
            passed: next,
        });
    }
    let consumer = StreamConsumer::from_config_and_context(&settings.consumer(), Traced).map_err(failed)?;
    consumer.assign(&assignment).map_err(failed)?;
    let reading = Reading {
        consumer: OffThread::new(consumer),
        observer,
        settings,
        cursors,
        last: 0,
        held: None,
    };
    Ok(stream::unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        let item = reading.next().await;
        let open = item.is_ok().then_some(reading);
        Some((item, open))
    })
    .boxed())
}

impl Reading {
    async fn next(&mut self) -> Result<(Shard, Stored), LogError> {
        // A reader that catches up never has to wait: without this it would keep its worker thread to itself.
        tokio::task::consume_budget().await;
        loop {
            if let Some(next) = self.hole().or_else(|| self.release()) {
                return Ok(next);
            }
            let Ok(received) = timeout(QUIET, self.consumer.recv()).await else {
                self.look_on()?;
                continue;
            };
            let error = match received {
                Ok(message) => {
                    let stored = stored(&message)?;
                    if let Some(cursor) = cursor_of(&mut self.cursors, &mut self.last, &message) {
                        cursor.passed = stored.offset;
                        self.held = Some(stored);
                    }
                    continue;
                }
                Err(error) => error,
            };
            match error.rdkafka_error_code() {
                // librdkafka reconnects by itself. Where it has no broker left it says so, and the stream ends: its
                // reader compares the head again before it goes on.
                Some(
                    RDKafkaErrorCode::BrokerTransportFailure
                    | RDKafkaErrorCode::OperationTimedOut
                    | RDKafkaErrorCode::Resolve
                    // Of the group that is only there in name.
                    | RDKafkaErrorCode::CoordinatorNotAvailable
                    | RDKafkaErrorCode::CoordinatorLoadInProgress
                    | RDKafkaErrorCode::NotCoordinator
                    | RDKafkaErrorCode::GroupAuthorizationFailed,
                ) => tracing::debug!(%error, "reading goes on"),
                Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                    return Err(self.lost().await);
                }
                _ => return Err(log_error("reading", &error)),
            }
        }
    }

    /// The next offset that has no record, as an empty one.
    fn hole(&mut self) -> Option<(Shard, Stored)> {
        let cursor = self.cursors.get_mut(self.last)?;
        (cursor.next < cursor.passed).then(|| {
            let record = Record::default();
            let offset = cursor.next;
            cursor.next += 1;
            (cursor.shard, Stored { offset, record })
        })
    }

    /// The record that was held back.
    fn release(&mut self) -> Option<(Shard, Stored)> {
        let stored = self.held.take()?;
        let cursor = self.cursors.get_mut(self.last)?;
        cursor.next = stored.offset + 1;
        cursor.passed = cursor.next;
        Some((cursor.shard, stored))
    }

    /// Looks whether librdkafka has gone on in a shard without showing anything.
    fn look_on(&mut self) -> Result<(), LogError> {
        let positions = self.consumer.position();
        let positions = positions.map_err(|error| log_error("reading", &error))?;
        for (index, cursor) in self.cursors.iter_mut().enumerate() {
            let position = positions.find_partition(&cursor.topic, i32::from(cursor.shard.partition));
            if let Some(Offset::Offset(position)) = position.map(|position| position.offset())
                && let Ok(position) = u64::try_from(position)
                && position > cursor.next
            {
                cursor.passed = position;
                self.last = index;
                break;
            }
        }
        Ok(())
    }

    /// librdkafka says that an offset is out of range, but not whose: the one that the log does not have.
    async fn lost(&self) -> LogError {
        for cursor in &self.cursors {
            match watermarks(&self.observer, &self.settings, cursor.shard).await {
                Ok((low, high)) if (low..=high).contains(&cursor.next) => {}
                Ok((low, high)) => {
                    let reason = format!("the log holds offsets from {low} to below {high}");
                    return out_of_range(cursor.shard, cursor.next, &reason);
                }
                Err(error) => return error,
            }
        }
        LogError::Unavailable("the log was cut short or changed hands while it was read".into())
    }
}

fn out_of_range(shard: Shard, offset: u64, reason: &str) -> LogError {
    LogError::Broken {
        shard,
        offset,
        reason: reason.to_owned(),
    }
}

/// The shard of a record, which becomes the one that moved last.
fn cursor_of<'c>(cursors: &'c mut [Cursor], last: &mut usize, message: &BorrowedMessage<'_>) -> Option<&'c mut Cursor> {
    let is_of =
        |cursor: &Cursor| i32::from(cursor.shard.partition) == message.partition() && cursor.topic == message.topic();
    if !cursors.get(*last).is_some_and(is_of) {
        *last = cursors.iter().position(is_of)?;
    }
    cursors.get_mut(*last)
}

fn stored(message: &BorrowedMessage<'_>) -> Result<Stored, LogError> {
    let offset = u64::try_from(message.offset())
        .map_err(|_| LogError::Unavailable("a record was read without its offset".into()))?;
    // rdkafka panics at a header name that is not UTF-8. Only a foreign record has one: it keeps its place, without
    // headers, and is void.
    let headers = catch_unwind(AssertUnwindSafe(|| headers(message))).unwrap_or_default();
    Ok(Stored {
        offset,
        record: Record {
            key: message.key().map(Bytes::copy_from_slice),
            headers,
            value: message.payload().map(Bytes::copy_from_slice),
        },
    })
}

type HeaderList = Vec<(std::borrow::Cow<'static, str>, Option<Bytes>)>;

/// The headers, their values side by side in one piece of memory.
fn headers(message: &BorrowedMessage<'_>) -> HeaderList {
    let Some(headers) = message.headers() else {
        return Vec::new();
    };
    let size = headers.iter().filter_map(|header| header.value).map(<[u8]>::len).sum();
    let mut values = Vec::with_capacity(size);
    for value in headers.iter().filter_map(|header| header.value) {
        values.extend_from_slice(value);
    }
    let values = Bytes::from(values);
    let mut start = 0;
    headers
        .iter()
        .map(|header| {
            let value = header.value.map(|value| {
                let place = start..start + value.len();
                start = place.end;
                values.slice(place)
            });
            (header_name(header.key), value)
        })
        .collect()
}
