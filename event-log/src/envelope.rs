//! What the headers of a record mean: CloudEvents 1.0 in Kafka's binary content mode, with Stoa's extension attributes.
//! Any Kafka client sees standard CloudEvents.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    str::FromStr,
};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::record::{HASH_HEADER, PREV_HEADER, Record};

/// The `ce_source` of all records.
pub const SOURCE: &str = "/stoa";
/// The type of the barrier that a writer appends when it opens a shard.
pub const OPENED: &str = "stoa.writer.opened";
/// The type of the record that settles that the head still is the writer's.
pub const CHECKED: &str = "stoa.writer.checked";

/// Bytes that the values of a record's headers usually come to.
const USUAL: usize = 768;

/// Every header name that a record of ours may have.
const NAMES: [&str; 23] = [
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
    "ce_causationid",
    "ce_actor",
    "ce_part",
    "ce_session",
    "ce_seq",
    "ce_idempotencykey",
    "ce_bodyhmac",
    "ce_standing",
    "ce_traceparent",
    "ce_recordedtime",
    "content-type",
    PREV_HEADER,
    HASH_HEADER,
];

/// A header name that was read: one of ours costs no memory. Readers see twenty of them with every record.
pub fn header_name(name: &str) -> Cow<'static, str> {
    NAMES
        .iter()
        .find(|known| **known == name)
        .map_or_else(|| Cow::Owned(name.to_owned()), |known| Cow::Borrowed(*known))
}

/// The metadata of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `ce_id`: the event's own id, UUIDv7.
    pub id: Uuid,
    /// `ce_type`: `order.placed.v1`.
    pub event_type: Cow<'static, str>,
    /// `ce_subject`: the stream.
    pub stream: String,
    /// `ce_time`: when it happened; an importer may have set it.
    pub time: DateTime<Utc>,
    /// `ce_streamversion`: the stream's version with this event, from 1.
    pub version: u64,
    /// `ce_commandid`: the command that it came of. Deterministic when the command had a key.
    pub command: Uuid,
    /// `ce_correlationid`: the first command of the chain of causes.
    pub correlation: Uuid,
    /// `ce_causationid`: the event that caused the command, when a process gave it.
    pub causation: Option<Uuid>,
    /// `ce_actor`: the user on whose behalf.
    pub actor: Option<String>,
    /// `ce_part`: which part of its commit, `1/3`.
    pub part: Part,
    /// `ce_session`: the writer's session.
    pub session: Uuid,
    /// `ce_seq`: the record's number within that session, from 0.
    pub seq: u64,
    /// `ce_idempotencykey`: the client's key.
    pub idempotency_key: Option<String>,
    /// `ce_bodyhmac`: HMAC-SHA-256 of the command's body, lower-case hex; told with the key.
    pub body_hmac: Option<String>,
    /// `ce_standing`: the position at which the viewer's rights were read, when they came from another scope.
    pub standing: Option<String>,
    /// `ce_traceparent`: W3C trace context.
    pub traceparent: Option<String>,
    /// `ce_recordedtime`: when the writer appended it; monotone within a shard.
    pub recorded: DateTime<Utc>,
}

/// Which part of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u16,
    /// How many there are.
    pub of: u16,
}

