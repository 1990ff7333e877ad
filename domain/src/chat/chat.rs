//! A chat: a private one between two, a group that one is invited to, or a channel that anybody may join and its admins
//! write to. It may be tied to what it is about, and be made secret for good.
//!
//! It keeps who is in it and how, for its messages ask that of it, and up to where each has read. How many messages there
//! are is a projection's to count.

mod commands;
mod events;
mod membership;
mod refusal;
mod room;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use commands::*;
use cqrs_es::{Aggregate, event_sink::EventSink};
pub use events::*;
pub use refusal::ChatRefusal;
pub use room::{ChatKind, ChatRole, Membership, MembershipState, Room, Subject};
use serde::{Deserialize, Serialize};

use crate::{
    bounds,
    chat::message::Message,
    decision::{Reads, Services, Target},
    entity::Entity,
    family::Family,
};

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chat {
    /// The conversation, once it was created.
    pub room: Option<Room>,
}

const SIGNED_IN: &str = "signed-in users";
const ADMINS: &str = "the chat's owner and admins";
const THE_OWNER: &str = "the owner who is named";

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
            .ok_or(ChatRefusal::Forbidden { needs: SIGNED_IN })?;
        if !services.viewer.is(owner) && !services.viewer.is_trusted() {
            return Err(ChatRefusal::Forbidden { needs: THE_OWNER });
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
            return Err(ChatRefusal::Forbidden { needs: ADMINS });
        }
        if room.archived {
            return Err(ChatRefusal::NothingToChange);
        }
        Ok(ChatArchived {}.into())
    }

    fn make_secret(&self, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.open_room(services)?;
        if !room.is_steered_by(&services.viewer) {
            return Err(ChatRefusal::Forbidden { needs: ADMINS });
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
            return Err(ChatRefusal::Forbidden { needs: SIGNED_IN });
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
