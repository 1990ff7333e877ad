//! What a chat is: how it begins, changes, ends and is read.

use super::*;

fn create(kind: ChatKind, members: Vec<UserId>) -> CreateChat {
    CreateChat {
        kind,
        title: (kind != ChatKind::Private).then(|| "#rust".to_owned()),
        description: None,
        subject: None,
        owner: None,
        members,
    }
}

#[test]
fn a_chat_is_created_with_its_members_joined() {
    let company = Company::new();
    let subject = Some(Subject::Order(OrderId::generate()));
    let story = Scenario::<Chat>::new()
        .by(Viewer::new(company.owner, []))
        .when(CreateChat {
            description: Some("About Rust".to_owned()),
            subject,
            ..create(
                ChatKind::Group,
                vec![company.admin, company.member, company.admin, company.owner],
            )
        })
        .then_one(ChatCreated {
            description: Some("About Rust".to_owned()),
            subject,
            ..company.created(ChatKind::Group)
        });
    let room = story.state().room.as_ref().unwrap();
    assert_eq!(room.joined().count(), 3);
    assert_eq!(room.role_of(&Viewer::new(company.owner, [])), Some(ChatRole::Owner));
}

#[test]
fn a_chat_is_created_once() {
    let company = Company::new();
    company
        .by_user(ChatKind::Group, UserId::generate())
        .when(create(ChatKind::Group, vec![]))
        .then_refused(ChatRefusal::AlreadyExists);
}

#[test]
fn a_private_chat_is_with_exactly_one_other_and_has_no_title() {
    let company = Company::new();
    let by_owner = || Scenario::<Chat>::new().by(Viewer::new(company.owner, []));
    by_owner()
        .when(create(ChatKind::Private, vec![company.member]))
        .then_one(company.created(ChatKind::Private));
    for (members, given) in [
        (vec![], 0),
        (vec![company.owner], 0),
        (vec![company.member, company.admin], 2),
    ] {
        by_owner()
            .when(create(ChatKind::Private, members))
            .then_refused(ChatRefusal::PrivateNeedsOneOther { given });
    }
    by_owner()
        .when(CreateChat {
            title: Some("Us".to_owned()),
            ..create(ChatKind::Private, vec![company.member])
        })
        .then_refused(ChatRefusal::PrivateHasNoTitle);
}

#[test]
fn a_group_or_channel_needs_a_title_within_bounds() {
    let by_somebody = || Scenario::<Chat>::new().by(Viewer::new(UserId::generate(), []));
    for kind in [ChatKind::Group, ChatKind::Channel] {
        let titled = |title: Option<String>| CreateChat {
            title,
            ..create(kind, vec![])
        };
        by_somebody()
            .when(titled(None))
            .then_refused(ChatRefusal::TitleMissing)
            .when(titled(Some(" ".to_owned())))
            .then_refused(out_of_bounds("/title", Unit::Characters, 1, 200, 0))
            .when(titled(Some("x".repeat(201))))
            .then_refused(out_of_bounds("/title", Unit::Characters, 1, 200, 201));
    }
    by_somebody()
        .when(CreateChat {
            description: Some("x".repeat(2_001)),
            ..create(ChatKind::Group, vec![])
        })
        .then_refused(out_of_bounds("/description", Unit::Characters, 1, 2_000, 2_001))
        .when(create(ChatKind::Group, vec![UserId::generate(); 501]))
        .then_refused(out_of_bounds("/members", Unit::Entries, 0, 500, 501));
}

#[test]
fn only_who_is_trusted_creates_a_chat_for_somebody_else() {
    let company = Company::new();
    let command = CreateChat {
        owner: Some(company.owner),
        ..create(ChatKind::Group, vec![company.admin, company.member])
    };
    let by = |roles: &[Role]| Scenario::<Chat>::new().by(Viewer::new(UserId::generate(), roles.iter().copied()));
    by(&[])
        .when(command.clone())
        .then_refused(ChatRefusal::Forbidden { needs: THE_OWNER });
    by(&[Role::Importer])
        .when(command)
        .then_one(company.created(ChatKind::Group));
}

#[test]
fn nobody_without_a_token_gives_commands() {
    let company = Company::new();
    let others = commands(company.member, MessageId::generate());
    for command in std::iter::once(create(ChatKind::Channel, vec![]).into()).chain(others) {
        company
            .by(ChatKind::Channel, Viewer::anonymous())
            .when(command)
            .then_refused(ChatRefusal::Forbidden { needs: SIGNED_IN });
    }
}

