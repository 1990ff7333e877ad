//! A stream belongs to the scope that it began in, whatever another scope's owner asks for; and what is kept in memory of
//! scopes.

use domain::{
    family::Family,
    id::{ChatId, MessageId, StoreId, UserId},
};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::installation::{Installation, register};

/// Two chats of one shard, with their owners' tokens.
struct Neighbours {
    victim: String,
    theirs: ChatId,
    attacker: String,
    own: ChatId,
}

fn text() -> Value {
    json!({ "content": { "type": "text", "text": "Mine" } })
}

async fn neighbours(stoa: &Installation) -> Neighbours {
    let (victim, attacker) = (stoa.token(UserId::generate(), &[]), stoa.token(UserId::generate(), &[]));
    let theirs = ChatId::generate();
    let shard = |chat: ChatId| stoa.log.shard_of(Family::Chat, &chat.to_string());
    let own = std::iter::repeat_with(ChatId::generate)
        .find(|own| shard(*own) == shard(theirs))
        .unwrap();
    let create = json!({ "kind": "group", "title": "Market" });
    for (token, chat) in [(&victim, theirs), (&attacker, own)] {
        stoa.post(token, &format!("/v1/chats/{chat}/create"), &create)
            .await
            .expect(201);
    }
    Neighbours {
        victim,
        theirs,
        attacker,
        own,
    }
}

/// The scopes that the stream has events in.
async fn scopes_of(stoa: &Installation, chats: &Neighbours, message: MessageId) -> Vec<String> {
    let shard = stoa.log.shard_of(Family::Chat, &chats.own.to_string());
    let mut reader = event_log::reader::Reader::new(
        stoa.log.port(),
        vec![event_log::checkpoint::Checkpoint::start(shard)],
        event_log::chain_reader::Check::Links,
    );
    let end = stoa.log.port().end(shard).await.unwrap();
    let mut scopes = Vec::new();
    loop {
        let read = reader.next().await.unwrap();
        let events = read.commit.events.iter();
        scopes.extend(
            events
                .filter(|event| event.envelope.stream == message.to_string())
                .filter_map(|event| event.scope.clone()),
        );
        if read.checkpoint.next >= end {
            scopes.sort();
            scopes.dedup();
            return scopes;
        }
    }
}

async fn keeps_its_chat(stoa: Installation) {
    let chats = neighbours(&stoa).await;
    let Neighbours {
        victim,
        theirs,
        attacker,
        own,
    } = &chats;
    let message = MessageId::generate();
    stoa.post(victim, &format!("/v1/chats/{theirs}/messages/{message}/send"), &text())
        .await
        .expect(201);

    // Whatever names the message in the attacker's own chat makes that chat look for it.
    let own_path = format!("/v1/chats/{own}");
    let marker = json!({ "upTo": message });
    let marked = stoa
        .post(attacker, &format!("{own_path}/advance-read-marker"), &marker)
        .await;
    assert!(marked.status >= 400, "{marked:?}");
    let mut reply = text();
    reply["replyTo"] = json!([message]);
    let replied = stoa
        .post(
            attacker,
            &format!("{own_path}/messages/{}/send", MessageId::generate()),
            &reply,
        )
        .await;
    assert!(replied.status >= 400, "{replied:?}");

    for command in ["delete", "pin", "send"] {
        let body = if command == "send" { text() } else { json!({}) };
        let adopted = stoa
            .post(attacker, &format!("{own_path}/messages/{message}/{command}"), &body)
            .await
            .expect(404);
        assert_eq!(adopted.code(), "stream-elsewhere", "{command}");
    }
    assert_eq!(scopes_of(&stoa, &chats, message).await, [theirs.to_string()]);
}

#[tokio::test]
async fn a_message_is_not_adopted_by_another_chat_of_its_shard() {
    keeps_its_chat(Installation::postgres().await).await;
}

#[tokio::test]
async fn a_message_is_not_adopted_by_another_chat_on_kafka_while_it_is_not_archived() {
    keeps_its_chat(Installation::kafka().await).await;
}

