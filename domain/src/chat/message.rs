//! A message in a chat, in the chat's scope: the chat says who may send, and whether only ciphertext may be sent.
//!
//! A message that was deleted is remembered as such, without what it said: replies still point to it.

mod commands;
pub mod content;
mod events;
mod refusal;
mod said;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use commands::*;
pub use content::MessageContent;
use cqrs_es::{Aggregate, event_sink::EventSink};
pub use events::*;
pub use refusal::MessageRefusal;
pub use said::{MessageStatus, Said, SentMessage};
use serde::{Deserialize, Serialize};

use crate::{
    bounds,
    chat::chat::{Chat, ChatKind, Room},
    decision::{Reads, Services, Target},
    entity::Entity,
    family::Family,
    id::{MessageId, UserId},
    personal::Personal,
};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Message {
    /// The message, once it was sent.
    pub sent: Option<SentMessage>,
}

const SIGNED_IN: &str = "signed-in users";
const AUTHOR: &str = "the author";
const AUTHOR_OR_ADMINS: &str = "the author, and the chat's owner and admins";
const ADMINS: &str = "the chat's owner and admins";

impl Message {
    /// Who sent it and what it says, unless it was deleted.
    fn standing(&self) -> Result<(UserId, &Said), MessageRefusal> {
        let sent = self.sent.as_ref().ok_or(MessageRefusal::NotFound)?;
        let said = sent.said.as_ref().ok_or(MessageRefusal::Deleted)?;
        Ok((sent.author, said))
    }

    fn send(&self, command: SendMessage, services: &Services) -> Result<MessageEvent, MessageRefusal> {
        let (room, author) = entered_room(services)?;
        if room.kind == ChatKind::Channel && !room.is_run_by(&services.viewer) {
            return Err(MessageRefusal::Forbidden { needs: ADMINS });
        }
        if self.sent.is_some() {
            return Err(MessageRefusal::AlreadyExists);
        }
        let SendMessage {
            content,
            reply_to,
            mentions,
            hashtags,
            silent,
        } = command;
        let hashtags = checked(&content, &mentions, hashtags, room)?;
        bounds::list("/replyTo", &reply_to, 0..=MOST_REPLIED_TO)?;
        check_replied_to(&reply_to, services)?;
        Ok(MessageSent {
            author,
            content: Personal::open(author, content),
            reply_to: distinct(reply_to),
            mentions: distinct(mentions),
            hashtags: personal(author, hashtags),
            silent,
        }
        .into())
    }

    fn edit(&self, command: EditMessage, services: &Services) -> Result<MessageEvent, MessageRefusal> {
        let room = open_room(services)?;
        let (author, said) = self.standing()?;
        if !services.viewer.is_trusted() {
            if !services.viewer.is(author) {
                return Err(MessageRefusal::Forbidden { needs: AUTHOR });
            }
            joined(room, services)?;
        }
        let EditMessage {
            content,
            mentions,
            hashtags,
        } = command;
        let hashtags = checked(&content, &mentions, hashtags, room)?;
        let edited = MessageEdited {
            content: Personal::open(author, content),
            mentions: distinct(mentions),
            hashtags: personal(author, hashtags),
        };
        if (&edited.content, &edited.mentions, &edited.hashtags) == (&said.content, &said.mentions, &said.hashtags) {
            return Err(MessageRefusal::NothingToChange);
        }
        Ok(edited.into())
    }

    /// An author may always take back what they said: after they left, and after the conversation is over.
    fn delete(&self, command: DeleteMessage, services: &Services) -> Result<MessageEvent, MessageRefusal> {
        let room = visible_room(services)?;
        let sent = self.sent.as_ref().ok_or(MessageRefusal::NotFound)?;
        if !services.viewer.is(sent.author) && !room.is_run_by(&services.viewer) {
            return Err(MessageRefusal::Forbidden {
                needs: AUTHOR_OR_ADMINS,
            });
        }
        if sent.said.is_none() {
            return Err(MessageRefusal::NothingToChange);
        }
        let DeleteMessage { reason } = command;
        bounds::optional_text("/reason", reason.as_ref(), 1..=LONGEST_REASON)?;
        Ok(MessageDeleted { reason }.into())
    }

    fn react(&self, command: ReactToMessage, services: &Services) -> Result<MessageEvent, MessageRefusal> {
        let (_, user) = entered_room(services)?;
        let (_, said) = self.standing()?;
        let ReactToMessage { emoji } = command;
        bounds::text("/emoji", &emoji, 1..=LONGEST_EMOJI)?;
        match said.reactions.get(&emoji) {
            Some(people) if people.contains(&user) => return Err(MessageRefusal::NothingToChange),
            None if said.reactions.len() == MOST_EMOJI => {
                return Err(MessageRefusal::TooManyReactions { most: MOST_EMOJI });
            }
            _ => {}
        }
        Ok(MessageReacted { user, emoji }.into())
    }

    fn unreact(&self, command: UnreactToMessage, services: &Services) -> Result<MessageEvent, MessageRefusal> {
        let (_, user) = entered_room(services)?;
        let (_, said) = self.standing()?;
        let UnreactToMessage { emoji } = command;
        if !said.reactions.get(&emoji).is_some_and(|people| people.contains(&user)) {
            return Err(MessageRefusal::NothingToChange);
        }
        Ok(MessageUnreacted { user, emoji }.into())
    }

