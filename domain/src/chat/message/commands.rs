//! What can be asked of a message, with the limits of each command; those of its content are in [`super::content`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MessageContent;
use crate::{
    commands,
    id::{MessageId, UserId},
};

commands! {
    /// What can be asked of a message.
    pub enum MessageCommand {
        Send(SendMessage) = "send", "Says something in the chat.";
        Edit(EditMessage) = "edit", "Puts it differently.";
        Delete(DeleteMessage) = "delete", "Takes it back.";
        React(ReactToMessage) = "react", "Adds the viewer's reaction.";
        Unreact(UnreactToMessage) = "unreact", "Takes the viewer's reaction back.";
        Pin(PinMessage) = "pin", "Pins it in its chat.";
        Unpin(UnpinMessage) = "unpin", "Unpins it.";
    }
}

/// The most messages that one message answers.
pub const MOST_REPLIED_TO: usize = 20;
/// The most people that it mentions.
pub const MOST_MENTIONS: usize = 50;
/// The most different emoji that it is reacted to with.
pub const MOST_EMOJI: usize = 50;
/// The longest emoji, in characters: flags, families and `:names:` take several.
pub const LONGEST_EMOJI: usize = 32;
/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 500;

/// Says something in the chat: ciphertext in a secret chat, anything else in others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendMessage {
    /// What.
    pub content: MessageContent,
    /// The messages of the same chat that it answers: up to 20.
    #[serde(default)]
    pub reply_to: Vec<MessageId>,
    /// The people whose attention it asks for: up to 50.
    #[serde(default)]
    pub mentions: Vec<UserId>,
    /// Hashtags beside those that stand in its text.
    #[serde(default)]
    pub hashtags: Vec<String>,
    /// Whether nobody is to be notified.
    #[serde(default)]
    pub silent: bool,
}

/// Puts it differently: what it says, whom it mentions and its hashtags are as told here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EditMessage {
    /// What it is to say.
    pub content: MessageContent,
    /// The people whose attention it asks for: up to 50.
    #[serde(default)]
    pub mentions: Vec<UserId>,
    /// Hashtags beside those that stand in its text.
    #[serde(default)]
    pub hashtags: Vec<String>,
}

/// Takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeleteMessage {
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Adds the viewer's reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReactToMessage {
    /// With what: 1 to 32 characters.
    pub emoji: String,
}

/// Takes the viewer's reaction back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnreactToMessage {
    /// Which.
    pub emoji: String,
}

/// Pins it in its chat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PinMessage {}

/// Unpins it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnpinMessage {}
