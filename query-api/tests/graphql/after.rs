//! `Stoa-After`.

use std::time::Duration;

use domain::id::{UserId, generate};
use event_log::position::Position;
use query_api::Settings;
use serde_json::json;

use crate::installation::Installation;

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
    let stoa = Installation::without_projectors(Settings {
        wait_at_most: Duration::from_millis(300),
        ..Settings::default()
    })
    .await;
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