#[tokio::test]
async fn a_message_that_another_chat_looked_for_before_it_was_sent_is_not_sent_there_as_well() {
    let stoa = Installation::postgres().await;
    let chats = neighbours(&stoa).await;
    let Neighbours {
        victim,
        theirs,
        attacker,
        own,
    } = &chats;
    let message = MessageId::generate();
    let marked = stoa
        .post(
            attacker,
            &format!("/v1/chats/{own}/advance-read-marker"),
            &json!({ "upTo": message }),
        )
        .await;
    assert!(marked.status >= 400, "{marked:?}");
    stoa.post(victim, &format!("/v1/chats/{theirs}/messages/{message}/send"), &text())
        .await
        .expect(201);
    let adopted = stoa
        .post(attacker, &format!("/v1/chats/{own}/messages/{message}/send"), &text())
        .await
        .expect(404);
    assert_eq!(adopted.code(), "stream-elsewhere");
    assert_eq!(scopes_of(&stoa, &chats, message).await, [theirs.to_string()]);
}

#[tokio::test]
async fn what_was_refused_leaves_nothing_in_memory() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[]);
    stoa.post(
        &token,
        &format!("/v1/stores/{}/register", StoreId::generate()),
        &register(),
    )
    .await
    .expect(201);
    assert_eq!(stoa.service.scopes_in_memory(), 1);
    let nameless = json!({ "kind": "market", "profile": { "name": "" } });
    let refused = join_all((0..100).map(|_| {
        let (stoa, token, nameless) = (&stoa, &token, &nameless);
        async move {
            let register = format!("/v1/stores/{}/register", StoreId::generate());
            stoa.post(token, &register, nameless).await.expect(422);
            let change = format!("/v1/stores/{}/change-profile", StoreId::generate());
            let renamed = json!({ "profile": { "name": "Corn exchange" } });
            stoa.post(token, &change, &renamed).await.expect(404)
        }
    }));
    refused.await;
    assert_eq!(stoa.service.scopes_in_memory(), 1);
}

#[tokio::test]
async fn a_stream_with_a_hole_is_told_at_once_and_not_looked_for_again_and_again() {
    let stoa = Installation::postgres().await;
    let stock = stoa.stock(5).await;
    let token = stoa.token(UserId::generate(), &[domain::viewer::Role::Administrator]);
    let adjust = format!("{stock}/adjust");
    for _ in 0..3 {
        stoa.post(&token, &adjust, &json!({ "by": 1 })).await.expect(200);
    }
    let (_, stream) = stock.rsplit_once('/').unwrap();
    let stream = stream.to_owned();
    let stoa = stoa.restart().await;
    sqlx::query("delete from log_record where stream = $1 and version = 2")
        .bind(&stream)
        .execute(&stoa.pool)
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    let answer = stoa.post(&token, &adjust, &json!({ "by": 1 })).await.expect(503);
    assert_eq!(answer.code(), "archive-not-met");
    assert!(answer.header("retry-after").is_some());
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_message_that_is_sent_is_not_sent_in_a_chat_of_another_shard_while_it_is_not_archived() {
    let stoa = Installation::kafka().await;
    let token = stoa.token(UserId::generate(), &[]);
    let one = ChatId::generate();
    let shard = |chat: ChatId| stoa.log.shard_of(Family::Chat, &chat.to_string());
    let other = std::iter::repeat_with(ChatId::generate)
        .find(|other| shard(*other) != shard(one))
        .unwrap();
    let create = json!({ "kind": "group", "title": "Market" });
    for chat in [one, other] {
        stoa.post(&token, &format!("/v1/chats/{chat}/create"), &create)
            .await
            .expect(201);
    }
    let body = text();
    for round in 0..5 {
        let message = MessageId::generate();
        let paths = [one, other].map(|chat| format!("/v1/chats/{chat}/messages/{message}/send"));
        let both = paths.each_ref().map(|path| stoa.post(&token, path, &body));
        let mut statuses: Vec<u16> = join_all(both).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 404], "at once, round {round}");
        // Nor later.
        let again = join_all(paths.iter().map(|path| stoa.post(&token, path, &body))).await;
        let elsewhere = again
            .iter()
            .filter(|answer| answer.code() == "stream-elsewhere")
            .count();
        assert_eq!(elsewhere, 1, "{again:?}");
    }
}
