//! Who may give which command. In the tables: `+` may, `.` may not, `-` is not a member, `0` is not told that there is a
//! chat; the columns are send, edit, delete, react, unreact, pin, unpin.

use super::*;

/// Who asks in which kind of chat after what happened there, and what they may do.
type Rights = (&'static str, ChatKind, Vec<ChatEvent>, Viewer, &'static str);

fn check_rights(company: &Company, table: impl IntoIterator<Item = Rights>) {
    for (who, kind, events, viewer, row) in table {
        for (command, expected) in commands().into_iter().zip(row.split(' ')) {
            let mut scenario = company.within(company.room(kind, events.clone()), viewer.clone());
            if !matches!(command, MessageCommand::Send(_)) {
                scenario = scenario.given(company.sent());
            }
            if matches!(command, MessageCommand::Unpin(_)) {
                scenario = scenario.given(MessagePinned {});
            }
            if let (MessageCommand::Unreact(command), Some(user)) = (&command, viewer.user) {
                scenario = scenario.given(MessageReacted {
                    user,
                    emoji: command.emoji.clone(),
                });
            }
            let story = scenario.when(command.clone());
            let got = match story.answer() {
                Ok(_) => "+",
                Err(MessageRefusal::Forbidden { .. }) => ".",
                Err(MessageRefusal::NotAMember { .. }) => "-",
                Err(MessageRefusal::NotFound) => "0",
                Err(other) => panic!("{who}, {kind:?}, {command:?}: {other}"),
            };
            assert_eq!(got, expected, "{who}, {kind:?}, {command:?}");
        }
    }
}

#[test]
fn in_a_group_members_write_and_react_authors_edit_and_admins_delete_and_pin() {
    let company = Company::new();
    let other = UserId::generate();
    let plain = |user| Viewer::new(user, []);
    let joined = || ChatEvent::from(ChatMemberJoined { user: other });
    let table: [Rights; 10] = [
        (
            "author",
            ChatKind::Group,
            vec![],
            plain(company.author),
            "+ + + + + . .",
        ),
        (
            "member",
            ChatKind::Group,
            vec![],
            plain(company.member),
            "+ . . + + . .",
        ),
        ("admin", ChatKind::Group, vec![], plain(company.admin), "+ . + + + + +"),
        ("owner", ChatKind::Group, vec![], plain(company.owner), "+ . + + + + +"),
        ("stranger", ChatKind::Group, vec![], plain(other), "0 0 0 0 0 0 0"),
        (
            "invited",
            ChatKind::Group,
            vec![ChatMemberInvited { user: other }.into()],
            plain(other),
            "- . . - - . .",
        ),
        (
            "left",
            ChatKind::Group,
            vec![joined(), ChatMemberLeft { user: other }.into()],
            plain(other),
            "- . . - - . .",
        ),
        (
            "removed",
            ChatKind::Group,
            vec![joined(), ChatMemberRemoved { user: other }.into()],
            plain(other),
            "- . . - - . .",
        ),
        (
            "author, banned",
            ChatKind::Group,
            vec![
                ChatMemberBanned {
                    user: company.author,
                    reason: None,
                }
                .into(),
            ],
            plain(company.author),
            "- - + - - . .",
        ),
        (
            "administrator",
            ChatKind::Group,
            vec![],
            Viewer::new(other, [Role::Administrator]),
            "- + + - - + +",
        ),
    ];
    check_rights(&company, table);
}

#[test]
fn a_private_chat_has_no_admins_and_in_a_channel_only_admins_write() {
    let company = Company::new();
    let other = UserId::generate();
    let plain = |user| Viewer::new(user, []);
    let table: [Rights; 6] = [
        (
            "author",
            ChatKind::Private,
            vec![],
            plain(company.author),
            "+ + + + + + +",
        ),
        (
            "the other",
            ChatKind::Private,
            vec![],
            plain(company.owner),
            "+ . . + + + +",
        ),
        ("stranger", ChatKind::Private, vec![], plain(other), "0 0 0 0 0 0 0"),
        (
            "member",
            ChatKind::Channel,
            vec![],
            plain(company.member),
            ". . . + + . .",
        ),
        (
            "admin",
            ChatKind::Channel,
            vec![],
            plain(company.admin),
            "+ . + + + + +",
        ),
        ("stranger", ChatKind::Channel, vec![], plain(other), "- . . - - . ."),
    ];
    check_rights(&company, table);
}

#[test]
fn an_actor_that_an_importer_names_writes_to_a_channel_once_they_joined() {
    let company = Company::new();
    let actor = Viewer::new(company.author, [Role::Importer]);
    company
        .within(company.room(ChatKind::Channel, []), actor)
        .when(send("hi"))
        .then_one(company.sent());
    let elsewhere = Viewer::new(UserId::generate(), [Role::Importer]);
    company
        .within(company.room(ChatKind::Channel, []), elsewhere)
        .when(send("hi"))
        .then_refused(MessageRefusal::NotAMember { membership: None });
}

#[test]
fn who_was_banned_is_told_so() {
    let company = Company::new();
    let banned = ChatMemberBanned {
        user: company.author,
        reason: None,
    };
    company
        .within(
            company.room(ChatKind::Group, [banned.into()]),
            Viewer::new(company.author, []),
        )
        .when(send("hi"))
        .then_refused(MessageRefusal::NotAMember {
            membership: Some(MembershipState::Banned),
        });
}

#[test]
fn in_an_archived_chat_one_can_only_take_back() {
    let company = Company::new();
    for command in commands() {
        let chat = company.room(ChatKind::Group, [ChatArchived {}.into()]);
        let story = company
            .within(chat, Viewer::new(company.author, []))
            .given(company.sent())
            .when(command.clone());
        match command {
            MessageCommand::Delete(_) => story.then_one(MessageDeleted::default()),
            _ => story.then_refused(MessageRefusal::Archived),
        };
    }
}

#[test]
fn nobody_without_a_token_gives_commands_and_a_chat_that_is_none_has_no_messages() {
    let company = Company::new();
    for command in commands() {
        company
            .within(company.room(ChatKind::Channel, []), Viewer::anonymous())
            .given(company.sent())
            .when(command.clone())
            .then_refused(MessageRefusal::Forbidden { needs: SIGNED_IN });
        Scenario::<Message>::new()
            .by(Viewer::new(company.author, []))
            .target(company.chat, company.message)
            .when(command)
            .then_refused(MessageRefusal::NotFound);
    }
}
