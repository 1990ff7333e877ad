//! A session: what one appender sends, numbered from 0 and chained record on record.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::id;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    chain::Hash,
    checkpoint::Checkpoint,
    commit::{Commit, Draft, StoredEvent},
    control::{self, Opened, WriterIdentity},
    envelope::{CHECKED, Envelope, OPENED, Part},
    limits::Limits,
    owner::AppendError,
    port::{Appender, Report},
    record::{HASH_HEADER, PREV_HEADER, Record},
    shard::Shard,
};

/// What chaining adds to a record's size: two headers of 32 bytes.
const LINKS: usize = PREV_HEADER.len() + HASH_HEADER.len() + 64;

/// A record that is not yet chained, and what it says.
pub(super) struct Unchained {
    scope: Option<String>,
    envelope: Envelope,
    record: Record,
}

/// A commit that was sent.
pub(super) struct Sent {
    /// The commit, with the offsets that it has if its report is good.
    pub commit: Arc<Commit>,
    pub report: oneshot::Receiver<Report>,
}

pub(super) struct Session {
    id: Uuid,
    seq: u64,
    tip: Hash,
    next_offset: u64,
    appender: Box<dyn Appender>,
}

impl Session {
    /// A session whose barrier will be chained on this checkpoint's head, at the offset where the reader found the end.
    pub fn new(appender: Box<dyn Appender>, at: &Checkpoint, end: u64) -> Self {
        Self {
            id: id::generate(),
            seq: 0,
            tip: at.head,
            next_offset: end,
            appender,
        }
    }

    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The barrier lay elsewhere than expected: what comes next follows it there.
    pub fn continue_at(&mut self, next_offset: u64) {
        self.next_offset = next_offset;
    }

    /// The records of a commit, checked for their size before anything is chained.
    pub fn prepare(
        &self,
        parts: Vec<Draft>,
        recorded: DateTime<Utc>,
        limits: &Limits,
    ) -> Result<Vec<Unchained>, AppendError> {
        let limit = limits.parts.min(usize::from(u16::MAX));
        let of = match u16::try_from(parts.len()) {
            Ok(0) => return Err(AppendError::Empty),
            Ok(of) if parts.len() <= limit => of,
            _ => {
                let parts = parts.len();
                return Err(AppendError::TooManyParts { parts, limit });
            }
        };
        let numbered = (1..=of).zip(self.seq..).zip(parts);
        numbered
            .map(|((number, seq), draft)| {
                let scope = draft.scope.clone();
                let value = draft.value.clone();
                let envelope = draft.into_envelope(Part { number, of }, self.id, seq, recorded);
                let record = envelope.to_record(Some(&scope), value);
                let (bytes, limit) = (record.size() + LINKS, limits.record_bytes);
                if bytes > limit {
                    return Err(AppendError::TooLarge { bytes, limit });
                }
                Ok(Unchained {
                    scope: Some(scope),
                    envelope,
                    record,
                })
            })
            .collect()
    }

    /// The barrier that opens this session.
    pub fn barrier(&self, identity: &WriterIdentity, at: &Checkpoint, recorded: DateTime<Utc>) -> Unchained {
        let opened = Opened::new(self.id, identity, at);
        let value = serde_json::to_vec(&opened).expect("a struct of texts and numbers is JSON");
        self.control(OPENED, recorded, value)
    }

    /// The record that settles that the head still is this session's.
    pub fn check(&self, recorded: DateTime<Utc>) -> Unchained {
        self.control(CHECKED, recorded, b"{}".to_vec())
    }

    fn control(&self, event_type: &'static str, recorded: DateTime<Utc>, value: Vec<u8>) -> Unchained {
        let envelope = control::envelope(event_type, self.id, self.seq, recorded);
        Unchained {
            scope: None,
            record: envelope.to_record(None, value),
            envelope,
        }
    }

    /// Chains a commit on what was sent before, and sends it.
    pub fn send(&mut self, shard: Shard, parts: Vec<Unchained>) -> Sent {
        let mut events = Vec::with_capacity(parts.len());
        let mut records = Vec::with_capacity(parts.len());
        for part in parts {
            let Unchained {
                scope,
                envelope,
                mut record,
            } = part;
            self.tip = record.chain_on(self.tip);
            events.push(StoredEvent {
                shard,
                offset: self.next_offset,
                scope,
                envelope,
                value: record.value.clone().unwrap_or_default(),
                hash: self.tip,
            });
            records.push(record);
            self.next_offset += 1;
            self.seq += 1;
        }
        Sent {
            commit: Arc::new(Commit { shard, events }),
            report: self.appender.append(records),
        }
    }
}
