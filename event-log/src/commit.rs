//! What a reader sees: commits. The parts of a commit extend the chain together or not at all.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    chain::Hash,
    envelope::{Envelope, InvalidEnvelope, Part},
    record::Stored,
    shard::Shard,
};

/// A valid record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The shard.
    pub shard: Shard,
    /// The offset.
    pub offset: u64,
    /// The scope; `None` for the writer's own records.
    pub scope: Option<String>,
    /// What the headers say.
    pub envelope: Envelope,
    /// The event's JSON, as it was hashed.
    pub value: Bytes,
    /// Its link in the chain.
    pub hash: Hash,
}

/// Events that were appended together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The shard.
    pub shard: Shard,
    /// The events, part by part; never empty.
    pub events: Vec<StoredEvent>,
}

impl Commit {
    /// The offset of the last part: the commit's position.
    pub fn offset(&self) -> u64 {
        self.events.last().map_or(0, |event| event.offset)
    }

    /// Whether it is a writer's own record (a barrier or a check), which no projection reads.
    pub fn is_control(&self) -> bool {
        self.events.iter().all(|event| event.scope.is_none())
    }
}

impl StoredEvent {
    /// Reads a valid record.
    pub fn of(shard: Shard, stored: &Stored) -> Result<Self, InvalidEnvelope> {
        let Stored { offset, record } = stored;
        let scope = match &record.key {
            None => None,
            Some(key) => Some(std::str::from_utf8(key).map_err(|_| InvalidEnvelope("key"))?.to_owned()),
        };
        let (_, hash) = record.links().ok_or(InvalidEnvelope("stoa_hash"))?;
        let value = record.value.clone().unwrap_or_default();
        Ok(Self {
            shard,
            offset: *offset,
            scope,
            envelope: Envelope::of(record)?,
            value,
            hash,
        })
    }
}

/// An event that is to be appended; the writer adds session, number, part, recorded time and the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The scope, which is the key.
    pub scope: String,
    /// The stream.
    pub stream: String,
    /// The stream's version with this event, from 1.
    pub version: u64,
    /// The event's own id.
    pub id: Uuid,
    /// The CloudEvents type: `order.placed.v1`.
    pub event_type: &'static str,
    /// The event's JSON.
    pub value: Bytes,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// Where it comes from.
    pub cause: Cause,
}

/// Where an event comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cause {
    /// The command.
    pub command: Uuid,
    /// The first command of the chain of causes.
    pub correlation: Uuid,
    /// The event that caused the command, when a process gave it.
    pub causation: Option<Uuid>,
    /// The user on whose behalf.
    pub actor: Option<String>,
    /// The client's key.
    pub idempotency_key: Option<String>,
    /// HMAC-SHA-256 of the command's body, lower-case hex.
    pub body_hmac: Option<String>,
    /// The position at which the viewer's rights were read.
    pub standing: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl Draft {
    /// The headers' content.
    pub fn into_envelope(self, part: Part, session: Uuid, seq: u64, recorded: DateTime<Utc>) -> Envelope {
        let Cause {
            command,
            correlation,
            causation,
            actor,
            idempotency_key,
            body_hmac,
            standing,
            traceparent,
        } = self.cause;
        Envelope {
            id: self.id,
            event_type: self.event_type.into(),
            stream: self.stream,
            time: self.time,
            version: self.version,
            command,
            correlation,
            causation,
            actor,
            part,
            session,
            seq,
            idempotency_key,
            body_hmac,
            standing,
            traceparent,
            recorded,
        }
    }
}
