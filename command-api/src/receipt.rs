//! The receipt of a command that was carried out.

use std::borrow::Cow;

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, ETAG},
    },
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use event_log::{commit::StoredEvent, position::Position, shard::Shard};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// Set when the answer is that of an earlier command with the same key.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The stream.
    pub id: String,
    /// Its version with the last of these events; `ETag` tells it too, and `If-Match` takes it.
    pub version: u64,
    /// Where the last of these events lies; a query with `Stoa-After` waits until it shows what came of them.
    #[schemars(with = "String")]
    pub position: Position,
    /// What happened, in order; never empty.
    pub events: Vec<ReceiptEvent>,
    /// The command. With an `Idempotency-Key` it is the same each time.
    pub command_id: Uuid,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// An event of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReceiptEvent {
    /// The event's own id, `ce_id` in the log.
    pub id: Uuid,
    /// Its type with the version: `order.placed.v1`.
    #[serde(rename = "type")]
    #[schemars(rename = "type")]
    pub event_type: Cow<'static, str>,
    /// The stream's version with it.
    pub version: u64,
    /// Its offset in the shard.
    pub offset: u64,
}

impl Receipt {
    /// The receipt of a commit of the log.
    pub(crate) fn of(log: Uuid, shard: Shard, events: &[StoredEvent], recorded: DateTime<Utc>) -> Self {
        let last = events.last();
        Self {
            id: last.map_or_else(String::new, |event| event.envelope.stream.clone()),
            version: last.map_or(0, |event| event.envelope.version),
            position: Position::at(log, shard, last.map_or(0, |event| event.offset)),
            command_id: last.map_or(Uuid::nil(), |event| event.envelope.command),
            recorded_at: recorded,
            events: events
                .iter()
                .map(|event| ReceiptEvent {
                    id: event.envelope.id,
                    event_type: event.envelope.event_type.clone(),
                    version: event.envelope.version,
                    offset: event.offset,
                })
                .collect(),
        }
    }

    /// 201 when the command brought the stream into being, else 200.
    pub fn status(&self) -> StatusCode {
        if self.events.first().is_some_and(|event| event.version == 1) {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        }
    }
}

/// A receipt, and whether it is of an earlier command with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The receipt.
    pub receipt: Receipt,
    /// Whether the command had been carried out before.
    pub replayed: bool,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.receipt).expect("a receipt is plain data with string keys");
        let json = HeaderValue::from_static("application/json");
        let mut response = (self.receipt.status(), [(CONTENT_TYPE, json)], body).into_response();
        let etag = HeaderValue::from_str(&format!("\"{}\"", self.receipt.version)).expect("digits are visible ASCII");
        response.headers_mut().insert(ETAG, etag);
        if self.replayed {
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
