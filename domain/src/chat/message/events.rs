//! What happened to a message. What its author said belongs to them, hashtags included.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessageContent;
use crate::{
    events,
    id::{MessageId, UserId},
    personal::Personal,
};

events! {
    /// What happened to a message.
    pub enum MessageEvent {
        Sent(MessageSent) = "message.sent.v1";
        Edited(MessageEdited) = "message.edited.v1";
        Deleted(MessageDeleted) = "message.deleted.v1";
        Reacted(MessageReacted) = "message.reacted.v1";
        Unreacted(MessageUnreacted) = "message.unreacted.v1";
        Pinned(MessagePinned) = "message.pinned.v1";
        Unpinned(MessageUnpinned) = "message.unpinned.v1";
    }
}

/// Somebody said something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSent {
    /// Who.
    pub author: UserId,
    /// What.
    pub content: Personal<MessageContent>,
    /// The messages of the same chat that it answers, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<MessageId>,
    /// The people whose attention it asks for, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Its hashtags, lower case and without `#`, each once; absent when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashtags: Option<Personal<Vec<String>>>,
    /// Whether nobody is to be notified.
    pub silent: bool,
}

/// The author put it differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageEdited {
    /// What it says now.
    pub content: Personal<MessageContent>,
    /// The people whose attention it asks for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Its hashtags now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashtags: Option<Personal<Vec<String>>>,
}

/// It was taken back, with its reactions and its pin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageDeleted {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Somebody reacted to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageReacted {
    /// Who.
    pub user: UserId,
    /// With what.
    pub emoji: String,
}

/// Somebody took a reaction back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageUnreacted {
    /// Who.
    pub user: UserId,
    /// Which.
    pub emoji: String,
}

/// It was pinned in its chat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessagePinned {}

/// It was unpinned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageUnpinned {}
