//! What is said, and what is refused to be said.

use super::*;

fn sealed() -> MessageContent {
    MessageContent::Ciphertext(Ciphertext {
        ciphertext: "3q2+7w==".to_owned(),
        scheme: None,
    })
}

#[test]
fn a_message_is_its_authors_own() {
    let company = Company::new();
    company
        .in_group(company.author)
        .when(send("hi"))
        .then_one(company.sent());
}

#[test]
fn a_message_replies_mentions_and_has_hashtags_each_once() {
    let company = Company::new();
    let (first, second) = (MessageId::generate(), MessageId::generate());
    let text = "#Rust and #rust and #stoa";
    company
        .in_group(company.author)
        .beside(first, company.said())
        .beside(second, company.said())
        .when(SendMessage {
            reply_to: vec![second, first, second],
            mentions: vec![company.owner, company.owner],
            hashtags: vec!["#Event_Sourcing".to_owned(), "stoa".to_owned()],
            silent: true,
            ..send(text)
        })
        .then_one(MessageSent {
            content: Personal::open(company.author, MessageContent::text(text)),
            reply_to: vec![second, first],
            mentions: vec![company.owner],
            hashtags: Some(Personal::open(
                company.author,
                vec!["rust".to_owned(), "stoa".to_owned(), "event_sourcing".to_owned()],
            )),
            silent: true,
            ..company.sent()
        });
}

#[test]
fn what_is_replied_to_is_in_the_chat_and_was_not_deleted() {
    let company = Company::new();
    let (there, absent, deleted) = (MessageId::generate(), MessageId::generate(), MessageId::generate());
    let mut gone = company.said();
    gone.apply(MessageDeleted::default().into());
    let reply = |reply_to: Vec<MessageId>| SendMessage { reply_to, ..send("hi") };
    let no_such = MessageRefusal::NoSuchMessage {
        message: absent,
        index: 1,
    };
    assert_eq!(no_such.field().as_deref(), Some("/replyTo/1"));
    company
        .in_group(company.author)
        .beside(there, company.said())
        .beside(deleted, gone)
        .when(reply(vec![there, absent]))
        .then_refused(no_such)
        .when(reply(vec![deleted]))
        .then_refused(MessageRefusal::ReplyToDeleted {
            message: deleted,
            index: 0,
        })
        .when(reply(vec![there; 21]))
        .then_refused(out_of_bounds("/replyTo", Unit::Entries, 0, 20, 21));
}

#[test]
fn sending_reads_the_chat_and_what_it_replies_to() {
    let company = Company::new();
    let target = Target {
        scope: company.chat.to_string(),
        stream: company.message.to_string(),
    };
    let reply_to = vec![MessageId::generate(); 30];
    let command = SendMessage {
        reply_to: reply_to.clone(),
        ..send("hi")
    };
    let mut streams = vec![company.chat.to_string()];
    streams.extend(reply_to.iter().take(20).map(ToString::to_string));
    assert_eq!(Message::reads(&target, &command.into()), Reads::Streams(streams));
    for command in commands() {
        assert_eq!(
            Message::reads(&target, &command),
            Reads::Streams(vec![company.chat.to_string()])
        );
    }
}

