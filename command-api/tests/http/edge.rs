//! What is turned away at the edge, and how it is told.

use std::time::Duration;

use domain::{
    id::{ListingId, UserId},
    viewer::Role,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::installation::{Answer, Installation, send};

/// A problem with what differs from run to run blanked out.
fn told(answer: &Answer) -> Value {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{answer:?}"
    );
    let mut body = answer.body.clone();
    if let Some(instance) = body.get_mut("instance") {
        assert!(instance.as_str().unwrap().starts_with("urn:uuid:"));
        *instance = json!("urn:uuid:…");
    }
    body
}

#[tokio::test]
async fn refusals_are_told_as_problems() {
    let stoa = Installation::postgres().await;
    let stock = stoa.stock(5).await;
    let admin = stoa.token(UserId::generate(), &[Role::Administrator]);
    let adjust = format!("{stock}/adjust");
    let conflict = stoa.post(&admin, &adjust, &json!({ "by": -6 })).await.expect(409);
    insta::assert_json_snapshot!("conflict", told(&conflict));
    let invalid = stoa.post(&admin, &adjust, &json!({ "by": 0 })).await.expect(422);
    insta::assert_json_snapshot!("invalid", told(&invalid));
    let stranger = stoa.token(UserId::generate(), &[]);
    let forbidden = stoa.post(&stranger, &adjust, &json!({ "by": 1 })).await.expect(403);
    insta::assert_json_snapshot!("forbidden", told(&forbidden));
    let nowhere = format!("/v1/listings/{}/publish", ListingId::generate());
    let missing = stoa.post(&admin, &nowhere, &json!({})).await.expect(404);
    insta::assert_json_snapshot!("missing", told(&missing));
}

#[tokio::test]
async fn what_is_malformed_is_told_with_the_field_at_fault_and_never_as_a_fault_of_the_server() {
    let stoa = Installation::postgres().await;
    let stock = stoa.stock(5).await;
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let adjust = format!("{stock}/adjust");
    for (body, code, field) in [
        (r#"{"by":1,"bye":2}"#, "body-invalid", Some("/bye")),
        (r#"{"by":"one"}"#, "body-invalid", Some("/by")),
        (r#"{"reason":"none"}"#, "body-invalid", Some("/by")),
        (r#"{"by":99999999999}"#, "body-invalid", Some("/by")),
        ("", "body-invalid", Some("/by")),
        (r#"{"by":1"#, "body-not-json", None),
        ("[1, null]", "body-not-an-object", None),
        ("\u{feff}{}", "body-not-an-object", None),
    ] {
        let request = stoa.client.post(format!("{}{adjust}", stoa.url)).bearer_auth(&token);
        let answer = send(request.header("content-type", "application/json").body(body))
            .await
            .expect(400);
        assert_eq!(answer.code(), code, "{body}");
        assert_eq!(answer.body.get("field").and_then(Value::as_str), field, "{body}");
    }
    let nested = format!("{}{}{}", r#"{"by":"#, "[".repeat(10_000), "]".repeat(10_000));
    let request = || stoa.client.post(format!("{}{adjust}", stoa.url)).bearer_auth(&token);
    let json = |body: String| request().header("content-type", "application/json").body(body);
    assert_eq!(send(json(nested)).await.expect(400).code(), "body-too-deep");
    let large = format!(r#"{{"by":1,"reason":"{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(send(json(large)).await.expect(413).code(), "body-too-large");
    let text = request().header("content-type", "text/plain").body(r#"{"by":1}"#);
    assert_eq!(send(text).await.expect(415).code(), "media-type-unsupported");
    let dry = stoa.command(&token, &format!("{adjust}?dryRun=true"), &json!({ "by": 1 }));
    assert_eq!(send(dry).await.expect(400).code(), "query-not-allowed");
    let key = stoa
        .command(&token, &adjust, &json!({ "by": 1 }))
        .header("Idempotency-Key", "two words");
    assert_eq!(send(key).await.expect(400).code(), "key-invalid");
}

#[tokio::test]
async fn what_does_not_exist_is_told_with_what_does() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[]);
    let nowhere = stoa.post(&token, "/v1/nothing/at/all", &json!({})).await.expect(404);
    assert_eq!(nowhere.code(), "unknown-path");
    assert!(
        nowhere.body["facts"]["paths"]
            .as_array()
            .unwrap()
            .contains(&json!("/v1/orders/{order}/{command}"))
    );
    let listing = format!("/v1/listings/{}/explode", ListingId::generate());
    let unknown = stoa.post(&token, &listing, &json!({})).await.expect(404);
    assert_eq!(unknown.code(), "unknown-command");
    assert!(
        unknown.body["facts"]["commands"]
            .as_array()
            .unwrap()
            .contains(&json!("publish"))
    );
    let id = stoa
        .post(&token, "/v1/listings/lst_1/publish", &json!({}))
        .await
        .expect(400);
    assert_eq!(id.code(), "id-invalid");
    let get = send(stoa.client.get(format!("{}{listing}", stoa.url)))
        .await
        .expect(405);
    assert_eq!(get.header("allow"), Some("POST"));
    let document = send(stoa.client.get(format!("{}/openapi.json", stoa.url)))
        .await
        .expect(200);
    assert_eq!(document.body["openapi"], "3.1.0");
}

#[tokio::test]
async fn a_stream_belongs_to_the_scope_that_it_began_in() {
    let stoa = Installation::postgres().await;
    let (one, other) = (stoa.stock(5).await, stoa.stock(5).await);
    let token = stoa.token(UserId::generate(), &[Role::Administrator]);
    let (_, stock) = one.rsplit_once('/').unwrap();
    let (listing, _) = other.rsplit_once('/').unwrap();
    let strayed = stoa
        .post(&token, &format!("{listing}/{stock}/adjust"), &json!({ "by": 1 }))
        .await;
    assert_eq!(strayed.expect(404).code(), "stream-elsewhere");
}

#[tokio::test]
async fn a_stranger_is_turned_away_before_the_body_is_read() {
    let stoa = Installation::postgres().await;
    let path = format!("/v1/listings/{}/publish", ListingId::generate());
    let mut socket = TcpStream::connect(stoa.url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    // The body never comes.
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{{"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    timeout(Duration::from_secs(10), socket.read_exact(&mut status))
        .await
        .expect("it is answered before the body has come")
        .unwrap();
    assert_eq!(status, *b"HTTP/1.1 401");
}
