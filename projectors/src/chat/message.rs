//! Rows of messages.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate as _;
use domain::chat::{
    chat::ChatEvent,
    message::{Message, MessageEvent},
};
use event_log::commit::StoredEvent;
use serde_json::Value;
use sqlx::PgConnection;

use super::conversation::{Happened, chat_of};
use crate::{
    projection::{Projection, ProjectionError},
    row::{json, partition, word},
    table::{Table, table},
};

table! {
    /// A message.
    pub struct MessageRow in "message" keyed by (id: String = "text") {
        chat: String = "text",
        seq: i64 = "bigint",
        author: String = "text",
        status: String = "text",
        pinned: bool = "boolean",
        body: Option<String> = "text",
        state: Value = "jsonb",
        sent_at: DateTime<Utc> = "timestamptz",
        updated_at: DateTime<Utc> = "timestamptz",
        version: i64 = "bigint",
        partition: i16 = "smallint",
        changed: i64 = "bigint",
    }
}

/// The messages that a batch touches, and those that it marks as read.
pub(super) struct Messages(HashMap<String, Kept>);

struct Kept {
    message: Message,
    row: MessageRow,
    touched: bool,
}

impl Messages {
    pub async fn fetch(
        projection: &dyn Projection,
        connection: &mut PgConnection,
        events: &[(&StoredEvent, Happened)],
    ) -> Result<Self, ProjectionError> {
        let named = events.iter().filter_map(|(stored, event)| match event {
            Happened::Message(_) => Some(stored.envelope.stream.clone()),
            Happened::Chat(ChatEvent::ReadMarkerAdvanced(marker)) => Some(marker.up_to.to_string()),
            Happened::Chat(_) => None,
        });
        let ids: Vec<String> = named.collect::<BTreeSet<_>>().into_iter().collect();
        let mut kept = HashMap::new();
        for row in MessageRow::fetch(connection, &ids).await? {
            let damaged = |source| ProjectionError::Row {
                projection: projection.name(),
                id: row.id.clone(),
                source,
            };
            let message = serde_json::from_value(row.state.clone()).map_err(damaged)?;
            kept.insert(
                row.id.clone(),
                Kept {
                    message,
                    row,
                    touched: false,
                },
            );
        }
        Ok(Self(kept))
    }

    pub async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let touched = self.0.into_values().filter(|kept| kept.touched);
        MessageRow::upsert(connection, touched.map(|kept| kept.row).collect()).await
    }

    /// A message was sent, with this number in its chat.
    pub fn sent(&mut self, stored: &StoredEvent, seq: i64) {
        let row = MessageRow {
            id: stored.envelope.stream.clone(),
            chat: chat_of(stored).to_owned(),
            seq,
            author: String::new(),
            status: String::new(),
            pinned: false,
            body: None,
            state: Value::Null,
            sent_at: stored.envelope.time,
            updated_at: stored.envelope.time,
            version: 0,
            partition: 0,
            changed: 0,
        };
        self.0.insert(
            row.id.clone(),
            Kept {
                message: Message::default(),
                row,
                touched: true,
            },
        );
    }

    pub fn apply(&mut self, stored: &StoredEvent, event: MessageEvent) {
        let Some(kept) = self.0.get_mut(&stored.envelope.stream) else {
            return;
        };
        kept.message.apply(event);
        kept.touched = true;
        let row = &mut kept.row;
        row.updated_at = stored.envelope.time;
        row.version = stored.envelope.version.cast_signed();
        row.partition = partition(stored.shard);
        row.changed = stored.offset.cast_signed();
        row.state = json(&kept.message);
        let Some(sent) = &kept.message.sent else { return };
        row.author = sent.author.to_string();
        row.status = word(&sent.status());
        let said = sent.said.as_ref();
        row.pinned = said.is_some_and(|said| said.pinned);
        // What is said in a secret chat is ciphertext, which has no words.
        row.body = said.and_then(|said| said.content.value()?.words().map(str::to_owned));
    }

    /// The number of a message in its chat.
    pub fn seq(&self, id: &str) -> Option<i64> {
        self.0.get(id).map(|kept| kept.row.seq)
    }
}
