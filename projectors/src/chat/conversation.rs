//! The projection of conversations: it walks a batch in the order of the log and keeps chats, members and messages in
//! step.

use async_trait::async_trait;
use domain::{
    chat::{chat::ChatEvent, message::MessageEvent},
    family::Family,
};
use event_log::commit::StoredEvent;
use sqlx::PgConnection;

use super::{
    member::{MemberRow, Members},
    message::{MessageRow, Messages},
    room::{ChatRow, Rooms},
};
use crate::{
    batch::Batch,
    projection::{Projection, ProjectionError},
    table::Table as _,
};

/// The projection of conversations.
#[derive(Debug)]
pub struct Conversations;

/// An event of the family, in the order of the log.
pub(super) enum Happened {
    Chat(ChatEvent),
    Message(MessageEvent),
}

#[async_trait]
impl Projection for Conversations {
    fn name(&self) -> &'static str {
        "conversation"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Chat]
    }

    fn tables(&self) -> Vec<&'static str> {
        vec![ChatRow::TABLE, MemberRow::TABLE, MessageRow::TABLE]
    }

    /// A message's number in its chat, and who has read it, depend on all that came before it there.
    fn unit<'e>(&self, event: &'e StoredEvent) -> &'e str {
        chat_of(event)
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let events = in_order(batch)?;
        let mut rooms = Rooms::fetch(transaction, &events).await?;
        let mut messages = Messages::fetch(self, transaction, &events).await?;
        let mut members = Members::fetch(transaction, &events).await?;
        for (stored, event) in events {
            match event {
                Happened::Chat(event) => {
                    rooms.apply(stored, &event);
                    members.apply(stored, &event, &rooms, &messages);
                    rooms.count(stored, members.joined_less_gone());
                }
                Happened::Message(event) => {
                    if let MessageEvent::Sent(sent) = &event {
                        let seq = rooms.message_sent(stored);
                        messages.sent(stored, seq);
                        members.wrote(stored, &sent.author.to_string(), seq);
                    }
                    messages.apply(stored, event);
                }
            }
        }
        rooms.write(transaction).await?;
        messages.write(transaction).await?;
        members.write(transaction).await?;
        Ok(())
    }
}

fn in_order(batch: &Batch) -> Result<Vec<(&StoredEvent, Happened)>, ProjectionError> {
    let chats = batch
        .of::<ChatEvent>()?
        .into_iter()
        .map(|(stored, event)| (stored, Happened::Chat(event)));
    let messages = batch
        .of::<MessageEvent>()?
        .into_iter()
        .map(|(stored, event)| (stored, Happened::Message(event)));
    let mut events: Vec<_> = chats.chain(messages).collect();
    events.sort_by_key(|(stored, _)| (stored.shard, stored.offset));
    Ok(events)
}

/// The chat that an event is of: the scope of the whole family's streams.
pub(super) fn chat_of(stored: &StoredEvent) -> &str {
    stored.scope.as_deref().unwrap_or_default()
}