#[test]
fn a_stranger_can_not_tell_a_private_chat_or_a_group_from_no_chat_at_all() {
    let company = Company::new();
    for command in commands(company.member, MessageId::generate()) {
        Scenario::<Chat>::new()
            .by(Viewer::new(UserId::generate(), []))
            .when(command.clone())
            .then_refused(ChatRefusal::NotFound);
        for kind in [ChatKind::Private, ChatKind::Group] {
            company
                .by_user(kind, UserId::generate())
                .when(command.clone())
                .then_refused(ChatRefusal::NotFound);
        }
        let channel = company.by_user(ChatKind::Channel, UserId::generate()).when(command);
        assert_ne!(channel.answer(), &Err(ChatRefusal::NotFound));
    }
}

#[test]
fn a_private_chat_stays_between_its_two_people() {
    let company = Company::new();
    let [change, archive, secret, rest @ ..] = commands(company.member, MessageId::generate());
    let between = rest.into_iter().take(7).chain([change]);
    for command in between {
        company
            .by_user(ChatKind::Private, company.owner)
            .when(command)
            .then_refused(ChatRefusal::PrivateChat);
    }
    for user in [company.owner, company.member] {
        company
            .by_user(ChatKind::Private, user)
            .when(secret.clone())
            .then_one(ChatMadeSecret {})
            .when(archive.clone())
            .then_one(ChatArchived {});
    }
}

#[test]
fn title_and_description_are_told_as_they_are_now() {
    let company = Company::new();
    let change = |title: Option<&str>, description: Option<&str>| ChangeChat {
        title: title.map(str::to_owned),
        description: description.map(str::to_owned),
    };
    let changed = |title: &str, description: Option<&str>| ChatChanged {
        title: Some(title.to_owned()),
        description: description.map(str::to_owned),
    };
    company
        .by_user(ChatKind::Group, company.admin)
        .when(change(None, Some("About Rust")))
        .then_one(changed("#rust", Some("About Rust")))
        .when(change(Some("#stoa"), None))
        .then_one(changed("#stoa", Some("About Rust")))
        .when(change(Some("#stoa"), Some("About Rust")))
        .then_refused(ChatRefusal::NothingToChange)
        .when(change(None, Some("")))
        .then_one(changed("#stoa", None))
        .when(change(None, None))
        .then_refused(ChatRefusal::NothingToChange)
        .when(change(Some(""), None))
        .then_refused(out_of_bounds("/title", Unit::Characters, 1, 200, 0))
        .when(change(None, Some(&"x".repeat(2_001))))
        .then_refused(out_of_bounds("/description", Unit::Characters, 0, 2_000, 2_001));
}

#[test]
fn an_archived_chat_refuses_all_but_leaving_and_reading() {
    let company = Company::new();
    let message = MessageId::generate();
    for command in commands(company.member, message) {
        let story = company
            .by_user(ChatKind::Group, company.admin)
            .beside(message, said(company.owner))
            .given(ChatArchived {})
            .when(command.clone());
        match command {
            ChatCommand::Archive(_) => story.then_refused(ChatRefusal::NothingToChange),
            ChatCommand::Leave(_) => story.then_one(ChatMemberLeft { user: company.admin }),
            ChatCommand::AdvanceReadMarker(_) => story.then_one(ChatReadMarkerAdvanced {
                user: company.admin,
                up_to: message,
            }),
            _ => story.then_refused(ChatRefusal::Archived),
        };
    }
}

#[test]
fn a_chat_is_made_secret_once_and_a_channel_never() {
    let company = Company::new();
    company
        .by_user(ChatKind::Group, company.owner)
        .when(MakeChatSecret {})
        .then_one(ChatMadeSecret {})
        .when(MakeChatSecret {})
        .then_refused(ChatRefusal::NothingToChange);
    company
        .by_user(ChatKind::Channel, company.owner)
        .when(MakeChatSecret {})
        .then_refused(ChatRefusal::ChannelIsPublic);
}

