//! What a chat decides, in given/when/then.

mod conversation;
mod membership;

use super::*;
use crate::{
    bounds::{OutOfBounds, Unit},
    chat::message::{MessageContent, MessageSent},
    decision::{Refusal, RefusalKind},
    entity::Event,
    id::{CaseId, ChatId, MessageId, OrderId, UserId},
    personal::Personal,
    scenario::Scenario,
    viewer::{Role, Viewer},
};

/// A chat with an owner, an admin and a member.
struct Company {
    chat: ChatId,
    owner: UserId,
    admin: UserId,
    member: UserId,
}

/// Where somebody may stand, and how they came there. `Unknown` never was in the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Unknown,
    Invited,
    Joined,
    Left,
    Removed,
    Banned,
}

impl Company {
    fn new() -> Self {
        Self {
            chat: ChatId::generate(),
            owner: UserId::generate(),
            admin: UserId::generate(),
            member: UserId::generate(),
        }
    }

    fn created(&self, kind: ChatKind) -> ChatCreated {
        let private = kind == ChatKind::Private;
        let mut members = vec![self.member];
        members.extend((!private).then_some(self.admin));
        members.sort_unstable();
        ChatCreated {
            kind,
            title: (!private).then(|| "#rust".to_owned()),
            description: None,
            subject: None,
            owner: self.owner,
            members,
        }
    }

    /// The chat, asked by this viewer.
    fn by(&self, kind: ChatKind, viewer: Viewer) -> Scenario<Chat> {
        let scenario = Scenario::new()
            .by(viewer)
            .target(self.chat, self.chat)
            .given(self.created(kind));
        match kind {
            ChatKind::Private => scenario,
            ChatKind::Group | ChatKind::Channel => scenario.given(ChatRoleChanged {
                user: self.admin,
                role: ChatRole::Admin,
            }),
        }
    }

    fn by_user(&self, kind: ChatKind, user: UserId) -> Scenario<Chat> {
        self.by(kind, Viewer::new(user, []))
    }

    fn by_importer(&self, kind: ChatKind) -> Scenario<Chat> {
        self.by(kind, Viewer::new(UserId::generate(), [Role::Importer]))
    }
}

/// Brings this person to this place.
fn brought(scenario: Scenario<Chat>, user: UserId, place: Place) -> Scenario<Chat> {
    let joined = |scenario: Scenario<Chat>| scenario.given(ChatMemberJoined { user });
    match place {
        Place::Unknown => scenario,
        Place::Invited => scenario.given(ChatMemberInvited { user }),
        Place::Joined => joined(scenario),
        Place::Left => joined(scenario).given(ChatMemberLeft { user }),
        Place::Removed => joined(scenario).given(ChatMemberRemoved { user }),
        Place::Banned => joined(scenario).given(ChatMemberBanned { user, reason: None }),
    }
}

fn out_of_bounds(field: &str, unit: Unit, least: usize, most: usize, given: usize) -> ChatRefusal {
    ChatRefusal::OutOfBounds(OutOfBounds {
        field: field.to_owned(),
        unit,
        least,
        most,
        given,
    })
}

/// Every command but `create`, about this person and message.
fn commands(user: UserId, up_to: MessageId) -> [ChatCommand; 11] {
    [
        ChangeChat {
            title: Some("#stoa".to_owned()),
            description: None,
        }
        .into(),
        ArchiveChat {}.into(),
        MakeChatSecret {}.into(),
        InviteToChat { user }.into(),
        JoinChat {}.into(),
        AddChatMembers { members: vec![user] }.into(),
        LeaveChat {}.into(),
        RemoveChatMember { user }.into(),
        BanFromChat { user, reason: None }.into(),
        ChangeChatRole {
            user,
            role: ChatRole::Admin,
        }
        .into(),
        AdvanceReadMarker { up_to }.into(),
    ]
}

fn said(author: UserId) -> Message {
    let mut message = Message::default();
    let sent = MessageSent {
        author,
        content: Personal::open(author, MessageContent::text("hi")),
        reply_to: vec![],
        mentions: vec![],
        hashtags: None,
        silent: false,
    };
    message.apply(sent.into());
    message
}
