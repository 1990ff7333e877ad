//! Many commands in one request.

use std::{fmt::Write, time::Duration};

use command_api::Settings;
use domain::{
    id::{ListingId, StoreId, UserId},
    viewer::Role,
};
use event_log::{archiver::Archiver, chain_reader::Check, feed::Feed, limits::Limits};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

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

const PATIENCE: Duration = Duration::from_secs(60);

fn small_tail() -> Settings {
    let log = Limits {
        tail_bytes: 20_000,
        ..Limits::default()
    };
    Settings {
        log,
        ..Settings::new("test")
    }
}

fn registrations(count: usize) -> String {
    let line = || json!({ "path": format!("/v1/stores/{}/register", StoreId::generate()), "data": register() });
    (0..count).fold(String::new(), |lines, _| lines + &line().to_string() + "\n")
}

fn statuses(results: &[Value]) -> Vec<u64> {
    results
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_log_that_is_its_own_archive_is_never_busy_for_what_it_has() {
    let stoa = Installation::postgres_with(small_tail()).await;
    let token = stoa.token(UserId::generate(), &[]);
    // Many times what the tail may hold, within moments.
    for _ in 0..5 {
        let results = bulk(&stoa, &token, registrations(200)).await;
        assert_eq!(statuses(&results), [201; 200]);
    }
    for _ in 0..50 {
        let path = format!("/v1/stores/{}/register", StoreId::generate());
        stoa.post(&token, &path, &register()).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_wait_for_the_archive_where_a_single_command_is_turned_away() {
    let stoa = Installation::kafka_with(small_tail()).await;
    let token = stoa.token(UserId::generate(), &[]);
    // Nothing is archived yet.
    let store = StoreId::generate();
    let path = format!("/v1/stores/{store}/register");
    stoa.post(&token, &path, &register()).await.expect(201);
    let rename = |number: usize| json!({ "profile": { "name": format!("Hall {number}") } });
    let change = format!("/v1/stores/{store}/change-profile");
    let busy = async {
        for number in 0..200 {
            let answer = stoa.post(&token, &change, &rename(number)).await;
            if answer.status != 200 {
                return answer;
            }
        }
        panic!("200 commands were taken")
    };
    let busy = busy.await.expect(503);
    assert_eq!((busy.code(), busy.header("Retry-After")), ("busy", Some("1")));

    let lines = (1000..1030).fold(String::new(), |lines, number| {
        lines + &json!({ "path": change, "data": rename(number) }).to_string() + "\n"
    });
    let waiting = bulk(&stoa, &token, lines);
    let archiving = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let feed = Feed::start(&stoa.log, Check::Hashes).await.unwrap();
        let stop = CancellationToken::new();
        let archiver = Archiver::new(&stoa.log, feed, stoa.pool.clone());
        (tokio::spawn(archiver.run(stop.clone())), stop)
    };
    let (results, (archiver, stop)) = tokio::join!(waiting, archiving);
    assert_eq!(statuses(&results), [200; 30], "{results:?}");
    stop.cancel();
    archiver.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_take_its_results_does_not_hold_up_the_shutdown() {
    let stoa = Installation::postgres().await;
    let token = stoa.token(UserId::generate(), &[]);
    let mut lines = registrations(20);
    // Their results are more than sockets hold.
    lines.push_str(&"x\n".repeat(200_000));
    let socket = TcpStream::connect(stoa.url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let head = format!(
        "POST /v1/commands HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        lines.len()
    );
    lines.insert_str(0, &head);
    let (mut reading, mut writing) = socket.into_split();
    let sending = tokio::spawn(async move { writing.write_all(lines.as_bytes()).await });
    // The answer begins, and is not read on.
    assert!(timeout(PATIENCE, reading.read_u8()).await.unwrap().is_ok());
    let carried_out = async {
        let count = "select count(*) from log_record where scope is not null";
        while sqlx::query_scalar::<_, i64>(count).fetch_one(&stoa.pool).await.unwrap() < 20 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, carried_out).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    timeout(Duration::from_secs(20), stoa.service.shutdown()).await.unwrap();
    sending.abort();
}
