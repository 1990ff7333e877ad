//! The embedded Postgres on the real server: durable, restartable, and never left behind.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use servers::{EmbeddedPostgres, Error};
use sqlx::{Connection, PgConnection};

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)")
        .bind(name)
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_acknowledged_is_on_disk_and_survives_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let server = EmbeddedPostgres::start(place.path()).await.unwrap();
    server.create_database("stoa").await.unwrap();
    server.create_database("stoa").await.unwrap();

    let mut connection = connect(&server.url("stoa")).await;
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(setting(&mut connection, name).await, "on", "{name}");
    }
    sqlx::query("CREATE TABLE kept AS SELECT 42 AS answer")
        .execute(&mut connection)
        .await
        .unwrap();
    server.stop().await;

    let again = EmbeddedPostgres::start(place.path()).await.unwrap();
    let mut connection = connect(&again.url("stoa")).await;
    let answer: i32 = sqlx::query_scalar("SELECT answer FROM kept")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(answer, 42);
}

#[tokio::test]
async fn text_search_extensions_are_there_and_case_folds_beyond_ascii() {
    let place = tempfile::tempdir().unwrap();
    let server = EmbeddedPostgres::start(place.path()).await.unwrap();
    let mut connection = connect(&server.url("postgres")).await;
    for extension in ["pg_trgm", "unaccent", "btree_gin"] {
        let create = sqlx::AssertSqlSafe(format!("CREATE EXTENSION {extension}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
    }
    let lower: String = sqlx::query_scalar("SELECT lower('ÄÇÃO')")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(lower, "äção");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let _first = EmbeddedPostgres::start(place.path()).await.unwrap();
    let second = EmbeddedPostgres::start(place.path()).await;
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
}

#[tokio::test]
async fn a_killed_server_recovers_on_the_next_start() {
    let place = tempfile::tempdir().unwrap();
    let mut server = EmbeddedPostgres::start(place.path()).await.unwrap();
    let mut connection = connect(&server.url("postgres")).await;
    sqlx::query("CREATE TABLE kept AS SELECT 42 AS answer")
        .execute(&mut connection)
        .await
        .unwrap();
    server.signal(nix::sys::signal::Signal::SIGKILL);
    while !server.has_ended() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(
        place.path().join("data/postmaster.pid").exists(),
        "the kill was not one"
    );
    drop(server);

    let again = EmbeddedPostgres::start(place.path()).await.unwrap();
    let mut connection = connect(&again.url("postgres")).await;
    let answer: i32 = sqlx::query_scalar("SELECT answer FROM kept")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(answer, 42);
}

/// Names the data of the process that the next test kills, which is this test binary with that one test chosen.
const PARENT_OF: &str = "STOA_TEST_PARENT_OF";

#[tokio::test]
async fn a_parent_that_is_killed_can_be_started_again_at_once() {
    if let Some(dir) = std::env::var_os(PARENT_OF) {
        let server = EmbeddedPostgres::start(Path::new(&dir)).await.unwrap();
        println!("{}", server.url("postgres"));
        std::future::pending::<()>().await;
    }
    let place = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let mut parent = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "postgres::a_parent_that_is_killed_can_be_started_again_at_once",
            ])
            .env(PARENT_OF, place.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(parent.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        // The harness may have put its own words before it on the line.
        let line = lines.find(|line| line.contains("postgres://")).unwrap();
        let mut connection = connect(&line[line.find("postgres://").unwrap()..]).await;
        let create = sqlx::AssertSqlSafe(format!("CREATE TABLE round_{round} AS SELECT 1"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        parent.kill().unwrap();
        parent.wait().unwrap();
    }
    let server = EmbeddedPostgres::start(place.path()).await.unwrap();
    let mut connection = connect(&server.url("postgres")).await;
    sqlx::query("SELECT FROM round_1, round_2, round_3")
        .execute(&mut connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_is_no_obstacle() {
    let place = tempfile::tempdir().unwrap();
    EmbeddedPostgres::start(place.path()).await.unwrap().stop().await;
    let stranger = format!("{}\n", std::process::id());
    std::fs::write(place.path().join("data/postmaster.pid"), stranger).unwrap();
    EmbeddedPostgres::start(place.path()).await.unwrap();
}

#[tokio::test]
async fn a_directory_that_the_server_can_not_enter_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let closed = tempfile::tempdir().unwrap();
    std::fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let started = Instant::now();
    let refused = EmbeddedPostgres::start(&closed.path().join("stoa")).await;
    let Err(Error::Unreachable { closed: named, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(named, closed.path());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn data_keeps_its_owner_when_a_better_candidate_appears() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let place = tempfile::tempdir().unwrap();
    EmbeddedPostgres::start(place.path()).await.unwrap().stop().await;
    give_to(place.path(), &nobody);
    EmbeddedPostgres::start(place.path()).await.unwrap().stop().await;
    assert_eq!(
        place.path().join("data/PG_VERSION").metadata().unwrap().uid(),
        nobody.uid.as_raw()
    );
}

fn give_to(path: &Path, user: &nix::unistd::User) {
    std::os::unix::fs::lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    if path.is_dir() {
        for entry in path.read_dir().unwrap() {
            give_to(&entry.unwrap().path(), user);
        }
    }
}
