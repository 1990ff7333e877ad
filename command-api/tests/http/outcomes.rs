//! What a client is told when the log's answer does not come, or comes to nothing.

use std::{sync::Arc, time::Duration};

use command_api::{Service, Settings};
use domain::{
    clock::SystemClock,
    family::Family,
    id::{StoreId, UserId},
};
use event_log::{control::WriterIdentity, limits::Limits, owner::Owner};
use serde_json::json;

use crate::installation::{Installation, register, send};

const KEY: &str = "Idempotency-Key";

#[tokio::test]
async fn a_node_that_is_superseded_can_not_tell_what_became_of_the_command_that_it_had_sent() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[]);
    let store = StoreId::generate();
    let register_path = format!("/v1/stores/{store}/register");
    let later = Service::open(
        stoa.log.clone(),
        Settings::new("later"),
        stoa.keys.clone(),
        Arc::new(SystemClock),
    )
    .await
    .unwrap();

    // The other may have been asked for the same command in the meantime.
    let keyed = || stoa.command(&token, &register_path, &register()).header(KEY, "once");
    assert_eq!(send(keyed()).await.expect(503).code(), "outcome-unknown");
    let next = send(keyed()).await.expect(503);
    assert_eq!(next.code(), "shard-not-here");
    assert!(next.header("Retry-After").is_some());
    later.shutdown().await;
}

#[tokio::test]
async fn a_command_that_a_lesser_writer_cut_off_is_decided_again() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[]);
    let store = StoreId::generate();
    stoa.post(&token, &format!("/v1/stores/{store}/register"), &register())
        .await
        .expect(201);
    let shard = stoa.log.shard_of(Family::Listing, &store.to_string());
    let rival = Owner::open(
        stoa.log.port(),
        stoa.log.archive().checkpoint(shard).await.unwrap(),
        WriterIdentity {
            node: "rival".into(),
            software: "1".into(),
            log: stoa.log.id(),
            assignment: 0,
        },
        Arc::new(SystemClock),
        Limits::default(),
    )
    .await
    .unwrap();

    let renamed = json!({ "profile": { "name": "Corn exchange" } });
    let answer = stoa
        .post(&token, &format!("/v1/stores/{store}/change-profile"), &renamed)
        .await
        .expect(200);
    assert_eq!(answer.body["version"], 2);
    rival.close().await;
}

#[tokio::test]
async fn a_command_whose_outcome_was_unknown_is_found_by_its_key() {
    let mut settings = Settings::new("test");
    settings.log.report_within = Duration::from_secs(3);
    settings.log.answer_within = Duration::from_secs(6);
    let stoa = Installation::postgres_with(settings).await;
    let token = stoa.token(UserId::generate(), &[]);
    let store = StoreId::generate();

    // Whoever holds the head's row keeps every writer waiting.
    let mut held = stoa.pool.begin().await.unwrap();
    sqlx::query("select from log_head for update")
        .execute(&mut *held)
        .await
        .unwrap();
    let keyed = || {
        stoa.command(&token, &format!("/v1/stores/{store}/register"), &register())
            .header(KEY, "once")
    };
    assert_eq!(send(keyed()).await.expect(503).code(), "outcome-unknown");
    held.rollback().await.unwrap();

    let found = send(keyed()).await.expect(201);
    assert_eq!(found.body["version"], 1);
    let again = send(keyed()).await.expect(201);
    assert_eq!(again.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(again.body, found.body);
    let events: i64 = sqlx::query_scalar("select count(*) from log_record where stream = $1")
        .bind(store.to_string())
        .fetch_one(&stoa.pool)
        .await
        .unwrap();
    assert_eq!(events, 1);
}
