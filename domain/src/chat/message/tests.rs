//! What a message decides, in given/when/then.

mod moving;
mod rights;
mod sending;

use std::collections::BTreeMap;

use super::*;
use crate::{
    bounds::{OutOfBounds, Unit},
    chat::{
        chat::{
            ChatArchived, ChatCreated, ChatEvent, ChatMadeSecret, ChatMemberBanned, ChatMemberInvited,
            ChatMemberJoined, ChatMemberLeft, ChatMemberRemoved, ChatRole, ChatRoleChanged, MembershipState,
        },
        message::content::{Attachments, Ciphertext, Text, TextKind},
    },
    decision::Refusal,
    entity::Event,
    id::{ChatId, MediaId},
    scenario::Scenario,
    viewer::{Role, Viewer},
};

/// A chat of an owner, an admin, the author of the message in question, and another member.
struct Company {
    chat: ChatId,
    message: MessageId,
    owner: UserId,
    admin: UserId,
    author: UserId,
    member: UserId,
}

impl Company {
    fn new() -> Self {
        Self {
            chat: ChatId::generate(),
            message: MessageId::generate(),
            owner: UserId::generate(),
            admin: UserId::generate(),
            author: UserId::generate(),
            member: UserId::generate(),
        }
    }

    fn room(&self, kind: ChatKind, then: impl IntoIterator<Item = ChatEvent>) -> Chat {
        let mut chat = Chat::default();
        let members = match kind {
            ChatKind::Private => vec![self.author],
            ChatKind::Group | ChatKind::Channel => vec![self.admin, self.author, self.member],
        };
        let created = ChatCreated {
            kind,
            title: Some("#rust".to_owned()),
            description: None,
            subject: None,
            owner: self.owner,
            members,
        };
        chat.apply(created.into());
        if kind != ChatKind::Private {
            let promoted = ChatRoleChanged {
                user: self.admin,
                role: ChatRole::Admin,
            };
            chat.apply(promoted.into());
        }
        then.into_iter().for_each(|event| chat.apply(event));
        chat
    }

    fn within(&self, chat: Chat, viewer: Viewer) -> Scenario<Message> {
        Scenario::new()
            .by(viewer)
            .target(self.chat, self.message)
            .beside(self.chat, chat)
    }

    fn in_group(&self, user: UserId) -> Scenario<Message> {
        self.within(self.room(ChatKind::Group, []), Viewer::new(user, []))
    }

    fn in_secret(&self, user: UserId) -> Scenario<Message> {
        let chat = self.room(ChatKind::Group, [ChatMadeSecret {}.into()]);
        self.within(chat, Viewer::new(user, []))
    }

    fn sent(&self) -> MessageSent {
        MessageSent {
            author: self.author,
            content: Personal::open(self.author, MessageContent::text("hi")),
            reply_to: vec![],
            mentions: vec![],
            hashtags: None,
            silent: false,
        }
    }

    fn edited(&self, text: &str) -> MessageEdited {
        MessageEdited {
            content: Personal::open(self.author, MessageContent::text(text)),
            mentions: vec![],
            hashtags: None,
        }
    }

    /// Another message, as it may be replied to.
    fn said(&self) -> Message {
        let mut message = Message::default();
        message.apply(self.sent().into());
        message
    }
}

fn send(text: &str) -> SendMessage {
    SendMessage {
        content: MessageContent::text(text),
        reply_to: vec![],
        mentions: vec![],
        hashtags: vec![],
        silent: false,
    }
}

fn edit(text: &str) -> EditMessage {
    EditMessage {
        content: MessageContent::text(text),
        mentions: vec![],
        hashtags: vec![],
    }
}

fn emoji(emoji: &str) -> ReactToMessage {
    ReactToMessage {
        emoji: emoji.to_owned(),
    }
}

fn out_of_bounds(field: &str, unit: Unit, least: usize, most: usize, given: usize) -> MessageRefusal {
    MessageRefusal::OutOfBounds(OutOfBounds {
        field: field.to_owned(),
        unit,
        least,
        most,
        given,
    })
}

/// Every command, in the order of the columns below.
fn commands() -> [MessageCommand; 7] {
    [
        send("hi").into(),
        edit("hello").into(),
        DeleteMessage::default().into(),
        emoji("👍").into(),
        UnreactToMessage {
            emoji: "❤".to_owned()
        }
        .into(),
        PinMessage {}.into(),
        UnpinMessage {}.into(),
    ]
}
