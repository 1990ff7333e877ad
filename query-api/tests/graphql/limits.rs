//! What one request may take of the others' share.

use std::time::{Duration, Instant};

use domain::id::UserId;
use futures::future::join_all;
use query_api::Settings;
use serde_json::{Value, json};

use crate::installation::Installation;

/// One document, so many times under other names.
fn aliased(field: &str, times: usize) -> String {
    let fields: Vec<String> = (0..times).map(|n| format!("f{n}: {field}")).collect();
    format!("{{ {} }}", fields.join(" "))
}

#[tokio::test]
async fn a_document_is_refused_by_what_it_costs_before_anything_is_read() {
    let stoa = Installation::start().await;
    let all = "listings(first: 100) { totalCount nodes { id } facets { categories { count } tags { count }
               stores { count } prices { count } } }";
    // One page with all its figures is what a client needs.
    stoa.data(None, &aliased(all, 1), json!({})).await;
    for dear in [
        aliased(all, 15),
        aliased("viewer { id }", 21),
        aliased("listings(first: 1) { a: totalCount b: totalCount c: totalCount }", 20),
        "{ stores(first: 100) { nodes { listings(first: 1) { totalCount } } } }".to_owned(),
    ] {
        assert_eq!(stoa.code(None, &dear, json!({})).await, "BAD_QUERY", "{dear}");
    }
}

#[tokio::test]
async fn fragments_that_spread_each_other_are_counted_and_not_walked() {
    let stoa = Installation::start().await;
    let spread = (0..28).map(|n| format!("fragment f{n} on Query {{ ...f{} ...f{} }}", n + 1, n + 1));
    let spread: Vec<String> = spread.collect();
    let bomb = format!("{{ ...f0 }} {} fragment f28 on Query {{ position }}", spread.join(" "));
    let began = Instant::now();
    assert_eq!(stoa.code(None, &bomb, json!({})).await, "BAD_QUERY");
    // Walked through, it is a billion fields.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let circle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
    assert_eq!(stoa.code(None, circle, json!({})).await, "BAD_QUERY");
}

#[tokio::test]
async fn queries_that_hang_are_ended_and_leave_commands_their_connections() {
    let stoa = Installation::with(Settings {
        statement_within: Duration::from_secs(2),
        connections: 6,
        ..Settings::default()
    })
    .await;
    let owner = UserId::generate();
    let chat = stoa.chat("group", owner, &[]).await;
    stoa.settled().await;
    let mut lock = stoa.pool.begin().await.unwrap();
    sqlx::query("lock table category in access exclusive mode")
        .execute(&mut *lock)
        .await
        .unwrap();
    let hanging = join_all((0..12).map(|_| stoa.query_after(None, "{ categories { id } }", json!({}), None)));
    let others = async {
        let began = Instant::now();
        stoa.say(owner, chat, "hello").await;
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    };
    let (answers, ()) = tokio::join!(hanging, others);
    for answer in answers {
        assert_eq!(answer["errors"][0]["extensions"]["code"], "TOO_LONG", "{answer}");
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_whatever_it_announces() {
    let stoa = Installation::start().await;
    let url = format!("http://{}/graphql", stoa.address);
    let large = format!("{{\"query\": \"{}\"}}", " ".repeat(300 * 1024));
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        large.as_bytes().chunks(1024).map(|piece| Ok(piece.to_vec())).collect();
    let streamed = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let cases = [
        (reqwest::Body::from(large), "application/json", 413, "TOO_LARGE"),
        (streamed, "application/json", 413, "TOO_LARGE"),
        ("{ viewer { id } }".into(), "text/plain", 415, "MEDIA_TYPE"),
        ("{ viewer { id } }".into(), "application/json", 400, "BAD_REQUEST"),
        ("[]".into(), "application/json", 400, "BAD_REQUEST"),
        ("\u{fffd}".into(), "application/json", 400, "BAD_REQUEST"),
    ];
    for (body, media, status, code) in cases {
        let request = stoa.client.post(&url).header("content-type", media).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], code, "{body}");
    }
}
