//! The writer's own records, which have no key and belong to no stream: the barrier that opens a shard, and the check
//! that settles refusals. No projection reads them; the chain covers them like any other record.

use chrono::{DateTime, Utc};
use domain::id;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    checkpoint::Checkpoint,
    envelope::{Envelope, OPENED, Part},
    record::Record,
};

/// The `ce_subject` of the writer's own records.
const SUBJECT: &str = "writer";

/// Who writes, as the barrier tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterIdentity {
    /// The node's name.
    pub node: String,
    /// The software's version.
    pub software: String,
    /// The log's id.
    pub log: Uuid,
    /// The generation of the assignment (consumer group, or lease) that gave the shard to this node. Of two writers
    /// that cut each other off the lower one yields.
    pub assignment: u64,
}

/// The content of a barrier: who opened the shard, on which head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// The session that begins with it.
    pub session: Uuid,
    /// The node.
    pub node: String,
    /// The version of its software.
    pub software: String,
    /// The generation of its assignment.
    pub generation: u64,
    /// The log's id.
    pub log: Uuid,
    /// The offset of the head that it is chained on; `None` in an empty shard.
    pub head_offset: Option<u64>,
    /// The head's hash, lower-case hex.
    pub head: String,
}

impl Opened {
    /// The barrier of a session that opens at this checkpoint.
    pub fn new(session: Uuid, identity: &WriterIdentity, at: &Checkpoint) -> Self {
        Self {
            session,
            node: identity.node.clone(),
            software: identity.software.clone(),
            generation: identity.assignment,
            log: identity.log,
            head_offset: at.head_offset,
            head: at.head.to_string(),
        }
    }

    /// Reads a record's content if it is a barrier; `Err` if it says that it is one and can't be read.
    pub fn of(record: &Record) -> Option<Result<Self, serde_json::Error>> {
        if record.key.is_some() || record.header("ce_type").map(AsRef::as_ref) != Some(OPENED.as_bytes()) {
            return None;
        }
        Some(serde_json::from_slice(record.value.as_deref().unwrap_or_default()))
    }
}

/// The envelope of a writer's own record. Its version is 0, for it belongs to no stream.
pub fn envelope(event_type: &'static str, session: Uuid, seq: u64, recorded: DateTime<Utc>) -> Envelope {
    let id = id::generate();
    Envelope {
        id,
        event_type: event_type.into(),
        stream: SUBJECT.to_owned(),
        time: recorded,
        version: 0,
        command: id,
        correlation: id,
        causation: None,
        actor: None,
        part: Part::WHOLE,
        session,
        seq,
        idempotency_key: None,
        body_hmac: None,
        standing: None,
        traceparent: None,
        recorded,
    }
}
