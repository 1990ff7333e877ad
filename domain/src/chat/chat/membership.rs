//! Who is in a chat and how: invite, join, leave, remove, ban, change role.

use std::collections::BTreeSet;

use super::{
    ADMINS, AddChatMembers, BanFromChat, ChangeChatRole, Chat, ChatEvent, ChatKind, ChatMemberBanned,
    ChatMemberInvited, ChatMemberJoined, ChatMemberLeft, ChatMemberRemoved, ChatMembersAdded, ChatRefusal, ChatRole,
    ChatRoleChanged, InviteToChat, LONGEST_REASON, MOST_ADDED, MOST_MEMBERS, MembershipState, RemoveChatMember, Room,
};
use crate::{bounds, decision::Services, id::UserId, viewer::Viewer};

const OWNER: &str = "the chat's owner";
const INVITED: &str = "people who were invited";

impl Chat {
    pub(super) fn invite(&self, command: InviteToChat, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.administered_room(services)?;
        let InviteToChat { user } = command;
        match room.state_of(user) {
            Some(MembershipState::Invited | MembershipState::Joined) => return Err(ChatRefusal::NothingToChange),
            Some(MembershipState::Banned) => return Err(banned(user, "/user")),
            Some(MembershipState::Left | MembershipState::Removed) => {}
            None => room.check_room_for(1)?,
        }
        Ok(ChatMemberInvited { user }.into())
    }

    pub(super) fn join(&self, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.peopled_room(services)?;
        let user = services.user().ok_or(ChatRefusal::NotFound)?;
        match room.state_of(user) {
            Some(MembershipState::Joined) => return Err(ChatRefusal::NothingToChange),
            Some(MembershipState::Banned) => return Err(ChatRefusal::Banned { user, field: None }),
            Some(MembershipState::Invited) => {}
            _ if room.kind == ChatKind::Group && !services.viewer.is_trusted() => {
                return Err(ChatRefusal::Forbidden { needs: INVITED });
            }
            Some(MembershipState::Left | MembershipState::Removed) => {}
            None => room.check_room_for(1)?,
        }
        Ok(ChatMemberJoined { user }.into())
    }

    pub(super) fn add_members(&self, command: AddChatMembers, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.administered_room(services)?;
        bounds::list("/members", &command.members, 1..=MOST_ADDED)?;
        let mut added = BTreeSet::new();
        for (index, user) in command.members.into_iter().enumerate() {
            match room.state_of(user) {
                Some(MembershipState::Joined) => {}
                Some(MembershipState::Banned) => return Err(banned(user, format!("/members/{index}"))),
                _ => {
                    added.insert(user);
                }
            }
        }
        if added.is_empty() {
            return Err(ChatRefusal::NothingToChange);
        }
        room.check_room_for(added.iter().filter(|user| room.state_of(**user).is_none()).count())?;
        Ok(ChatMembersAdded {
            members: added.into_iter().collect(),
        }
        .into())
    }

    pub(super) fn leave(&self, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.visible_room(services)?;
        room.check_not_private()?;
        let user = services.user().ok_or(ChatRefusal::NotFound)?;
        let membership = room.membership(user);
        match membership.map(|membership| membership.state) {
            Some(MembershipState::Joined | MembershipState::Invited) => {}
            Some(MembershipState::Left) => return Err(ChatRefusal::NothingToChange),
            membership => return Err(ChatRefusal::NotAMember { membership }),
        }
        let is_owner = membership.is_some_and(|membership| membership.role == ChatRole::Owner);
        if is_owner && room.joined().any(|(other, _)| other != user) {
            return Err(ChatRefusal::OwnerMustHandOver);
        }
        Ok(ChatMemberLeft { user }.into())
    }

    pub(super) fn remove_member(
        &self,
        command: RemoveChatMember,
        services: &Services,
    ) -> Result<ChatEvent, ChatRefusal> {
        let room = self.administered_room(services)?;
        let RemoveChatMember { user } = command;
        match room.state_of(user) {
            Some(MembershipState::Joined | MembershipState::Invited) => {}
            Some(_) => return Err(ChatRefusal::NothingToChange),
            None => return Err(ChatRefusal::NoSuchMember { user }),
        }
        room.check_rank(&services.viewer, user)?;
        Ok(ChatMemberRemoved { user }.into())
    }

