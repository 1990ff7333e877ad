//! `kill -9` of the whole process in the middle of an import, again and again: after a restart the import is finished by
//! itself, nothing is missing, nothing is there twice, and every chain verifies.

use std::{collections::BTreeMap, fmt::Write as _, process::Stdio, time::Duration};

use domain::id::{ListingId, StockId, StoreId, UserId};

use crate::installation::{Installation, Keeper};

/// Listings of the import: each has three commands.
const LISTINGS: i64 = 700;
/// How often the process is killed.
const KILLS: i64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn an_import_survives_kills_of_the_server_in_postgres_mode() {
    survives(Keeper::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_survives_kills_of_the_server_in_kafka_mode() {
    survives(Keeper::Kafka).await;
}

async fn survives(keeper: Keeper) {
    let installation = Installation::new(keeper).await;
    let file = installation.directory().join("import.ndjson");
    std::fs::write(&file, lines()).unwrap();
    let mut server = installation.start().await;
    let import = installation
        .command(&["import", "ndjson", file.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for kill in 0..KILLS {
        // Each kill comes at another point of the import, and not before some of it has been taken.
        installation.wait_for_records(400 * (kill + 1)).await;
        server.kill().await;
        server = installation.start().await;
    }
    let output = tokio::time::timeout(Duration::from_secs(240), import.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{summary}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!summary.contains("refused:"), "{summary}");

    installation.wait_for_archive().await;
    let pool = installation.pool().await;
    let counted: Vec<(String, i64, i64)> = sqlx::query_as(
        "select event_type, count(*), count(distinct stream) from log_record where scope is not null group by 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let all = LISTINGS;
    let counted: BTreeMap<_, _> = counted
        .into_iter()
        .map(|(kind, events, streams)| (kind, (events, streams)))
        .collect();
    let expected =
        ["listing.created.v1", "listing.published.v1", "stock.adjusted.v1"].map(|kind| (kind.to_owned(), (all, all)));
    assert_eq!(counted, BTreeMap::from(expected));

    installation
        .wait_for_rows("select count(*) from listing where status = 'published'", all)
        .await;
    installation
        .wait_for_rows("select count(*) from stock where on_hand = 5", all)
        .await;
    server.stop().await;
    let audit = installation.command(&["audit", "verify"]).output().await.unwrap();
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
}

/// Bulk lines: products that are created and published, and stock of theirs.
fn lines() -> String {
    let mut lines = String::new();
    let owner = UserId::generate();
    for number in 0..LISTINGS {
        let (listing, stock) = (ListingId::generate(), StockId::generate());
        let store = StoreId::generate();
        let details = r#"{"kind":"product"}"#;
        let price = r#"{"amount":100,"currency":"EUR"}"#;
        let mut line = |path: String, data: String| {
            writeln!(
                lines,
                r#"{{"path":"/v1/{path}","key":"{path}","actor":"{owner}","data":{data}}}"#
            )
            .unwrap();
        };
        let create = format!(
            r#"{{"title":"Thing {number}","details":{details},"owner":"{owner}","store":"{store}","price":{price}}}"#
        );
        line(format!("listings/{listing}/create"), create);
        line(format!("listings/{listing}/publish"), "{}".to_owned());
        line(
            format!("listings/{listing}/stock/{stock}/adjust"),
            r#"{"by":5}"#.to_owned(),
        );
    }
    lines
}
