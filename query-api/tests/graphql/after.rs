//! `Stoa-After`.

use std::time::Duration;

use domain::{
    id::{PaymentId, UserId, generate},
    viewer::Role,
};
use event_log::position::Position;
use futures::future::join_all;
use query_api::Settings;
use serde_json::{Value, json};

use crate::{installation::Installation, socket::Subscribed};

/// Nothing is projected, and nobody waits for long.
async fn lagging() -> Installation {
    Installation::without_projectors(Settings {
        wait_at_most: Duration::from_millis(300),
        ..Settings::default()
    })
    .await
}

#[tokio::test]
async fn a_query_after_a_receipt_sees_what_was_written() {
    let stoa = Installation::start().await;
    let owner = UserId::generate();
    let chat = stoa.chat("group", owner, &[]).await;
    let token = stoa.token(owner, &[]);
    for n in 1..=20 {
        let (message, position) = stoa.say(owner, chat, "hello").await;
        let query = "query ($id: ID!) { chat(id: $id) { messageCount lastMessage { id } } }";
        let seen = stoa
            .query_after(Some(&token), query, json!({ "id": chat }), Some(&position))
            .await;
        assert_eq!(
            seen["data"]["chat"],
            json!({ "messageCount": n, "lastMessage": { "id": message } }),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn the_present_position_can_be_waited_for() {
    let stoa = Installation::start().await;
    stoa.store(UserId::generate()).await;
    let position = stoa.data(None, "{ position }", json!({})).await["position"]
        .as_str()
        .unwrap()
        .to_owned();
    let seen = stoa
        .query_after(None, "{ stores { totalCount } }", json!({}), Some(&position))
        .await;
    assert_eq!(seen["data"]["stores"]["totalCount"], 1, "{seen}");
}

#[tokio::test]
async fn a_query_that_waits_in_vain_says_so_and_foreign_positions_are_refused() {
    let stoa = lagging().await;
    stoa.store(UserId::generate()).await;
    assert_eq!(stoa.code(None, "{ stores { totalCount } }", json!({})).await, "NOT_YET");
    let foreign = Position::start(generate()).to_string();
    for (after, code) in [(foreign.as_str(), "FOREIGN_POSITION"), ("nonsense", "BAD_POSITION")] {
        let answer = stoa
            .query_after(None, "{ stores { totalCount } }", json!({}), Some(after))
            .await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
    }
}

#[tokio::test]
async fn a_query_waits_only_for_the_projections_that_it_reads() {
    let stoa = lagging().await;
    let owner = UserId::generate();
    let store = stoa.store(owner).await;
    let listing = stoa.product(store, "Apple", 250, true).await;
    stoa.order(owner, store, listing).await;
    stoa.pretend("listing", "listing").await;
    stoa.pretend("order-summary", "order").await;
    let auditor = stoa.token(UserId::generate(), &[Role::Auditor]);
    let owner = stoa.token(owner, &[]);
    let payment = format!("{{ node(id: \"{}\") {{ id }} }}", PaymentId::generate());
    for (token, query, waits) in [
        (None, "{ viewer { id } }", false),
        (
            None,
            "{ listings { totalCount nodes { id } facets { tags { count } } } }",
            false,
        ),
        (None, "{ listings { nodes { id } } stores { totalCount } }", true),
        (None, "{ categories { id } }", true),
        // What somebody's stores have not published is theirs: the memberships are read.
        (Some(&owner), "{ listings { totalCount } }", true),
        (
            Some(&auditor),
            "{ orders { totalCount totals { count } nodes { id } } }",
            false,
        ),
        (Some(&auditor), payment.as_str(), true),
        (Some(&auditor), "{ chats { totalCount } }", false),
    ] {
        // The checkpoints are looked at from time to time: once they are known, what is there is not waited for.
        let tries = if waits { 1 } else { 20 };
        let mut code = Value::Null;
        for _ in 0..tries {
            let answer = stoa.query(token.map(String::as_str), query, json!({})).await;
            code = answer["errors"][0]["extensions"]["code"].clone();
            if code.is_null() {
                break;
            }
        }
        assert_eq!(code, if waits { json!("NOT_YET") } else { Value::Null }, "{query}");
    }
}

#[tokio::test]
async fn a_query_on_a_websocket_names_its_position_in_its_extensions() {
    let stoa = lagging().await;
    stoa.store(UserId::generate()).await;
    let mut socket = Subscribed::connect(&stoa.address, json!({})).await;
    assert_eq!(socket.receive().await.unwrap()["type"], "connection_ack");
    let code = |answer: Value| answer["errors"][0]["extensions"]["code"].clone();
    for (after, expected) in [
        (json!(stoa.written()), json!("NOT_YET")),
        (json!("nonsense"), json!("BAD_POSITION")),
        (json!(7), json!("BAD_POSITION")),
    ] {
        let payload = json!({ "query": "{ stores { totalCount } }", "extensions": { "stoaAfter": after } });
        let message = json!({ "id": "1", "type": "subscribe", "payload": payload });
        socket.send(&message).await;
        assert_eq!(code(socket.next().await.unwrap()), expected);
        assert_eq!(socket.receive().await.unwrap()["type"], "complete");
        let answer = stoa.client.post(format!("http://{}/graphql", stoa.address));
        let answer: Value = answer.json(&payload).send().await.unwrap().json().await.unwrap();
        assert_eq!(code(answer), expected);
    }
}

#[tokio::test]
async fn however_many_wait_the_checkpoints_are_looked_at_by_one() {
    let stoa = Installation::without_projectors(Settings {
        wait_at_most: Duration::from_secs(3),
        ..Settings::default()
    })
    .await;
    stoa.store(UserId::generate()).await;
    let looks = async || {
        let sql = "select coalesce(seq_scan, 0) + coalesce(idx_scan, 0) from pg_stat_user_tables
            where relname = 'projection_checkpoint'";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&stoa.pool).await.unwrap()
    };
    let before = looks().await;
    let waiting = join_all((0..40).map(|_| stoa.code(None, "{ stores { totalCount } }", json!({})))).await;
    assert!(waiting.iter().all(|code| code == "NOT_YET"), "{waiting:?}");
    // Ten a second for all; ten a second for each were 1,200.
    let looked = looks().await - before;
    assert!(looked < 100, "{looked}");
}
