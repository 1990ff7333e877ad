//! Rows of chats.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::chat::chat::ChatEvent;
use event_log::commit::StoredEvent;
use serde_json::Value;
use sqlx::PgConnection;

use super::conversation::{Happened, chat_of};
use crate::{
    row::{json, partition, word},
    table::{Table, table},
};

table! {
    /// A chat.
    pub struct ChatRow in "chat" keyed by (id: String = "text") {
        kind: String = "text",
        title: Option<String> = "text",
        description: Option<String> = "text",
        subject: Option<Value> = "jsonb",
        secret: bool = "boolean",
        archived: bool = "boolean",
        member_count: i32 = "integer",
        last_seq: i64 = "bigint",
        last_message: Option<String> = "text",
        last_message_at: Option<DateTime<Utc>> = "timestamptz",
        created_at: DateTime<Utc> = "timestamptz",
        updated_at: DateTime<Utc> = "timestamptz",
        version: i64 = "bigint",
        partition: i16 = "smallint",
        changed: i64 = "bigint",
    }
}

/// The chats that a batch touches.
pub(super) struct Rooms(HashMap<String, ChatRow>);

impl Rooms {
    pub async fn fetch(
        connection: &mut PgConnection,
        events: &[(&StoredEvent, Happened)],
    ) -> Result<Self, sqlx::Error> {
        let ids: BTreeSet<&str> = events.iter().map(|(stored, _)| chat_of(stored)).collect();
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        let rows = ChatRow::fetch(connection, &ids).await?;
        Ok(Self(rows.into_iter().map(|row| (row.id.clone(), row)).collect()))
    }

    pub async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        ChatRow::upsert(connection, self.0.into_values().collect()).await
    }

    pub fn apply(&mut self, stored: &StoredEvent, event: &ChatEvent) {
        if let ChatEvent::Created(created) = event {
            let row = ChatRow {
                id: stored.envelope.stream.clone(),
                kind: word(&created.kind),
                title: created.title.clone(),
                description: created.description.clone(),
                subject: created.subject.as_ref().map(json),
                secret: false,
                archived: false,
                member_count: 0,
                last_seq: 0,
                last_message: None,
                last_message_at: None,
                created_at: stored.envelope.time,
                updated_at: stored.envelope.time,
                version: 0,
                partition: 0,
                changed: 0,
            };
            self.0.insert(row.id.clone(), row);
        }
        let Some(row) = self.0.get_mut(chat_of(stored)) else {
            return;
        };
        match event {
            ChatEvent::Changed(changed) => {
                row.title.clone_from(&changed.title);
                row.description.clone_from(&changed.description);
            }
            ChatEvent::Archived(_) => row.archived = true,
            ChatEvent::MadeSecret(_) => row.secret = true,
            _ => {}
        }
        row.updated_at = stored.envelope.time;
        row.version = stored.envelope.version.cast_signed();
        changed(row, stored);
    }

    /// How many came in, less those who went.
    pub fn count(&mut self, stored: &StoredEvent, change: i32) {
        if let Some(row) = self.0.get_mut(chat_of(stored)) {
            row.member_count += change;
        }
    }

    /// A message was sent: its number in the chat.
    pub fn message_sent(&mut self, stored: &StoredEvent) -> i64 {
        let Some(row) = self.0.get_mut(chat_of(stored)) else {
            return 0;
        };
        row.last_seq += 1;
        row.last_message = Some(stored.envelope.stream.clone());
        row.last_message_at = Some(stored.envelope.time);
        changed(row, stored);
        row.last_seq
    }

    /// The number of the last message of a chat.
    pub fn last_seq(&self, stored: &StoredEvent) -> i64 {
        self.0.get(chat_of(stored)).map_or(0, |row| row.last_seq)
    }
}

fn changed(row: &mut ChatRow, stored: &StoredEvent) {
    row.partition = partition(stored.shard);
    row.changed = stored.offset.cast_signed();
}