    pub(super) fn ban(&self, command: BanFromChat, services: &Services) -> Result<ChatEvent, ChatRefusal> {
        let room = self.administered_room(services)?;
        let BanFromChat { user, reason } = command;
        bounds::optional_text("/reason", reason.as_ref(), 1..=LONGEST_REASON)?;
        match (room.state_of(user), room.kind) {
            (Some(MembershipState::Banned), _) => return Err(ChatRefusal::NothingToChange),
            (Some(_), _) => room.check_rank(&services.viewer, user)?,
            // Whoever is remembered by a group can tell that it exists: a stranger is not.
            (None, ChatKind::Group | ChatKind::Private) => return Err(ChatRefusal::NoSuchMember { user }),
            (None, ChatKind::Channel) => room.check_room_for(1)?,
        }
        Ok(ChatMemberBanned { user, reason }.into())
    }

    /// Making somebody the owner makes the former owner an admin: two events.
    pub(super) fn change_role(
        &self,
        command: ChangeChatRole,
        services: &Services,
    ) -> Result<Vec<ChatEvent>, ChatRefusal> {
        let room = self.peopled_room(services)?;
        let viewer = &services.viewer;
        if !viewer.is_trusted() && room.role_of(viewer) != Some(ChatRole::Owner) {
            return Err(ChatRefusal::Forbidden { needs: OWNER });
        }
        let ChangeChatRole { user, role } = command;
        let held = room
            .membership(user)
            .filter(|membership| membership.state == MembershipState::Joined)
            .ok_or(ChatRefusal::NoSuchMember { user })?
            .role;
        if held == role {
            return Err(ChatRefusal::NothingToChange);
        }
        if held == ChatRole::Owner {
            return Err(ChatRefusal::OwnerMustHandOver);
        }
        let former_owner = room
            .joined()
            .find(|(_, membership)| role == ChatRole::Owner && membership.role == ChatRole::Owner);
        let mut events = vec![ChatRoleChanged { user, role }.into()];
        events.extend(former_owner.map(|(user, _)| {
            let role = ChatRole::Admin;
            ChatRoleChanged { user, role }.into()
        }));
        Ok(events)
    }

    /// The chat, if people come and go there.
    fn peopled_room(&self, services: &Services) -> Result<&Room, ChatRefusal> {
        let room = self.open_room(services)?;
        room.check_not_private()?;
        Ok(room)
    }

    /// The chat, if people come and go there and the viewer has a say in it.
    pub(super) fn administered_room(&self, services: &Services) -> Result<&Room, ChatRefusal> {
        let room = self.peopled_room(services)?;
        if !room.is_run_by(&services.viewer) {
            return Err(ChatRefusal::Forbidden { needs: ADMINS });
        }
        Ok(room)
    }
}

impl Room {
    fn state_of(&self, user: UserId) -> Option<MembershipState> {
        self.membership(user).map(|membership| membership.state)
    }

    fn check_not_private(&self) -> Result<(), ChatRefusal> {
        if self.kind == ChatKind::Private {
            return Err(ChatRefusal::PrivateChat);
        }
        Ok(())
    }

    fn check_room_for(&self, more: usize) -> Result<(), ChatRefusal> {
        if self.members.len() + more > MOST_MEMBERS {
            return Err(ChatRefusal::ChatFull { most: MOST_MEMBERS });
        }
        Ok(())
    }

    /// Refuses to lay hands on somebody who is not below the viewer: oneself, for one.
    fn check_rank(&self, viewer: &Viewer, user: UserId) -> Result<(), ChatRefusal> {
        let theirs = self
            .membership(user)
            .filter(|membership| membership.state == MembershipState::Joined)
            .map_or(ChatRole::Member, |membership| membership.role);
        let above = viewer.is_trusted() || self.role_of(viewer).is_some_and(|role| role > theirs);
        if !above {
            return Err(ChatRefusal::Outranked { role: theirs });
        }
        Ok(())
    }
}

fn banned(user: UserId, field: impl Into<String>) -> ChatRefusal {
    ChatRefusal::Banned {
        user,
        field: Some(field.into()),
    }
}
