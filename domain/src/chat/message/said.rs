//! A message as it stands: what it says, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MessageContent, MessageEvent, MessageSent};
use crate::{
    id::{MessageId, UserId},
    personal::Personal,
};

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentMessage {
    /// Who said it.
    pub author: UserId,
    /// What it says; nothing once it is deleted.
    pub said: Option<Said>,
}

/// What a message says, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// What it says.
    pub content: Personal<MessageContent>,
    /// The messages that it answers.
    pub reply_to: Vec<MessageId>,
    /// The people whose attention it asks for.
    pub mentions: Vec<UserId>,
    /// Its hashtags.
    pub hashtags: Option<Personal<Vec<String>>>,
    /// Whether nobody was to be notified.
    pub silent: bool,
    /// Whether its author put it differently since.
    pub edited: bool,
    /// Whether it is pinned in its chat.
    pub pinned: bool,
    /// Who reacted, by emoji.
    pub reactions: BTreeMap<String, BTreeSet<UserId>>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageStatus {
    /// It stands as it was sent.
    Sent,
    /// Its author put it differently.
    Edited,
    /// It was taken back.
    Deleted,
}

impl SentMessage {
    /// What became of it.
    pub fn status(&self) -> MessageStatus {
        match &self.said {
            None => MessageStatus::Deleted,
            Some(said) if said.edited => MessageStatus::Edited,
            Some(_) => MessageStatus::Sent,
        }
    }
}

impl SentMessage {
    pub(super) fn first(event: MessageSent) -> Self {
        Self {
            author: event.author,
            said: Some(Said {
                content: event.content,
                reply_to: event.reply_to,
                mentions: event.mentions,
                hashtags: event.hashtags,
                silent: event.silent,
                edited: false,
                pinned: false,
                reactions: BTreeMap::new(),
            }),
        }
    }
}

impl Said {
    pub(super) fn apply(&mut self, event: MessageEvent) {
        match event {
            MessageEvent::Edited(event) => {
                self.content = event.content;
                self.mentions = event.mentions;
                self.hashtags = event.hashtags;
                self.edited = true;
            }
            MessageEvent::Reacted(event) => {
                self.reactions.entry(event.emoji).or_default().insert(event.user);
            }
            MessageEvent::Unreacted(event) => {
                if let Some(people) = self.reactions.get_mut(&event.emoji) {
                    people.remove(&event.user);
                    if people.is_empty() {
                        self.reactions.remove(&event.emoji);
                    }
                }
            }
            MessageEvent::Pinned(_) => self.pinned = true,
            MessageEvent::Unpinned(_) => self.pinned = false,
            MessageEvent::Sent(_) | MessageEvent::Deleted(_) => {}
        }
    }
}