#[test]
fn content_with_a_fault_is_refused_with_the_field() {
    let company = Company::new();
    let media = |media: usize, caption: Option<String>| {
        MessageContent::Image(Attachments {
            media: vec![MediaId::generate(); media],
            caption,
        })
    };
    let cipher = |ciphertext: String| {
        MessageContent::Ciphertext(Ciphertext {
            ciphertext,
            scheme: None,
        })
    };
    for (content, refusal) in [
        (
            MessageContent::text(" "),
            out_of_bounds("/content/text", Unit::Characters, 1, 10_000, 0),
        ),
        (
            MessageContent::text("x".repeat(10_001)),
            out_of_bounds("/content/text", Unit::Characters, 1, 10_000, 10_001),
        ),
        (media(0, None), out_of_bounds("/content/media", Unit::Entries, 1, 10, 0)),
        (
            media(11, None),
            out_of_bounds("/content/media", Unit::Entries, 1, 10, 11),
        ),
        (
            media(1, Some("x".repeat(2_001))),
            out_of_bounds("/content/caption", Unit::Characters, 1, 2_000, 2_001),
        ),
        (
            cipher("x".repeat(65_537)),
            out_of_bounds("/content/ciphertext", Unit::Characters, 1, 65_536, 65_537),
        ),
        (cipher("in clear".to_owned()), MessageRefusal::NotBase64),
    ] {
        company
            .in_group(company.author)
            .when(SendMessage {
                content: content.clone(),
                ..send("")
            })
            .then_refused(refusal.clone())
            .given(company.sent())
            .when(EditMessage { content, ..edit("") })
            .then_refused(refusal);
    }
}

#[test]
fn mentions_and_hashtags_are_bounded_and_well_formed() {
    let company = Company::new();
    let hashtags = |hashtags: Vec<String>| SendMessage { hashtags, ..send("hi") };
    let not_one = MessageRefusal::NotAHashtag { index: 1 };
    assert_eq!(not_one.field().as_deref(), Some("/hashtags/1"));
    company
        .in_group(company.author)
        .when(SendMessage {
            mentions: vec![company.owner; 51],
            ..send("hi")
        })
        .then_refused(out_of_bounds("/mentions", Unit::Entries, 0, 50, 51))
        .when(hashtags(vec!["rust".to_owned(); 31]))
        .then_refused(out_of_bounds("/hashtags", Unit::Entries, 0, 30, 31))
        .when(hashtags(vec!["rust".to_owned(), "two words".to_owned()]))
        .then_refused(not_one);
}

#[test]
fn any_kind_of_content_is_sent() {
    let company = Company::new();
    let files = || Attachments {
        media: vec![MediaId::generate()],
        caption: Some("look".to_owned()),
    };
    for content in [
        MessageContent::Image(files()),
        MessageContent::Video(files()),
        MessageContent::Audio(files()),
        MessageContent::File(files()),
        MessageContent::Voice(files()),
        MessageContent::Text(Text {
            text: "waves".to_owned(),
            kind: TextKind::Action,
        }),
        MessageContent::Text(Text {
            text: "The server restarts".to_owned(),
            kind: TextKind::Notice,
        }),
    ] {
        company
            .in_group(company.author)
            .when(SendMessage {
                content: content.clone(),
                ..send("")
            })
            .then_one(MessageSent {
                content: Personal::open(company.author, content),
                ..company.sent()
            });
    }
}

#[test]
fn a_secret_chat_takes_ciphertext_only_and_others_none() {
    let company = Company::new();
    let secret = |content| SendMessage { content, ..send("") };
    let refused = |field| MessageRefusal::NeedsCiphertext { field };
    company
        .in_secret(company.author)
        .when(send("hi"))
        .then_refused(refused("/content"))
        .when(SendMessage {
            hashtags: vec!["rust".to_owned()],
            ..secret(sealed())
        })
        .then_refused(refused("/hashtags"))
        .when(secret(sealed()))
        .then_one(MessageSent {
            content: Personal::open(company.author, sealed()),
            ..company.sent()
        })
        .when(edit("hello"))
        .then_refused(refused("/content"));
    company
        .in_group(company.author)
        .when(secret(sealed()))
        .then_refused(MessageRefusal::NeedsPlainContent)
        .given(company.sent())
        .when(EditMessage {
            content: sealed(),
            ..edit("")
        })
        .then_refused(MessageRefusal::NeedsPlainContent);
}

#[test]
fn what_was_said_stands_in_the_event_as_the_authors_own() {
    let company = Company::new();
    let event: MessageEvent = company.sent().into();
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&event.encode()).unwrap(),
        serde_json::json!({
            "author": company.author,
            "content": {
                "subject": company.author,
                "value": {"type": "text", "text": "hi", "kind": "said"},
            },
            "silent": false,
        })
    );
}