    fn pin(&self, pinned: bool, services: &Services) -> Result<MessageEvent, MessageRefusal> {
        let room = open_room(services)?;
        if !room.is_steered_by(&services.viewer) {
            return Err(MessageRefusal::Forbidden { needs: ADMINS });
        }
        let (_, said) = self.standing()?;
        match (said.pinned, pinned) {
            (false, true) => Ok(MessagePinned {}.into()),
            (true, false) => Ok(MessageUnpinned {}.into()),
            _ => Err(MessageRefusal::NothingToChange),
        }
    }
}

/// The chat, if the viewer may know of it.
fn visible_room(services: &Services) -> Result<&Room, MessageRefusal> {
    if services.user().is_none() {
        return Err(MessageRefusal::Forbidden { needs: SIGNED_IN });
    }
    services
        .scope
        .get::<Chat>(&services.target.scope)
        .and_then(|chat| chat.room.as_ref())
        .filter(|room| room.is_visible_to(&services.viewer))
        .ok_or(MessageRefusal::NotFound)
}

/// The chat, if the viewer may know of it and it is not over.
fn open_room(services: &Services) -> Result<&Room, MessageRefusal> {
    let room = visible_room(services)?;
    if room.archived {
        return Err(MessageRefusal::Archived);
    }
    Ok(room)
}

/// The chat and the viewer, if they are in it and it is not over.
fn entered_room(services: &Services) -> Result<(&Room, UserId), MessageRefusal> {
    let room = visible_room(services)?;
    let user = joined(room, services)?;
    open_room(services)?;
    Ok((room, user))
}

fn joined(room: &Room, services: &Services) -> Result<UserId, MessageRefusal> {
    let user = services.user().ok_or(MessageRefusal::NotFound)?;
    if !room.is_joined(user) {
        return Err(MessageRefusal::NotAMember {
            membership: room.membership(user).map(|membership| membership.state),
        });
    }
    Ok(user)
}

/// Refuses content that does not fit, or not this chat; gives the hashtags, those of the text first.
fn checked(
    content: &MessageContent,
    mentions: &[UserId],
    hashtags: Vec<String>,
    room: &Room,
) -> Result<Vec<String>, MessageRefusal> {
    content.check()?;
    bounds::list("/mentions", mentions, 0..=MOST_MENTIONS)?;
    bounds::list("/hashtags", &hashtags, 0..=content::MOST_HASHTAGS)?;
    if room.secret && !content.is_ciphertext() {
        return Err(MessageRefusal::NeedsCiphertext { field: "/content" });
    }
    if !room.secret && content.is_ciphertext() {
        return Err(MessageRefusal::NeedsPlainContent);
    }
    // A hashtag says in the open what a secret message is about.
    if room.secret && !hashtags.is_empty() {
        return Err(MessageRefusal::NeedsCiphertext { field: "/hashtags" });
    }
    let mut all = content.words().map(content::hashtags_in).unwrap_or_default();
    for (index, given) in hashtags.iter().enumerate() {
        all.push(content::hashtag(given).ok_or(MessageRefusal::NotAHashtag { index })?);
    }
    let mut all = distinct(all);
    all.truncate(content::MOST_HASHTAGS);
    Ok(all)
}

fn check_replied_to(reply_to: &[MessageId], services: &Services) -> Result<(), MessageRefusal> {
    for (index, message) in reply_to.iter().enumerate() {
        let message = *message;
        let replied_to = services
            .scope
            .get::<Message>(&message.to_string())
            .and_then(|it| it.sent.as_ref())
            .ok_or(MessageRefusal::NoSuchMessage { message, index })?;
        if replied_to.said.is_none() {
            return Err(MessageRefusal::ReplyToDeleted { message, index });
        }
    }
    Ok(())
}

fn personal(author: UserId, hashtags: Vec<String>) -> Option<Personal<Vec<String>>> {
    (!hashtags.is_empty()).then(|| Personal::open(author, hashtags))
}

/// Each once, where it came first.
fn distinct<T: Ord + Clone>(mut all: Vec<T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert(one.clone()));
    all
}

impl Aggregate for Message {
    const TYPE: &'static str = "message";
    type Command = MessageCommand;
    type Event = MessageEvent;
    type Error = MessageRefusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: MessageCommand,
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), MessageRefusal> {
        let event = match command {
            MessageCommand::Send(command) => self.send(command, services)?,
            MessageCommand::Edit(command) => self.edit(command, services)?,
            MessageCommand::Delete(command) => self.delete(command, services)?,
            MessageCommand::React(command) => self.react(command, services)?,
            MessageCommand::Unreact(command) => self.unreact(command, services)?,
            MessageCommand::Pin(PinMessage {}) => self.pin(true, services)?,
            MessageCommand::Unpin(UnpinMessage {}) => self.pin(false, services)?,
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: MessageEvent) {
        match (event, &mut self.sent) {
            (MessageEvent::Sent(event), sent) => *sent = Some(SentMessage::first(event)),
            (MessageEvent::Deleted(_), Some(sent)) => sent.said = None,
            (event, Some(SentMessage { said: Some(said), .. })) => said.apply(event),
            _ => {}
        }
    }
}

impl Entity for Message {
    const FAMILY: Family = Family::Chat;
    const PREFIX: &'static str = "msg";
    const PATH: &'static str = "chats/{chat}/messages/{message}";

    fn reads(target: &Target, command: &MessageCommand) -> Reads {
        let mut streams = vec![target.scope.clone()];
        if let MessageCommand::Send(command) = command {
            // Past the limit the command is refused before any of them is looked at.
            streams.extend(command.reply_to.iter().take(MOST_REPLIED_TO).map(ToString::to_string));
        }
        Reads::Streams(streams)
    }
}
