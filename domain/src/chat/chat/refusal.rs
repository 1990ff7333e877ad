//! Why a command for a chat was refused. Somebody who has no business in a private chat or a group is told that there is
//! no such chat, whatever they ask.

use serde::Serialize;

use super::{ChatRole, MembershipState};
use crate::{
    bounds::OutOfBounds,
    decision::{Refusal, RefusalKind},
    id::{MessageId, UserId},
};

/// Why a command for a chat was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ChatRefusal {
    /// Nobody created it, or it is none of the viewer's business.
    #[error("there is no such chat")]
    NotFound,
    /// It was created before.
    #[error("the chat was created before")]
    AlreadyExists,
    /// The viewer is not somebody who may.
    #[error("only {needs} may do this")]
    Forbidden {
        /// Who may.
        needs: &'static str,
    },
    /// The viewer is not in the chat.
    #[error("this is for members of the chat")]
    NotAMember {
        /// How the viewer stands to the chat; nothing when they never were in it.
        membership: Option<MembershipState>,
    },
    /// The member is not below the viewer.
    #[error("the member is {role}: only somebody above may do this")]
    Outranked {
        /// What the member is.
        role: ChatRole,
    },
    /// Nothing would be different.
    #[error("nothing would change")]
    NothingToChange,
    /// The conversation is over.
    #[error("the chat is archived")]
    Archived,
    /// A private chat is between its two people, for good.
    #[error("a private chat is between its two people, for good")]
    PrivateChat,
    /// A private chat was created with too few or too many people.
    #[error("a private chat is with exactly one other, and not with {given}")]
    PrivateNeedsOneOther {
        /// How many others were named.
        given: usize,
    },
    /// A private chat was given a title.
    #[error("a private chat has no title: each sees the other's name")]
    PrivateHasNoTitle,
    /// A group or a channel was given no title.
    #[error("a group or a channel needs a title")]
    TitleMissing,
    /// Anybody may join a channel, so it can not be secret.
    #[error("anybody may join a channel: it can not be secret")]
    ChannelIsPublic,
    /// That person was shut out for good.
    #[error("{user} is banned from the chat")]
    Banned {
        /// Who.
        user: UserId,
        /// JSON pointer to where they are named; told beside the facts.
        #[serde(skip)]
        field: Option<String>,
    },
    /// That person is not in the chat.
    #[error("{user} is not a member of the chat")]
    NoSuchMember {
        /// Who.
        user: UserId,
    },
    /// The message is not in the chat.
    #[error("there is no message {message} in the chat")]
    NoSuchMessage {
        /// Which.
        message: MessageId,
    },
    /// The owner would be gone, or no owner any more, while others are still there.
    #[error("make somebody else the owner first")]
    OwnerMustHandOver,
    /// The chat remembers as many people as it can.
    #[error("a chat has at most {most} members")]
    ChatFull {
        /// The most.
        most: usize,
    },
    /// A text or list is too long, or empty.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
}

impl Refusal for ChatRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound | Self::NoSuchMember { .. } | Self::NoSuchMessage { .. } => RefusalKind::NotFound,
            Self::Forbidden { .. } | Self::NotAMember { .. } | Self::Outranked { .. } => RefusalKind::Forbidden,
            Self::AlreadyExists
            | Self::NothingToChange
            | Self::Archived
            | Self::PrivateChat
            | Self::ChannelIsPublic
            | Self::Banned { .. }
            | Self::OwnerMustHandOver
            | Self::ChatFull { .. } => RefusalKind::Conflict,
            Self::PrivateNeedsOneOther { .. } | Self::PrivateHasNoTitle | Self::TitleMissing | Self::OutOfBounds(_) => {
                RefusalKind::Invalid
            }
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            Self::PrivateNeedsOneOther { .. } => Some("/members".to_owned()),
            Self::PrivateHasNoTitle | Self::TitleMissing => Some("/title".to_owned()),
            Self::Outranked { .. } | Self::NoSuchMember { .. } => Some("/user".to_owned()),
            Self::NoSuchMessage { .. } => Some("/upTo".to_owned()),
            Self::Banned { field, .. } => field.clone(),
            Self::OutOfBounds(fault) => Some(fault.field.clone()),
            Self::NotFound
            | Self::AlreadyExists
            | Self::Forbidden { .. }
            | Self::NotAMember { .. }
            | Self::NothingToChange
            | Self::Archived
            | Self::PrivateChat
            | Self::ChannelIsPublic
            | Self::OwnerMustHandOver
            | Self::ChatFull { .. } => None,
        }
    }
}
