//! Many commands in one request.

use std::fmt::Write;

use domain::{
    id::{ListingId, StoreId, UserId},
    viewer::Role,
};
use serde_json::{Value, json};

use crate::installation::{Installation, register};

async fn bulk(stoa: &Installation, token: &str, lines: String) -> Vec<Value> {
    let answer = stoa
        .client
        .post(format!("{}/v1/commands", stoa.url))
        .bearer_auth(token)
        .header("content-type", "application/x-ndjson")
        .body(lines)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_line_is_answered_in_order_and_a_bad_one_stops_no_other() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[Role::Importer]);
    let store = StoreId::generate();
    let path = format!("/v1/stores/{store}/register");
    let owner = UserId::generate();
    let at = "2017-10-02T10:56:33Z";
    let good = json!({ "path": path, "key": "one", "at": at, "actor": owner, "data": register() });
    let lines = format!(
        "{good}\nnot json\n\n{good}\n{}\n{}",
        json!({ "path": "/v1/nothing" }),
        json!({ "path": path, "oops": 1 })
    );
    let results = bulk(&stoa, &token, lines).await;
    let told: Vec<_> = results
        .iter()
        .map(|result| {
            (
                result["line"].as_u64().unwrap(),
                result["status"].as_u64().unwrap(),
                result["replayed"].as_bool(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (1, 201, Some(false)),
            (2, 400, None),
            (4, 201, Some(true)),
            (5, 404, None),
            (6, 400, None)
        ]
    );
    assert_eq!(results[0]["receipt"], results[2]["receipt"]);
    assert_eq!(results[1]["problem"]["type"], "urn:stoa:problem:line-invalid");
}

#[tokio::test]
async fn lines_of_a_scope_are_decided_in_the_order_of_the_file() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[Role::Importer]);
    let mut lines = String::new();
    let listings: Vec<_> = (0..20).map(|_| ListingId::generate()).collect();
    let mut line = |path: String, data: Value| writeln!(lines, "{}", json!({ "path": path, "data": data })).unwrap();
    for listing in &listings {
        let create = json!({ "title": "0", "details": { "kind": "showcase", "tagline": "Look" } });
        line(format!("/v1/listings/{listing}/create"), create);
    }
    for round in 1..=50 {
        for listing in &listings {
            let change = json!({ "title": round.to_string(), "details": { "kind": "showcase", "tagline": "Look" } });
            line(format!("/v1/listings/{listing}/change-details"), change);
        }
    }
    let results = bulk(&stoa, &token, lines).await;
    assert_eq!(results.len(), 20 * 51);
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["line"], index + 1);
        assert_eq!(result["receipt"]["version"], index / 20 + 1, "{result}");
    }
    for listing in &listings {
        let titles: Vec<String> =
            sqlx::query_scalar("select convert_from(value, 'utf8') from log_record where stream = $1 order by version")
                .bind(listing.to_string())
                .fetch_all(&stoa.pool)
                .await
                .unwrap();
        for (round, value) in titles.iter().enumerate() {
            let value: Value = serde_json::from_str(value).unwrap();
            assert_eq!(value["title"], round.to_string());
        }
    }
}
