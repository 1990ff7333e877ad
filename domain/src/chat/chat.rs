//! A chat: a private one between two, a group that one is invited to, or a channel that anybody may join and its admins
//! write to. It may be tied to what it is about, and be made secret for good.
//!
//! It keeps who is in it and how, for its messages ask that of it, and up to where each has read. How many messages there
//! are is a projection's to count.

mod commands;
mod events;
mod membership;
mod refusal;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use commands::*;
use cqrs_es::{Aggregate, event_sink::EventSink};
pub use events::*;
pub use refusal::ChatRefusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bounds,
    chat::message::Message,
    decision::{Reads, Services, Target},
    entity::Entity,
    family::Family,
    id::{CaseId, ListingId, MessageId, OrderId, UserId},
    viewer::Viewer,
};

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chat {
    /// The conversation, once it was created.
    pub room: Option<Room>,
}

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

const SIGNED_IN: &str = "signed-in users";
const ADMINS: &str = "the chat's owner and admins";
const THE_OWNER: &str = "the owner who is named";

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

impl Chat {
    /// The chat, if the viewer may know of it.
    fn visible_room(&self, services: &Services) -> Result<&Room, ChatRefusal> {
        self.room
            .as_ref()
            .filter(|room| room.is_visible_to(&services.viewer))
            .ok_or(ChatRefusal::NotFound)
    }

    /// The chat, if the viewer may know of it and it is not over.
    fn open_room(&self, services: &Services) -> Result<&Room, ChatRefusal> {
        let room = self.visible_room(services)?;
        if room.archived {
            return Err(ChatRefusal::Archived);
        }
        Ok(room)
    }

    fn create(&self, command: CreateChat, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let CreateChat {
            kind,
            title,
            description,
            subject,
            owner,
            members,
        } = command;
        if self.room.is_some() {
            return Err(ChatRefusal::AlreadyExists);
        }
        let owner = owner
            .or_else(|| services.user())
            .ok_or(ChatRefusal::Forbidden { who: SIGNED_IN })?;
        if !services.viewer.is(owner) && !services.viewer.is_trusted() {
            return Err(ChatRefusal::Forbidden { who: THE_OWNER });
        }
        match (kind, &title) {
            (ChatKind::Private, Some(_)) => return Err(ChatRefusal::PrivateHasNoTitle),
            (ChatKind::Group | ChatKind::Channel, None) => return Err(ChatRefusal::TitleMissing),
            _ => {}
        }
        bounds::optional_text("/title", title.as_ref(), 1..=LONGEST_TITLE)?;
        bounds::optional_text("/description", description.as_ref(), 1..=LONGEST_DESCRIPTION)?;
        bounds::list("/members", &members, 0..=MOST_ADDED)?;
        let others: BTreeSet<_> = members.into_iter().filter(|member| *member != owner).collect();
        if kind == ChatKind::Private && others.len() != 1 {
            return Err(ChatRefusal::PrivateNeedsOneOther { given: others.len() });
        }
        Ok(ChatCreated {
            kind,
            title,
            description,
            subject,
            owner,
            members: others.into_iter().collect(),
        }
        .into())
    }

    fn change(&self, command: ChangeChat, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.administered_room(services)?;
        let ChangeChat { title, description } = command;
        bounds::optional_text("/title", title.as_ref(), 1..=LONGEST_TITLE)?;
        bounds::optional_text("/description", description.as_ref(), 0..=LONGEST_DESCRIPTION)?;
        let changed = ChatChanged {
            title: title.or_else(|| room.title.clone()),
            description: match description {
                None => room.description.clone(),
                Some(description) => Some(description).filter(|text| !text.trim().is_empty()),
            },
        };
        if changed.title == room.title && changed.description == room.description {
            return Err(ChatRefusal::NothingToChange);
        }
        Ok(changed.into())
    }

