//! What becomes of a message, and who makes it so.

use super::*;

/// `+` is accepted, `=` is so already, `0` not found, `d` deleted, `!` exists already.
#[test]
fn every_status_allows_exactly_the_commands_of_the_state_machine() {
    let company = Company::new();
    let liked = MessageReacted {
        user: company.author,
        emoji: "❤".to_owned(),
    };
    let sent: Vec<MessageEvent> = vec![company.sent().into()];
    let after = |event: MessageEvent| [sent.clone(), vec![event]].concat();
    let table = [
        //                                   send edit delete react unreact pin unpin
        (None, vec![], "+ 0 0 0 0 0 0"),
        (Some(MessageStatus::Sent), sent.clone(), "! + + + = + ="),
        (Some(MessageStatus::Sent), after(liked.into()), "! + + + + + ="),
        (
            Some(MessageStatus::Sent),
            after(MessagePinned {}.into()),
            "! + + + = = +",
        ),
        (
            Some(MessageStatus::Edited),
            after(company.edited("hello").into()),
            "! = + + = + =",
        ),
        (
            Some(MessageStatus::Deleted),
            after(MessageDeleted::default().into()),
            "! d = d d d d",
        ),
    ];
    for (status, events, row) in table {
        for (command, expected) in commands().into_iter().zip(row.split(' ')) {
            // The two of a private chat may give every command; the author is one of them.
            let chat = company.room(ChatKind::Private, []);
            let scenario = company.within(chat, Viewer::new(company.author, []));
            let story = events.iter().cloned().fold(scenario, Scenario::given);
            assert_eq!(story.state().sent.as_ref().map(SentMessage::status), status);
            let story = story.when(command.clone());
            let got = match story.answer() {
                Ok(_) => "+",
                Err(MessageRefusal::NothingToChange) => "=",
                Err(MessageRefusal::NotFound) => "0",
                Err(MessageRefusal::Deleted) => "d",
                Err(MessageRefusal::AlreadyExists) => "!",
                Err(other) => panic!("{status:?}, {command:?}: {other}"),
            };
            assert_eq!(got, expected, "{status:?}, {command:?}");
        }
    }
}

#[test]
fn a_message_is_edited_by_its_author_and_told_as_it_is_now() {
    let company = Company::new();
    let story = company
        .in_group(company.author)
        .given(company.sent())
        .when(EditMessage {
            mentions: vec![company.owner],
            ..edit("hello #rust")
        })
        .then_one(MessageEdited {
            content: Personal::open(company.author, MessageContent::text("hello #rust")),
            mentions: vec![company.owner],
            hashtags: Some(Personal::open(company.author, vec!["rust".to_owned()])),
        })
        .when(edit("hi"))
        .then_one(company.edited("hi"));
    assert_eq!(story.state().sent.as_ref().unwrap().status(), MessageStatus::Edited);
}

#[test]
fn an_edit_by_an_importer_stays_the_authors_own() {
    let company = Company::new();
    let chat = company.room(ChatKind::Group, []);
    company
        .within(chat, Viewer::new(UserId::generate(), [Role::Importer]))
        .given(company.sent())
        .when(edit("hello"))
        .then_one(company.edited("hello"));
}

#[test]
fn what_was_said_is_forgotten_once_it_is_deleted() {
    let company = Company::new();
    let story = company
        .in_group(company.admin)
        .given(company.sent())
        .given(MessagePinned {})
        .when(DeleteMessage {
            reason: Some(String::new()),
        })
        .then_refused(out_of_bounds("/reason", Unit::Characters, 1, 500, 0))
        .when(DeleteMessage {
            reason: Some("off topic".to_owned()),
        })
        .then_one(MessageDeleted {
            reason: Some("off topic".to_owned()),
        });
    assert_eq!(
        story.state().sent,
        Some(SentMessage {
            author: company.author,
            said: None
        })
    );
}

#[test]
fn one_person_reacts_once_with_each_emoji_and_takes_back_only_their_own() {
    let company = Company::new();
    let reacted = |user, emoji: &str| MessageReacted {
        user,
        emoji: emoji.to_owned(),
    };
    let back = |emoji: &str| UnreactToMessage {
        emoji: emoji.to_owned(),
    };
    let (author, member) = (company.author, company.member);
    let story = company
        .in_group(member)
        .given(company.sent())
        .given(reacted(author, "👍"))
        .when(emoji("👍"))
        .then_one(reacted(member, "👍"))
        .when(emoji("👍"))
        .then_refused(MessageRefusal::NothingToChange)
        .when(emoji("🎉"))
        .then_one(reacted(member, "🎉"))
        .when(back("👍"))
        .then_one(MessageUnreacted {
            user: member,
            emoji: "👍".to_owned(),
        })
        .when(back("👍"))
        .then_refused(MessageRefusal::NothingToChange)
        .when(back("🎉"))
        .then_one(MessageUnreacted {
            user: member,
            emoji: "🎉".to_owned(),
        });
    let said = story.state().sent.as_ref().unwrap().said.as_ref().unwrap();
    assert_eq!(
        said.reactions,
        BTreeMap::from([("👍".to_owned(), BTreeSet::from([author]))])
    );
}

#[test]
fn a_message_has_a_bounded_number_of_reactions() {
    let company = Company::new();
    let story = (0..50).fold(
        company.in_group(company.member).given(company.sent()),
        |story, number| {
            story.given(MessageReacted {
                user: company.author,
                emoji: format!(":{number}:"),
            })
        },
    );
    story
        .when(emoji("👍"))
        .then_refused(MessageRefusal::TooManyReactions { most: 50 })
        .when(emoji(":7:"))
        .then_one(MessageReacted {
            user: company.member,
            emoji: ":7:".to_owned(),
        })
        .when(emoji(""))
        .then_refused(out_of_bounds("/emoji", Unit::Characters, 1, 32, 0))
        .when(emoji(&"x".repeat(33)))
        .then_refused(out_of_bounds("/emoji", Unit::Characters, 1, 32, 33));
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    let company = Company::new();
    let user = company.member;
    let hashtags = Some(Personal::open(company.author, vec!["rust".to_owned()]));
    let events: [MessageEvent; 7] = [
        MessageSent {
            reply_to: vec![MessageId::generate()],
            hashtags,
            ..company.sent()
        }
        .into(),
        company.edited("hello").into(),
        MessageDeleted::default().into(),
        MessageReacted {
            user,
            emoji: "👍".to_owned(),
        }
        .into(),
        MessageUnreacted {
            user,
            emoji: "👍".to_owned(),
        }
        .into(),
        MessagePinned {}.into(),
        MessageUnpinned {}.into(),
    ];
    for event in events {
        let read = MessageEvent::decode(event.type_name(), &event.encode())
            .unwrap()
            .unwrap();
        assert_eq!(read, event);
    }
}
