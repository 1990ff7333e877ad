//! Who is in a chat, and who brings or shuts them out.

use super::*;

/// What becomes of somebody by where they stand. `+` is accepted, `=` is so already, `b` banned, `?` no such member,
/// `-` not a member, `x` forbidden.
#[test]
fn every_membership_allows_exactly_the_commands_of_the_state_machine() {
    use Place as At;
    let table = [
        //              invite join add leave remove ban role, in a group; and in a channel
        (At::Unknown, "+ 0 + 0 ? ? ?", "+ + + - ? + ?"),
        (At::Invited, "= + + + + + ?", "= + + + + + ?"),
        (At::Joined, "= = = + + + +", "= = = + + + +"),
        (At::Left, "+ x + = = + ?", "+ + + = = + ?"),
        (At::Removed, "+ x + - = + ?", "+ + + - = + ?"),
        (At::Banned, "b b b - = = ?", "b b b - = = ?"),
    ];
    let company = Company::new();
    for (place, in_group, in_channel) in table {
        for (kind, row) in [(ChatKind::Group, in_group), (ChatKind::Channel, in_channel)] {
            let user = UserId::generate();
            let [_, _, _, invite, join, add, leave, remove, ban, role, _] = commands(user, MessageId::generate());
            let by_owner = || brought(company.by_user(kind, company.owner), user, place);
            let by_self = || brought(company.by_user(kind, user), user, place);
            let stories = [
                by_owner().when(invite),
                by_self().when(join),
                by_owner().when(add),
                by_self().when(leave),
                by_owner().when(remove),
                by_owner().when(ban),
                by_owner().when(role),
            ];
            for (number, (story, expected)) in stories.into_iter().zip(row.split(' ')).enumerate() {
                let got = match story.answer() {
                    Ok(_) => "+",
                    Err(ChatRefusal::NothingToChange) => "=",
                    Err(ChatRefusal::Banned { .. }) => "b",
                    Err(ChatRefusal::NoSuchMember { .. }) => "?",
                    Err(ChatRefusal::NotAMember { .. }) => "-",
                    Err(ChatRefusal::Forbidden { .. }) => "x",
                    Err(ChatRefusal::NotFound) => "0",
                    Err(other) => panic!("{kind:?}, {place:?}, column {number}: {other}"),
                };
                assert_eq!(got, expected, "{kind:?}, {place:?}, column {number}");
            }
        }
    }
}

#[test]
fn somebody_is_invited_joins_leaves_is_asked_again_and_is_banned() {
    let company = Company::new();
    let user = UserId::generate();
    let state = |story: &Scenario<Chat>| story.state().room.as_ref().unwrap().membership(user).unwrap().state;
    let owner = Viewer::new(company.owner, []);
    let guest = Viewer::new(user, []);
    let story = company
        .by(ChatKind::Group, owner.clone())
        .when(InviteToChat { user })
        .then_one(ChatMemberInvited { user });
    assert_eq!(state(&story), MembershipState::Invited);
    let story = story
        .by(guest.clone())
        .when(JoinChat {})
        .then_one(ChatMemberJoined { user });
    assert_eq!(state(&story), MembershipState::Joined);
    let story = story.when(LeaveChat {}).then_one(ChatMemberLeft { user });
    assert_eq!(state(&story), MembershipState::Left);
    let story = story
        .when(JoinChat {})
        .then_refused(ChatRefusal::Forbidden {
            needs: "people who were invited",
        })
        .by(owner.clone())
        .when(InviteToChat { user })
        .then_one(ChatMemberInvited { user })
        .by(guest.clone())
        .when(JoinChat {})
        .then_one(ChatMemberJoined { user })
        .by(owner)
        .when(RemoveChatMember { user })
        .then_one(ChatMemberRemoved { user });
    assert_eq!(state(&story), MembershipState::Removed);
    let story = story
        .when(BanFromChat {
            user,
            reason: Some("spam".to_owned()),
        })
        .then_one(ChatMemberBanned {
            user,
            reason: Some("spam".to_owned()),
        });
    assert_eq!(state(&story), MembershipState::Banned);
    story
        .by(guest)
        .when(JoinChat {})
        .then_refused(ChatRefusal::Banned { user, field: None });
}

