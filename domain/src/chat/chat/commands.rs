//! What can be asked of a chat, with the limits of each command.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChatKind, ChatRole, Subject};
use crate::{
    commands,
    id::{MessageId, UserId},
};

commands! {
    /// What can be asked of a chat.
    pub enum ChatCommand {
        Create(CreateChat) = "create", "Begins a conversation.";
        Change(ChangeChat) = "change", "Changes title or description.";
        Archive(ArchiveChat) = "archive", "Ends the conversation; it can still be read.";
        MakeSecret(MakeChatSecret) = "make-secret", "Allows only end-to-end encrypted messages from here on, for good.";
        Invite(InviteToChat) = "invite", "Lets somebody join.";
        Join(JoinChat) = "join", "Joins: a channel freely, a group when invited.";
        AddMembers(AddChatMembers) = "add-members", "Brings several people in at once.";
        Leave(LeaveChat) = "leave", "Leaves, or declines an invitation.";
        RemoveMember(RemoveChatMember) = "remove-member", "Removes a member, or withdraws an invitation.";
        Ban(BanFromChat) = "ban", "Shuts somebody out for good.";
        ChangeRole(ChangeChatRole) = "change-role", "Makes a member an admin, a plain member or the owner.";
        AdvanceReadMarker(AdvanceReadMarker) = "advance-read-marker", "Says up to which message the viewer has read.";
    }
}

/// The most people that one command brings in.
pub const MOST_ADDED: usize = 500;
/// The most people that a chat remembers, those who left included.
pub const MOST_MEMBERS: usize = 100_000;
/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 200;
/// The longest description, in characters.
pub const LONGEST_DESCRIPTION: usize = 2_000;
/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 500;

/// Begins a conversation. A private one is between the owner and exactly one other, and has no title; a group or a
/// channel has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreateChat {
    /// Between two, in a group, or to an audience.
    pub kind: ChatKind,
    /// What it is called.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub description: Option<String>,
    /// What it is tied to.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// Who owns it: the viewer, unless an importer or a process names somebody.
    #[serde(default)]
    pub owner: Option<UserId>,
    /// The others who are in it from the start: up to 500.
    #[serde(default)]
    pub members: Vec<UserId>,
}

/// Changes title or description; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeChat {
    /// What it is called.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is about; an empty text takes the description away.
    #[serde(default)]
    pub description: Option<String>,
}

/// Ends the conversation; it can still be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ArchiveChat {}

/// Allows only end-to-end encrypted messages from here on, for good.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MakeChatSecret {}

/// Lets somebody join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InviteToChat {
    /// Who.
    pub user: UserId,
}

/// Joins: a channel freely, a group when invited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JoinChat {}

/// Brings several people in at once; who is in the chat already is passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddChatMembers {
    /// Who: 1 to 500.
    pub members: Vec<UserId>,
}

/// Leaves, or declines an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LeaveChat {}

/// Removes a member, or withdraws an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveChatMember {
    /// Who.
    pub user: UserId,
}

/// Shuts somebody out for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BanFromChat {
    /// Who.
    pub user: UserId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Makes a member an admin, a plain member or the owner. A chat has one owner: the former one becomes an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeChatRole {
    /// Who.
    pub user: UserId,
    /// What they are to be.
    pub role: ChatRole,
}

/// Says up to which message the viewer has read. It never goes back; messages are ordered by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AdvanceReadMarker {
    /// The last message that they have read.
    pub up_to: MessageId,
}
