//! Websockets: how long they live, and what they carry.

use std::time::Duration;

use domain::id::UserId;
use query_api::Settings;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{installation::Installation, socket::Subscribed};

const MESSAGES: &str = "subscription ($chat: ID!, $after: String) {
    messageAdded(chatId: $chat, after: $after) { position message { text } }
}";

#[tokio::test]
async fn who_only_listens_stays_and_who_is_gone_is_let_go() {
    let stoa = Installation::with(Settings {
        ping_every: Duration::from_millis(100),
        alive_within: Duration::from_millis(500),
        ..Settings::default()
    })
    .await;
    let owner = UserId::generate();
    let token = stoa.token(owner, &[]);
    let chat = stoa.chat("group", owner, &[]).await;
    let begin = stoa.data(None, "{ position }", json!({})).await["position"].clone();
    let variables = json!({ "chat": chat, "after": begin });
    let mut listening = Subscribed::to(&stoa.address, &token, MESSAGES, variables.clone()).await;
    let mut gone = Subscribed::to(&stoa.address, &token, MESSAGES, variables).await;
    // It answers pings, for it is polled, and says nothing of its own.
    assert!(timeout(Duration::from_secs(2), listening.next()).await.is_err());
    stoa.say(owner, chat, "still there").await;
    assert_eq!(
        listening.take("messageAdded", 1).await[0]["message"]["text"],
        "still there"
    );
    // Nobody polled this one, so its pongs were never sent: it was let go before the message.
    assert_eq!(gone.next().await, None);
}

#[tokio::test]
async fn a_socket_ends_with_its_token_and_goes_on_with_another() {
    let stoa = Installation::start().await;
    let owner = UserId::generate();
    let chat = stoa.chat("group", owner, &[]).await;
    let begin = stoa.data(None, "{ position }", json!({})).await["position"].clone();
    let variables = json!({ "chat": chat, "after": begin });
    let mut short = Subscribed::to(&stoa.address, &stoa.short_token(owner), MESSAGES, variables).await;
    stoa.say(owner, chat, "one").await;
    let position = short.take("messageAdded", 1).await[0]["position"].clone();
    let (code, reason) = short.closed().await.unwrap();
    assert_eq!(code, 4403);
    assert!(reason.contains("expired"), "{reason}");
    stoa.say(owner, chat, "two").await;
    let variables = json!({ "chat": chat, "after": position });
    let mut next = Subscribed::to(&stoa.address, &stoa.token(owner, &[]), MESSAGES, variables).await;
    assert_eq!(next.take("messageAdded", 1).await[0]["message"]["text"], "two");

    let mut forged = Subscribed::connect(&stoa.address, json!({ "Authorization": "Bearer nonsense" })).await;
    assert!(forged.closed().await.is_some());
}

#[tokio::test]
async fn a_socket_carries_queries_and_so_many_operations_at_a_time() {
    let stoa = Installation::with(Settings {
        operations: 2,
        ..Settings::default()
    })
    .await;
    let owner = UserId::generate();
    let chat = stoa.chat("group", owner, &[]).await;
    stoa.settled().await;
    let init = json!({ "Authorization": format!("Bearer {}", stoa.token(owner, &[])) });
    let mut socket = Subscribed::connect(&stoa.address, init).await;
    assert_eq!(socket.receive().await.unwrap()["type"], "connection_ack");
    for id in ["a", "b", "c"] {
        socket.ask(id, MESSAGES, json!({ "chat": chat })).await;
    }
    let refused = socket.receive().await.unwrap();
    assert_eq!(refused["id"], "c", "{refused}");
    assert_eq!(
        refused["payload"]["errors"][0]["extensions"]["code"], "TOO_MANY",
        "{refused}"
    );
    assert_eq!(
        socket.receive().await.unwrap(),
        json!({ "type": "complete", "id": "c" })
    );
    // One that is given up makes room for another.
    socket.send(&json!({ "type": "complete", "id": "a" })).await;
    assert_eq!(
        socket.receive().await.unwrap(),
        json!({ "type": "complete", "id": "a" })
    );
    socket.ask("d", "{ viewer { id } }", json!({})).await;
    let answer: Value = socket.receive().await.unwrap();
    assert_eq!(answer["payload"]["data"]["viewer"]["id"], owner.to_string(), "{answer}");
}