/// Who may give which command: `+` may, `.` may not, `^` is outranked.
#[test]
fn a_chat_is_run_by_its_owner_and_admins() {
    let company = Company::new();
    let importer = Viewer::new(UserId::generate(), [Role::Importer]);
    let table = [
        //                                   change archive secret invite add remove ban role
        (Viewer::new(company.owner, []), "+ + + + + + + +"),
        (Viewer::new(company.admin, []), "+ + + + + + + ."),
        (Viewer::new(company.member, []), ". . . . . . . ."),
        (importer, "+ + + + + + + +"),
    ];
    for (viewer, row) in table {
        let target = UserId::generate();
        let newcomer = UserId::generate();
        let [change, archive, secret, ..] = commands(target, MessageId::generate());
        let [.., remove, ban, role, _] = commands(target, MessageId::generate());
        let [_, _, _, invite, _, add, ..] = commands(newcomer, MessageId::generate());
        let asked = [change, archive, secret, invite, add, remove, ban, role];
        for (command, expected) in asked.into_iter().zip(row.split(' ')) {
            let story =
                brought(company.by(ChatKind::Group, viewer.clone()), target, Place::Joined).when(command.clone());
            let got = match story.answer() {
                Ok(_) => "+",
                Err(ChatRefusal::Forbidden { .. }) => ".",
                Err(other) => panic!("{command:?}: {other}"),
            };
            assert_eq!(got, expected, "{viewer:?}, {command:?}");
        }
    }
}

#[test]
fn nobody_removes_or_bans_who_is_not_below_them() {
    let company = Company::new();
    let peer = UserId::generate();
    for (user, role) in [
        (company.owner, ChatRole::Owner),
        (company.admin, ChatRole::Admin),
        (peer, ChatRole::Admin),
    ] {
        brought(company.by_user(ChatKind::Group, company.admin), peer, Place::Joined)
            .given(ChatRoleChanged {
                user: peer,
                role: ChatRole::Admin,
            })
            .when(RemoveChatMember { user })
            .then_refused(ChatRefusal::Outranked { role })
            .when(BanFromChat { user, reason: None })
            .then_refused(ChatRefusal::Outranked { role });
    }
    company
        .by_user(ChatKind::Group, company.owner)
        .when(RemoveChatMember { user: company.owner })
        .then_refused(ChatRefusal::Outranked { role: ChatRole::Owner })
        .when(RemoveChatMember { user: company.admin })
        .then_one(ChatMemberRemoved { user: company.admin });
}

#[test]
fn a_chat_has_one_owner_who_hands_over_before_going() {
    let company = Company::new();
    company
        .by_user(ChatKind::Group, company.owner)
        .when(LeaveChat {})
        .then_refused(ChatRefusal::OwnerMustHandOver)
        .when(ChangeChatRole {
            user: company.owner,
            role: ChatRole::Member,
        })
        .then_refused(ChatRefusal::OwnerMustHandOver)
        .when(ChangeChatRole {
            user: company.member,
            role: ChatRole::Owner,
        })
        .then(vec![
            ChatRoleChanged {
                user: company.member,
                role: ChatRole::Owner,
            }
            .into(),
            ChatRoleChanged {
                user: company.owner,
                role: ChatRole::Admin,
            }
            .into(),
        ])
        .when(LeaveChat {})
        .then_one(ChatMemberLeft { user: company.owner });
}