impl Part {
    /// The only part.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Whether the commit ends with it.
    pub const fn is_last(self) -> bool {
        self.number == self.of
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Part {
    type Err = InvalidEnvelope;

    fn from_str(text: &str) -> Result<Self, InvalidEnvelope> {
        text.split_once('/')
            .and_then(|(number, of)| {
                Some(Self {
                    number: number.parse().ok()?,
                    of: of.parse().ok()?,
                })
            })
            .filter(|part| part.number >= 1 && part.number <= part.of)
            .ok_or(InvalidEnvelope("ce_part"))
    }
}

/// A header is missing or can not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the header {0} is missing or can not be read")]
pub struct InvalidEnvelope(pub &'static str);

impl Envelope {
    /// The record, not yet chained: key = scope, headers, value = the event's JSON.
    pub fn to_record(&self, scope: Option<&str>, value: impl Into<Bytes>) -> Record {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut headers = Headers::default();
        headers.put("ce_specversion", "1.0");
        headers.put("ce_id", self.id);
        headers.put("ce_source", SOURCE);
        headers.put("ce_type", &self.event_type);
        headers.put("ce_subject", &self.stream);
        headers.put("ce_time", time(self.time));
        headers.put_some("ce_partitionkey", scope);
        headers.put("ce_streamversion", self.version);
        headers.put("ce_commandid", self.command);
        headers.put("ce_correlationid", self.correlation);
        headers.put_some("ce_causationid", self.causation);
        headers.put_some("ce_actor", self.actor.as_deref());
        headers.put("ce_part", self.part);
        headers.put("ce_session", self.session);
        headers.put("ce_seq", self.seq);
        headers.put_some("ce_idempotencykey", self.idempotency_key.as_deref());
        headers.put_some("ce_bodyhmac", self.body_hmac.as_deref());
        headers.put_some("ce_standing", self.standing.as_deref());
        headers.put_some("ce_traceparent", self.traceparent.as_deref());
        headers.put("ce_recordedtime", time(self.recorded));
        headers.put("content-type", "application/json");
        Record {
            key: scope.map(|scope| Bytes::copy_from_slice(scope.as_bytes())),
            headers: headers.finish(),
            value: Some(value.into()),
        }
    }

    /// Reads the headers of a record.
    pub fn of(record: &Record) -> Result<Self, InvalidEnvelope> {
        let text = |name| record.header(name).and_then(|value| std::str::from_utf8(value).ok());
        Ok(Self {
            id: required(text, "ce_id")?,
            event_type: Cow::Owned(required(text, "ce_type")?),
            stream: required(text, "ce_subject")?,
            time: required(text, "ce_time")?,
            version: required(text, "ce_streamversion")?,
            command: required(text, "ce_commandid")?,
            correlation: required(text, "ce_correlationid")?,
            causation: optional(text, "ce_causationid")?,
            actor: optional(text, "ce_actor")?,
            part: required(text, "ce_part")?,
            session: required(text, "ce_session")?,
            seq: required(text, "ce_seq")?,
            idempotency_key: optional(text, "ce_idempotencykey")?,
            body_hmac: optional(text, "ce_bodyhmac")?,
            standing: optional(text, "ce_standing")?,
            traceparent: optional(text, "ce_traceparent")?,
            recorded: required(text, "ce_recordedtime")?,
        })
    }
}

/// Headers in the making, their values side by side in one piece of memory.
#[derive(Default)]
struct Headers {
    values: String,
    /// Each name, and where its value ends.
    names: Vec<(&'static str, usize)>,
}

impl Headers {
    fn put(&mut self, name: &'static str, value: impl fmt::Display) {
        if self.names.is_empty() {
            self.names.reserve(NAMES.len());
            self.values.reserve(USUAL);
        }
        write!(self.values, "{value}").expect("a string takes whatever is written");
        self.names.push((name, self.values.len()));
    }

    fn put_some(&mut self, name: &'static str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn finish(self) -> Vec<(Cow<'static, str>, Option<Bytes>)> {
        let values = Bytes::from(self.values);
        // Room for the two that the chain adds.
        let mut headers = Vec::with_capacity(self.names.len() + 2);
        let mut start = 0;
        for (name, end) in self.names {
            headers.push((Cow::Borrowed(name), Some(values.slice(start..end))));
            start = end;
        }
        headers
    }
}

fn optional<'a, T: FromStr>(
    text: impl Fn(&'static str) -> Option<&'a str>,
    name: &'static str,
) -> Result<Option<T>, InvalidEnvelope> {
    text(name)
        .map(str::parse)
        .transpose()
        .map_err(|_| InvalidEnvelope(name))
}

fn required<'a, T: FromStr>(
    text: impl Fn(&'static str) -> Option<&'a str>,
    name: &'static str,
) -> Result<T, InvalidEnvelope> {
    optional(text, name)?.ok_or(InvalidEnvelope(name))
}
