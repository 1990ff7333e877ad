//! Why a command for a message was refused. Somebody who has no business in a private chat or a group is told that there
//! is no such message, whatever they ask.

use serde::Serialize;

use crate::{
    bounds::OutOfBounds,
    chat::{chat::MembershipState, message::content::ContentFault},
    decision::{Refusal, RefusalKind},
    id::MessageId,
};

/// Why a command for a message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum MessageRefusal {
    /// Nobody sent it, or its chat is none of the viewer's business.
    #[error("there is no such message")]
    NotFound,
    /// It was sent before.
    #[error("the message was sent before")]
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
    /// The conversation is over.
    #[error("the chat is archived")]
    Archived,
    /// The message was taken back.
    #[error("the message was deleted")]
    Deleted,
    /// Nothing would be different.
    #[error("nothing would change")]
    NothingToChange,
    /// The chat is secret, and this is not encrypted.
    #[error("the chat is secret: only ciphertext is said there")]
    NeedsCiphertext {
        /// JSON pointer to what is open; told beside the facts.
        #[serde(skip)]
        field: &'static str,
    },
    /// The chat is not secret, and this is encrypted.
    #[error("the chat is not secret: ciphertext is for secret chats")]
    NeedsPlainContent,
    /// It answers a message that is not in the chat.
    #[error("there is no message {message} in the chat to reply to")]
    NoSuchMessage {
        /// Which.
        message: MessageId,
        /// Where it is named, from 0; told beside the facts.
        #[serde(skip)]
        index: usize,
    },
    /// It answers a message that was taken back.
    #[error("the message {message} was deleted, it can not be replied to")]
    ReplyToDeleted {
        /// Which.
        message: MessageId,
        /// Where it is named, from 0; told beside the facts.
        #[serde(skip)]
        index: usize,
    },
    /// It is reacted to with as many emoji as it can.
    #[error("a message has at most {most} different reactions")]
    TooManyReactions {
        /// The most.
        most: usize,
    },
    /// Not a hashtag.
    #[error("a hashtag has letters, digits and underscores, at most 100, and at least one letter")]
    NotAHashtag {
        /// Where it is, from 0; told beside the facts.
        #[serde(skip)]
        index: usize,
    },
    /// The ciphertext has characters that base64 has not.
    #[error("ciphertext is base64")]
    NotBase64,
    /// A text or list is too long, or empty.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
}

impl From<ContentFault> for MessageRefusal {
    fn from(fault: ContentFault) -> Self {
        match fault {
            ContentFault::NotBase64 => Self::NotBase64,
            ContentFault::OutOfBounds(fault) => Self::OutOfBounds(fault),
        }
    }
}

impl Refusal for MessageRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound | Self::NoSuchMessage { .. } => RefusalKind::NotFound,
            Self::Forbidden { .. } | Self::NotAMember { .. } => RefusalKind::Forbidden,
            Self::AlreadyExists
            | Self::Archived
            | Self::Deleted
            | Self::NothingToChange
            | Self::NeedsCiphertext { .. }
            | Self::NeedsPlainContent
            | Self::ReplyToDeleted { .. }
            | Self::TooManyReactions { .. } => RefusalKind::Conflict,
            Self::NotAHashtag { .. } | Self::NotBase64 | Self::OutOfBounds(_) => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<String> {
        Some(match self {
            Self::NeedsCiphertext { field } => (*field).to_owned(),
            Self::NeedsPlainContent => "/content".to_owned(),
            Self::NoSuchMessage { index, .. } | Self::ReplyToDeleted { index, .. } => format!("/replyTo/{index}"),
            Self::TooManyReactions { .. } => "/emoji".to_owned(),
            Self::NotAHashtag { index } => format!("/hashtags/{index}"),
            Self::NotBase64 => "/content/ciphertext".to_owned(),
            Self::OutOfBounds(fault) => fault.field.clone(),
            Self::NotFound
            | Self::AlreadyExists
            | Self::Forbidden { .. }
            | Self::NotAMember { .. }
            | Self::Archived
            | Self::Deleted
            | Self::NothingToChange => return None,
        })
    }
}
