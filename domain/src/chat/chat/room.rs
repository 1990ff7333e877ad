//! A chat as it stands: what it is, and who is in it and how.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChatCreated, ChatEvent};
use crate::{
    id::{CaseId, ListingId, MessageId, OrderId, UserId},
    viewer::Viewer,
};

/// A chat that was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Between two, in a group, or to an audience.
    pub kind: ChatKind,
    /// What it is called.
    pub title: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// What it is tied to.
    pub subject: Option<Subject>,
    /// Whether only ciphertext may be said.
    pub secret: bool,
    /// Whether the conversation is over.
    pub archived: bool,
    /// Everybody who is in it, was in it, or may not come in.
    pub members: BTreeMap<UserId, Membership>,
}

/// How somebody stands to a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// In it, or not any more.
    pub state: MembershipState,
    /// What they may do while they are in it.
    pub role: ChatRole,
    /// The last message that they have read.
    pub read_up_to: Option<MessageId>,
}

/// Who talks to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChatKind {
    /// Two people, for good.
    Private,
    /// Those who were invited.
    Group,
    /// Anybody may join and read; its admins write.
    Channel,
}

/// Whether somebody is in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MembershipState {
    /// May join.
    Invited,
    /// Is in it.
    Joined,
    /// Went.
    Left,
    /// Was removed; may come back.
    Removed,
    /// Was shut out for good.
    Banned,
}

/// What a member may do. The order is that of rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChatRole {
    /// Reads, writes where members write, reacts.
    Member,
    /// Invites, removes, bans, pins and deletes too.
    Admin,
    /// Names the admins; there is one.
    Owner,
}

impl fmt::Display for ChatRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member => "a member",
            Self::Admin => "an admin",
            Self::Owner => "the owner",
        })
    }
}

/// What a chat is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Something offered.
    Listing(ListingId),
    /// A purchase.
    Order(OrderId),
    /// A request for bids.
    Case(CaseId),
}

impl Room {
    /// How this person stands to the chat; nothing when they never were in it.
    pub fn membership(&self, user: UserId) -> Option<&Membership> {
        self.members.get(&user)
    }

    /// Whether this person is in the chat.
    pub fn is_joined(&self, user: UserId) -> bool {
        self.membership(user)
            .is_some_and(|membership| membership.state == MembershipState::Joined)
    }

    /// Everybody who is in the chat.
    pub fn joined(&self) -> impl Iterator<Item = (UserId, &Membership)> {
        self.members
            .iter()
            .filter(|(_, membership)| membership.state == MembershipState::Joined)
            .map(|(user, membership)| (*user, membership))
    }

    /// The viewer's role, if they are in the chat.
    pub fn role_of(&self, viewer: &Viewer) -> Option<ChatRole> {
        let membership = self.membership(viewer.user?)?;
        (membership.state == MembershipState::Joined).then_some(membership.role)
    }

    /// Whether the viewer may know that the chat exists.
    pub fn is_visible_to(&self, viewer: &Viewer) -> bool {
        self.kind == ChatKind::Channel
            || viewer.is_trusted()
            || viewer.user.is_some_and(|user| self.members.contains_key(&user))
    }

    /// Whether the viewer is above the others: its owner or an admin. Nobody is, in a private chat.
    pub fn is_run_by(&self, viewer: &Viewer) -> bool {
        let ranks = self.kind != ChatKind::Private;
        viewer.is_trusted() || ranks && self.role_of(viewer) >= Some(ChatRole::Admin)
    }

    /// Whether the viewer has a say in what becomes of the chat: one of the two, or an admin.
    pub fn is_steered_by(&self, viewer: &Viewer) -> bool {
        self.is_run_by(viewer) || self.kind == ChatKind::Private && self.role_of(viewer).is_some()
    }

    /// How somebody in the chat stands to it.
    fn admit(&mut self, user: UserId, state: MembershipState, role: ChatRole) {
        let read_up_to = self.membership(user).and_then(|membership| membership.read_up_to);
        self.members.insert(
            user,
            Membership {
                state,
                role,
                read_up_to,
            },
        );
    }
}

impl Room {
    pub(super) fn opened(event: ChatCreated) -> Self {
        let mut room = Self {
            kind: event.kind,
            title: event.title,
            description: event.description,
            subject: event.subject,
            secret: false,
            archived: false,
            members: BTreeMap::new(),
        };
        for member in event.members {
            room.admit(member, MembershipState::Joined, ChatRole::Member);
        }
        room.admit(event.owner, MembershipState::Joined, ChatRole::Owner);
        room
    }

    pub(super) fn apply(&mut self, event: ChatEvent) {
        use {ChatRole::Member, MembershipState as State};
        match event {
            ChatEvent::Created(_) => {}
            ChatEvent::Changed(event) => {
                self.title = event.title;
                self.description = event.description;
            }
            ChatEvent::Archived(_) => self.archived = true,
            ChatEvent::MadeSecret(_) => self.secret = true,
            ChatEvent::MemberInvited(event) => self.admit(event.user, State::Invited, Member),
            ChatEvent::MemberJoined(event) => self.admit(event.user, State::Joined, Member),
            ChatEvent::MembersAdded(event) => {
                for user in event.members {
                    self.admit(user, State::Joined, Member);
                }
            }
            ChatEvent::MemberLeft(event) => self.admit(event.user, State::Left, Member),
            ChatEvent::MemberRemoved(event) => self.admit(event.user, State::Removed, Member),
            ChatEvent::MemberBanned(event) => self.admit(event.user, State::Banned, Member),
            ChatEvent::RoleChanged(event) => self.admit(event.user, State::Joined, event.role),
            ChatEvent::ReadMarkerAdvanced(event) => {
                if let Some(membership) = self.members.get_mut(&event.user) {
                    membership.read_up_to = Some(event.up_to);
                }
            }
        }
    }
}
