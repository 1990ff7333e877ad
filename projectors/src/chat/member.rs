//! Rows of chat members: how each stands to the chat, and how far they have read.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    chat::{
        chat::{ChatEvent, ChatRole, MembershipState},
        message::MessageEvent,
    },
    id::UserId,
};
use event_log::commit::StoredEvent;
use sqlx::PgConnection;

use super::{
    conversation::{Happened, chat_of},
    message::Messages,
    room::Rooms,
};
use crate::{
    row::word,
    table::{Table, table},
};

table! {
    /// How somebody stands to a chat.
    pub struct MemberRow in "chat_member" keyed by (chat: String = "text", user_id: String = "text") {
        role: String = "text",
        membership: String = "text",
        read_up_to: Option<String> = "text",
        read_seq: i64 = "bigint",
        joined_at: Option<DateTime<Utc>> = "timestamptz",
    }
}

/// The members that a batch touches.
pub(super) struct Members {
    rows: HashMap<(String, String), MemberRow>,
    joined_less_gone: i32,
}

impl Members {
    pub async fn fetch(
        connection: &mut PgConnection,
        events: &[(&StoredEvent, Happened)],
    ) -> Result<Self, sqlx::Error> {
        let mut wanted = BTreeSet::new();
        for (stored, event) in events {
            for user in people(event) {
                wanted.insert((chat_of(stored).to_owned(), user.to_string()));
            }
        }
        if wanted.is_empty() {
            return Ok(Self {
                rows: HashMap::new(),
                joined_less_gone: 0,
            });
        }
        let (chats, users): (Vec<String>, Vec<String>) = wanted.into_iter().unzip();
        let rows: Vec<MemberRow> = sqlx::query_as(
            "select member.* from chat_member member
             join unnest($1::text[], $2::text[]) as wanted (chat, user_id) using (chat, user_id)",
        )
        .bind(chats)
        .bind(users)
        .fetch_all(connection)
        .await?;
        let rows = rows
            .into_iter()
            .map(|row| ((row.chat.clone(), row.user_id.clone()), row))
            .collect();
        Ok(Self {
            rows,
            joined_less_gone: 0,
        })
    }

    pub async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        MemberRow::upsert(connection, self.rows.into_values().collect()).await
    }

    /// How many came in less those who went, since this was last asked.
    pub fn joined_less_gone(&mut self) -> i32 {
        std::mem::take(&mut self.joined_less_gone)
    }

    /// Who writes has read what was written before.
    pub fn wrote(&mut self, stored: &StoredEvent, author: &str, seq: i64) {
        if let Some(row) = self.rows.get_mut(&(chat_of(stored).to_owned(), author.to_owned())) {
            row.read_seq = row.read_seq.max(seq);
        }
    }

    pub fn apply(&mut self, stored: &StoredEvent, event: &ChatEvent, rooms: &Rooms, messages: &Messages) {
        let last_seq = rooms.last_seq(stored);
        match event {
            ChatEvent::Created(created) => {
                self.stands(stored, created.owner, MembershipState::Joined, last_seq);
                self.ranks(stored, created.owner, ChatRole::Owner);
                for member in &created.members {
                    self.stands(stored, *member, MembershipState::Joined, last_seq);
                }
            }
            ChatEvent::MemberInvited(event) => self.stands(stored, event.user, MembershipState::Invited, last_seq),
            ChatEvent::MemberJoined(event) => self.stands(stored, event.user, MembershipState::Joined, last_seq),
            ChatEvent::MembersAdded(event) => {
                for member in &event.members {
                    self.stands(stored, *member, MembershipState::Joined, last_seq);
                }
            }
            ChatEvent::MemberLeft(event) => self.stands(stored, event.user, MembershipState::Left, last_seq),
            ChatEvent::MemberRemoved(event) => self.stands(stored, event.user, MembershipState::Removed, last_seq),
            ChatEvent::MemberBanned(event) => self.stands(stored, event.user, MembershipState::Banned, last_seq),
            ChatEvent::RoleChanged(event) => self.ranks(stored, event.user, event.role),
            ChatEvent::ReadMarkerAdvanced(event) => {
                let up_to = event.up_to.to_string();
                if let Some(row) = self.rows.get_mut(&key(stored, event.user)) {
                    row.read_seq = row.read_seq.max(messages.seq(&up_to).unwrap_or(0));
                    row.read_up_to = Some(up_to);
                }
            }
            ChatEvent::Changed(_) | ChatEvent::Archived(_) | ChatEvent::MadeSecret(_) => {}
        }
    }

    fn stands(&mut self, stored: &StoredEvent, user: UserId, state: MembershipState, last_seq: i64) {
        let key = key(stored, user);
        let row = self.rows.entry(key.clone()).or_insert_with(|| MemberRow {
            chat: key.0,
            user_id: key.1,
            role: word(&ChatRole::Member),
            membership: String::new(),
            read_up_to: None,
            read_seq: last_seq,
            joined_at: None,
        });
        let joined = word(&MembershipState::Joined);
        let (was_in, is_in) = (row.membership == joined, state == MembershipState::Joined);
        row.membership = word(&state);
        if is_in && !was_in {
            // What was said before somebody came in does not count as unread, and whoever comes back starts anew.
            row.read_seq = row.read_seq.max(last_seq);
            row.role = word(&ChatRole::Member);
            row.joined_at = Some(stored.envelope.time);
        }
        self.joined_less_gone += i32::from(is_in) - i32::from(was_in);
    }

    fn ranks(&mut self, stored: &StoredEvent, user: UserId, role: ChatRole) {
        if let Some(row) = self.rows.get_mut(&key(stored, user)) {
            row.role = word(&role);
        }
    }
}

fn key(stored: &StoredEvent, user: UserId) -> (String, String) {
    (chat_of(stored).to_owned(), user.to_string())
}

/// Whose rows an event may change.
fn people(event: &Happened) -> Vec<UserId> {
    match event {
        Happened::Message(MessageEvent::Sent(sent)) => vec![sent.author],
        Happened::Message(_) => Vec::new(),
        Happened::Chat(event) => match event {
            ChatEvent::Created(event) => event.members.iter().copied().chain([event.owner]).collect(),
            ChatEvent::MembersAdded(event) => event.members.clone(),
            ChatEvent::MemberInvited(event) => vec![event.user],
            ChatEvent::MemberJoined(event) => vec![event.user],
            ChatEvent::MemberLeft(event) => vec![event.user],
            ChatEvent::MemberRemoved(event) => vec![event.user],
            ChatEvent::MemberBanned(event) => vec![event.user],
            ChatEvent::RoleChanged(event) => vec![event.user],
            ChatEvent::ReadMarkerAdvanced(event) => vec![event.user],
            ChatEvent::Changed(_) | ChatEvent::Archived(_) | ChatEvent::MadeSecret(_) => Vec::new(),
        },
    }
}
