//! Idempotency keys and conditions.

use std::{pin::pin, time::Duration};

use domain::{
    id::{StoreId, UserId},
    viewer::Role,
};
use futures::future::join_all;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::installation::{Installation, register, send};

#[tokio::test]
async fn the_same_key_and_body_give_the_same_receipt_and_append_once() {
    let stoa = Installation::postgres().await;
    let stock = stoa.stock(5).await;
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let path = format!("{stock}/adjust");
    let keyed = || {
        stoa.command(&token, &path, &json!({ "by": 2 }))
            .header("Idempotency-Key", "k-1")
    };
    let first = send(keyed()).await.expect(200);
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(first.header("etag"), Some("\"2\""));
    let again = send(keyed()).await.expect(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("etag"), Some("\"2\""));

    let other = stoa
        .command(&token, &path, &json!({ "by": 3 }))
        .header("Idempotency-Key", "k-1");
    assert_eq!(send(other).await.expect(422).code(), "key-reused");
    let somebody = stoa.token(UserId::generate(), &[Role::Administrator]);
    let theirs = stoa
        .command(&somebody, &path, &json!({ "by": 3 }))
        .header("Idempotency-Key", "k-1");
    assert_eq!(send(theirs).await.expect(200).body["version"], 3);
}

#[tokio::test]
async fn a_key_that_is_in_flight_is_joined() {
    let stoa = Installation::postgres().await;
    let stock = stoa.stock(5).await;
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let path = format!("{stock}/adjust");
    let answers = join_all((0..40).map(|_| {
        send(
            stoa.command(&token, &path, &json!({ "by": 1 }))
                .header("Idempotency-Key", "all-at-once"),
        )
    }))
    .await;
    let fresh = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed").is_none())
        .count();
    assert_eq!(fresh, 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.body == answers[0].body)
    );
}

#[tokio::test]
async fn a_key_outlives_a_restart_and_so_does_the_state() {
    let stoa = Installation::postgres().await;
    survives_a_restart(stoa).await;
}

#[tokio::test]
async fn a_key_outlives_a_restart_on_kafka_where_the_archive_lags() {
    let stoa = Installation::kafka().await;
    survives_a_restart(stoa).await;
}

async fn survives_a_restart(stoa: Installation) {
    let stock = stoa.stock(5).await;
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let path = format!("{stock}/adjust");
    let first = send(
        stoa.command(&token, &path, &json!({ "by": 2 }))
            .header("Idempotency-Key", "k"),
    )
    .await
    .expect(200);
    let stoa = stoa.restart().await;
    let again = send(
        stoa.command(&token, &path, &json!({ "by": 2 }))
            .header("Idempotency-Key", "k"),
    )
    .await
    .expect(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
    let refused = stoa.post(&token, &path, &json!({ "by": -8 })).await.expect(409);
    assert_eq!(refused.body["facts"], json!({ "available": 7, "wanted": 8 }));
}

#[tokio::test]
async fn if_match_holds_a_command_back_when_the_stream_has_moved() {
    let stoa = Installation::postgres().await;
    let stock = stoa.stock(5).await;
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let path = format!("{stock}/adjust");
    let given = |condition: &'static str| {
        stoa.command(&token, &path, &json!({ "by": 1 }))
            .header("If-Match", condition)
    };
    assert_eq!(send(given("\"1\"")).await.expect(200).body["version"], 2);
    let late = send(given("\"1\"")).await.expect(412);
    assert_eq!(late.code(), "version-mismatch");
    assert_eq!(late.body["facts"]["version"], 2);
    assert_eq!(send(given("*")).await.expect(200).body["version"], 3);
    send(given("3")).await.expect(400);

    let store = format!("/v1/stores/{}/register", StoreId::generate());
    let unless_there = || stoa.command(&token, &store, &register()).header("If-Match", "\"0\"");
    send(unless_there()).await.expect(201);
    send(unless_there()).await.expect(412);
}

#[tokio::test]
async fn another_body_under_a_key_in_flight_is_told_once_the_first_has_its_outcome() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let path = format!("{}/adjust", stoa.stock(10).await);
    let keyed = |by: i64| {
        send(
            stoa.command(&token, &path, &json!({ "by": by }))
                .header("Idempotency-Key", "one"),
        )
    };
    // Nothing can be appended meanwhile.
    let mut held = stoa.pool.begin().await.unwrap();
    sqlx::query("select 1 from log_head for update")
        .execute(&mut *held)
        .await
        .unwrap();
    let first = keyed(1);
    let second = async {
        sleep(Duration::from_millis(300)).await;
        let mut second = pin!(keyed(2));
        let early = timeout(Duration::from_millis(300), &mut second).await;
        assert!(early.is_err(), "told before anybody knows: {early:?}");
        held.rollback().await.unwrap();
        second.await
    };
    let (first, second) = tokio::join!(first, second);
    first.expect(200);
    assert_eq!(second.expect(422).code(), "key-reused");
}
