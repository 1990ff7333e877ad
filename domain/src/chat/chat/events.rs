//! What happened to a chat. Who did it stands in the envelope.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChatKind, ChatRole, Subject};
use crate::{
    events,
    id::{MessageId, UserId},
};

events! {
    /// What happened to a chat.
    pub enum ChatEvent {
        Created(ChatCreated) = "chat.created.v1";
        Changed(ChatChanged) = "chat.changed.v1";
        Archived(ChatArchived) = "chat.archived.v1";
        MadeSecret(ChatMadeSecret) = "chat.made-secret.v1";
        MemberInvited(ChatMemberInvited) = "chat.member-invited.v1";
        MemberJoined(ChatMemberJoined) = "chat.member-joined.v1";
        MembersAdded(ChatMembersAdded) = "chat.members-added.v1";
        MemberLeft(ChatMemberLeft) = "chat.member-left.v1";
        MemberRemoved(ChatMemberRemoved) = "chat.member-removed.v1";
        MemberBanned(ChatMemberBanned) = "chat.member-banned.v1";
        RoleChanged(ChatRoleChanged) = "chat.role-changed.v1";
        ReadMarkerAdvanced(ChatReadMarkerAdvanced) = "chat.read-marker-advanced.v1";
    }
}

/// A conversation began. Its owner and the members named here have joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatCreated {
    /// Between two, in a group, or to an audience.
    pub kind: ChatKind,
    /// What it is called; nothing for a private chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Who owns it.
    pub owner: UserId,
    /// The others who are in it from the start.
    pub members: Vec<UserId>,
}

/// Title or description changed; both are told as they are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatChanged {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The conversation is over; it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatArchived {}

/// From here on only ciphertext is said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatMadeSecret {}

/// Somebody may join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatMemberInvited {
    /// Who.
    pub user: UserId,
}

/// Somebody joined, as a plain member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatMemberJoined {
    /// Who.
    pub user: UserId,
}

/// Several people were brought in, as plain members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatMembersAdded {
    /// Who; none of them was in the chat.
    pub members: Vec<UserId>,
}

/// Somebody left, or declined an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatMemberLeft {
    /// Who.
    pub user: UserId,
}

/// Somebody was removed, or an invitation withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatMemberRemoved {
    /// Who.
    pub user: UserId,
}

/// Somebody was shut out for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatMemberBanned {
    /// Who.
    pub user: UserId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A member may do more, or less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatRoleChanged {
    /// Who.
    pub user: UserId,
    /// What they are now.
    pub role: ChatRole,
}

/// A member has read further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatReadMarkerAdvanced {
    /// Who.
    pub user: UserId,
    /// The last message that they have read.
    pub up_to: MessageId,
}
