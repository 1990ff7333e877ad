//! From start to shutdown: nothing that was acknowledged is lost, and what is cold is what was warm.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use domain::{
    id::{StoreId, UserId},
    viewer::Role,
};
use futures::{
    StreamExt,
    future::{join_all, ready},
    stream,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::installation::{Installation, register};

#[tokio::test]
async fn a_state_that_is_loaded_is_the_state_that_was_in_memory() {
    let stoa = Installation::postgres().await;
    let stock = stoa.stock(1000).await;
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let (adjust, mut expected) = (format!("{stock}/adjust"), 1000);
    for by in [-3, 7, -100, 41] {
        stoa.post(&token, &adjust, &json!({ "by": by })).await.expect(200);
        expected += by;
    }
    let too_much = json!({ "by": -1_000_000 });
    let warm = stoa.post(&token, &adjust, &too_much).await.expect(409);
    assert_eq!(warm.body["facts"]["available"], expected);
    let stoa = stoa.restart().await;
    let mut cold = stoa.post(&token, &adjust, &too_much).await.expect(409);
    cold.body["instance"] = warm.body["instance"].clone();
    assert_eq!(cold.body, warm.body);
    assert_eq!(
        stoa.post(&token, &adjust, &json!({ "by": 1 })).await.expect(200).body["version"],
        6
    );
}

#[tokio::test]
async fn shutting_down_finishes_what_is_under_way_and_takes_nothing_more() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[]);
    let stores: Vec<_> = (0..200).map(|_| StoreId::generate()).collect();
    let paths: Vec<_> = stores
        .iter()
        .map(|store| format!("/v1/stores/{store}/register"))
        .collect();
    let body = register();
    let sent = join_all(paths.iter().map(|path| stoa.post(&token, path, &body)));
    let (answers, ()) = tokio::join!(sent, async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stoa.service.shutdown().await;
    });
    assert!(!stoa.service.ready());
    for (store, answer) in stores.iter().zip(&answers) {
        let kept: i64 = sqlx::query_scalar("select count(*) from log_record where stream = $1")
            .bind(store.to_string())
            .fetch_one(&stoa.pool)
            .await
            .unwrap();
        match answer.status {
            201 => assert_eq!(kept, 1),
            503 => assert_eq!((answer.code(), kept), ("shutting-down", 0)),
            _ => panic!("{answer:?}"),
        }
    }
    let late = stoa.post(&token, &paths[0], &body).await.expect(503);
    assert!(late.header("retry-after").is_some());
}

#[tokio::test]
async fn a_bulk_request_that_never_ends_does_not_hold_up_the_shutdown() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[]);
    let line = json!({ "path": format!("/v1/stores/{}/register", StoreId::generate()), "data": register() });
    let first = stream::once(ready(Ok::<_, Infallible>(format!("{line}\n"))));
    let answer = stoa
        .client
        .post(format!("{}/v1/commands", stoa.url))
        .bearer_auth(&token)
        .header("content-type", "application/x-ndjson")
        .body(reqwest::Body::wrap_stream(first.chain(stream::pending())))
        .send()
        .await
        .unwrap();
    let mut results = answer.bytes_stream();
    let result: Value = serde_json::from_slice(&results.next().await.unwrap().unwrap()).unwrap();
    assert_eq!(result["status"], 201);
    timeout(Duration::from_secs(20), stoa.service.shutdown()).await.unwrap();
    assert!(results.next().await.is_none());
}

#[tokio::test]
async fn on_kafka_every_shard_is_taken_over_at_once_and_commands_are_carried_out() {
    let stoa = Installation::kafka().await;
    let stock = stoa.stock(100).await;
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let (adjust, one) = (format!("{stock}/adjust"), json!({ "by": -1 }));
    let answers = join_all((0..150).map(|_| stoa.post(&token, &adjust, &one))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(200), count(409)), (100, 50), "never below zero, never too few");
    let begun = Instant::now();
    let stoa = stoa.restart().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(stoa.service.ready());
    stoa.post(&token, &adjust, &json!({ "by": -1 })).await.expect(409);
}