#[test]
fn a_read_marker_goes_forward_only_and_to_messages_that_are_there() {
    let company = Company::new();
    let at = |millis: u64| {
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid();
        MessageId::new(uuid)
    };
    let (first, second, absent) = (at(1), at(2), at(3));
    let user = company.member;
    let advanced = |up_to| ChatReadMarkerAdvanced { user, up_to };
    company
        .by_user(ChatKind::Group, user)
        .beside(first, said(company.owner))
        .beside(second, said(company.owner))
        .when(AdvanceReadMarker { up_to: second })
        .then_one(advanced(second))
        .when(AdvanceReadMarker { up_to: second })
        .then_refused(ChatRefusal::NothingToChange)
        .when(AdvanceReadMarker { up_to: first })
        .then_refused(ChatRefusal::NothingToChange)
        .when(AdvanceReadMarker { up_to: absent })
        .then_refused(ChatRefusal::NoSuchMessage { message: absent });
    assert_eq!(
        Chat::reads(&Target::default(), &AdvanceReadMarker { up_to: first }.into()),
        Reads::Streams(vec![first.to_string()])
    );
}

#[test]
fn only_who_is_in_a_chat_has_a_read_marker_there() {
    let company = Company::new();
    let message = MessageId::generate();
    for (place, state) in [
        (Place::Unknown, None),
        (Place::Invited, Some(MembershipState::Invited)),
        (Place::Left, Some(MembershipState::Left)),
        (Place::Removed, Some(MembershipState::Removed)),
        (Place::Banned, Some(MembershipState::Banned)),
    ] {
        let user = UserId::generate();
        brought(company.by_user(ChatKind::Channel, user), user, place)
            .beside(message, said(company.owner))
            .when(AdvanceReadMarker { up_to: message })
            .then_refused(ChatRefusal::NotAMember { membership: state });
    }
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    let company = Company::new();
    let user = company.member;
    let events: [ChatEvent; 12] = [
        ChatCreated {
            subject: Some(Subject::Case(CaseId::generate())),
            ..company.created(ChatKind::Group)
        }
        .into(),
        ChatChanged {
            title: None,
            description: Some("About Rust".to_owned()),
        }
        .into(),
        ChatArchived {}.into(),
        ChatMadeSecret {}.into(),
        ChatMemberInvited { user }.into(),
        ChatMemberJoined { user }.into(),
        ChatMembersAdded { members: vec![user] }.into(),
        ChatMemberLeft { user }.into(),
        ChatMemberRemoved { user }.into(),
        ChatMemberBanned { user, reason: None }.into(),
        ChatRoleChanged {
            user,
            role: ChatRole::Admin,
        }
        .into(),
        ChatReadMarkerAdvanced {
            user,
            up_to: MessageId::generate(),
        }
        .into(),
    ];
    for event in events {
        let read = ChatEvent::decode(event.type_name(), &event.encode()).unwrap().unwrap();
        assert_eq!(read, event);
    }
}

#[test]
fn the_state_reads_back_as_it_was_written() {
    let company = Company::new();
    let story = company
        .by_user(ChatKind::Group, company.owner)
        .given(ChatReadMarkerAdvanced {
            user: company.member,
            up_to: MessageId::generate(),
        });
    let written = serde_json::to_string(story.state()).unwrap();
    assert_eq!(&serde_json::from_str::<Chat>(&written).unwrap(), story.state());
}

#[test]
fn a_refusal_points_to_the_field_at_fault() {
    let user = UserId::generate();
    for (refusal, kind, field) in [
        (ChatRefusal::NotFound, RefusalKind::NotFound, None),
        (ChatRefusal::TitleMissing, RefusalKind::Invalid, Some("/title")),
        (ChatRefusal::PrivateHasNoTitle, RefusalKind::Invalid, Some("/title")),
        (
            ChatRefusal::PrivateNeedsOneOther { given: 3 },
            RefusalKind::Invalid,
            Some("/members"),
        ),
        (ChatRefusal::NoSuchMember { user }, RefusalKind::NotFound, Some("/user")),
        (
            ChatRefusal::NoSuchMessage {
                message: MessageId::generate(),
            },
            RefusalKind::NotFound,
            Some("/upTo"),
        ),
        (
            ChatRefusal::Outranked { role: ChatRole::Owner },
            RefusalKind::Forbidden,
            Some("/user"),
        ),
        (ChatRefusal::Archived, RefusalKind::Conflict, None),
    ] {
        assert_eq!((refusal.kind(), refusal.field().as_deref()), (kind, field));
    }
}