    fn archive(&self, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.visible_room(services)?;
        if !room.is_steered_by(&services.viewer) {
            return Err(ChatRefusal::Forbidden { who: ADMINS });
        }
        if room.archived {
            return Err(ChatRefusal::NothingToChange);
        }
        Ok(ChatArchived {}.into())
    }

    fn make_secret(&self, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.open_room(services)?;
        if !room.is_steered_by(&services.viewer) {
            return Err(ChatRefusal::Forbidden { who: ADMINS });
        }
        if room.kind == ChatKind::Channel {
            return Err(ChatRefusal::ChannelIsPublic);
        }
        if room.secret {
            return Err(ChatRefusal::NothingToChange);
        }
        Ok(ChatMadeSecret {}.into())
    }

    /// Reading goes on when the conversation is over.
    fn advance_read_marker(&self, command: AdvanceReadMarker, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.visible_room(services)?;
        let AdvanceReadMarker { up_to } = command;
        let user = services.user().ok_or(ChatRefusal::NotFound)?;
        let membership = room.membership(user);
        let Some(Membership {
            state: MembershipState::Joined,
            read_up_to,
            ..
        }) = membership
        else {
            return Err(ChatRefusal::NotAMember {
                membership: membership.map(|membership| membership.state),
            });
        };
        let message = services.scope.get::<Message>(&up_to.to_string());
        if message.is_none_or(|message| message.sent.is_none()) {
            return Err(ChatRefusal::NoSuchMessage { message: up_to });
        }
        if *read_up_to >= Some(up_to) {
            return Err(ChatRefusal::NothingToChange);
        }
        Ok(ChatReadMarkerAdvanced { user, up_to }.into())
    }

    fn decide(&self, command: ChatCommand, services: &Services) -> Result<Vec<ChatEvent>, ChatRefusal> {
        if services.user().is_none() {
            return Err(ChatRefusal::Forbidden { who: SIGNED_IN });
        }
        let event = match command {
            ChatCommand::Create(command) => self.create(command, services)?,
            ChatCommand::Change(command) => self.change(command, services)?,
            ChatCommand::Archive(ArchiveChat {}) => self.archive(services)?,
            ChatCommand::MakeSecret(MakeChatSecret {}) => self.make_secret(services)?,
            ChatCommand::Invite(command) => self.invite(command, services)?,
            ChatCommand::Join(JoinChat {}) => self.join(services)?,
            ChatCommand::AddMembers(command) => self.add_members(command, services)?,
            ChatCommand::Leave(LeaveChat {}) => self.leave(services)?,
            ChatCommand::RemoveMember(command) => self.remove_member(command, services)?,
            ChatCommand::Ban(command) => self.ban(command, services)?,
            ChatCommand::AdvanceReadMarker(command) => self.advance_read_marker(command, services)?,
            ChatCommand::ChangeRole(command) => return self.change_role(command, services),
        };
        Ok(vec![event])
    }
}

impl Aggregate for Chat {
    const TYPE: &'static str = "chat";
    type Command = ChatCommand;
    type Event = ChatEvent;
    type Error = ChatRefusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: ChatCommand,
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), ChatRefusal> {
        for event in self.decide(command, services)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ChatEvent) {
        if let ChatEvent::Created(event) = event {
            self.room = Some(Room::opened(event));
        } else if let Some(room) = &mut self.room {
            room.apply(event);
        }
    }
}

impl Room {
    fn opened(event: ChatCreated) -> Self {
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

    fn apply(&mut self, event: ChatEvent) {
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

impl Entity for Chat {
    const FAMILY: Family = Family::Chat;
    const PREFIX: &'static str = "cht";
    const PATH: &'static str = "chats/{chat}";

    fn reads(_target: &Target, command: &ChatCommand) -> Reads {
        match command {
            ChatCommand::AdvanceReadMarker(command) => Reads::Streams(vec![command.up_to.to_string()]),
            _ => Reads::Nothing,
        }
    }
}