#[test]
fn the_last_one_in_a_chat_may_leave_it_though_they_own_it() {
    let company = Company::new();
    company
        .by_user(ChatKind::Group, company.owner)
        .given(ChatMemberLeft { user: company.admin })
        .given(ChatMemberLeft { user: company.member })
        .when(LeaveChat {})
        .then_one(ChatMemberLeft { user: company.owner });
}

#[test]
fn a_role_that_is_held_is_not_given_again() {
    let company = Company::new();
    company
        .by_user(ChatKind::Group, company.owner)
        .when(ChangeChatRole {
            user: company.admin,
            role: ChatRole::Admin,
        })
        .then_refused(ChatRefusal::NothingToChange);
}

#[test]
fn whoever_comes_back_is_a_plain_member_and_has_read_what_they_had_read() {
    let company = Company::new();
    let up_to = MessageId::generate();
    let story = company
        .by_user(ChatKind::Channel, company.admin)
        .given(ChatReadMarkerAdvanced {
            user: company.admin,
            up_to,
        })
        .when(LeaveChat {})
        .when(JoinChat {})
        .then_one(ChatMemberJoined { user: company.admin });
    assert_eq!(
        story.state().room.as_ref().unwrap().membership(company.admin),
        Some(&Membership {
            state: MembershipState::Joined,
            role: ChatRole::Member,
            read_up_to: Some(up_to),
        })
    );
}

#[test]
fn an_importer_joins_a_group_as_the_actor_it_names_but_not_past_a_ban() {
    let company = Company::new();
    let user = UserId::generate();
    let actor = || Viewer::new(user, [Role::Importer]);
    company
        .by(ChatKind::Group, actor())
        .when(JoinChat {})
        .then_one(ChatMemberJoined { user });
    brought(company.by(ChatKind::Group, actor()), user, Place::Banned)
        .when(JoinChat {})
        .then_refused(ChatRefusal::Banned { user, field: None });
}

#[test]
fn several_people_are_brought_in_at_once_and_who_is_in_is_passed_over() {
    let company = Company::new();
    let mut newcomers = vec![UserId::generate(), UserId::generate()];
    newcomers.sort_unstable();
    let mut named = newcomers.clone();
    named.extend([company.member, newcomers[0]]);
    let banned = UserId::generate();
    brought(company.by_importer(ChatKind::Group), banned, Place::Banned)
        .when(AddChatMembers { members: named })
        .then_one(ChatMembersAdded {
            members: newcomers.clone(),
        })
        .when(AddChatMembers {
            members: newcomers.clone(),
        })
        .then_refused(ChatRefusal::NothingToChange)
        .when(AddChatMembers {
            members: vec![newcomers[0], banned],
        })
        .then_refused(ChatRefusal::Banned {
            user: banned,
            field: Some("/members/1".to_owned()),
        })
        .when(AddChatMembers { members: vec![] })
        .then_refused(out_of_bounds("/members", Unit::Entries, 1, 500, 0))
        .when(AddChatMembers {
            members: vec![UserId::generate(); 501],
        })
        .then_refused(out_of_bounds("/members", Unit::Entries, 1, 500, 501));
}

#[test]
fn a_chat_remembers_a_bounded_number_of_people() {
    let company = Company::new();
    let user = UserId::generate();
    let full = ChatRefusal::ChatFull { most: MOST_MEMBERS };
    let story = company.by_importer(ChatKind::Channel).given(ChatMembersAdded {
        members: (3..MOST_MEMBERS).map(|_| UserId::generate()).collect(),
    });
    story
        .when(AddChatMembers { members: vec![user] })
        .then_refused(full.clone())
        .when(InviteToChat { user })
        .then_refused(full.clone())
        .when(BanFromChat { user, reason: None })
        .then_refused(full.clone())
        .by(Viewer::new(user, []))
        .when(JoinChat {})
        .then_refused(full)
        .by(Viewer::new(company.member, []))
        .when(LeaveChat {})
        .when(JoinChat {})
        .then_one(ChatMemberJoined { user: company.member });
}
