//! The real `stoa` binary as a test runs it: an installation with a database, a topic prefix, a data directory and a port
//! of its own.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use sqlx::PgPool;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(90);

/// Where the log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    Postgres,
    Kafka,
}

/// Where one Stoa lives.
pub struct Installation {
    data: TempDir,
    database: String,
    kafka: Option<(String, String)>,
    port: u16,
}

impl Installation {
    pub async fn new(keeper: Keeper) -> Self {
        // The first of a process wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let kafka = match keeper {
            Keeper::Kafka => Some((servers::shared::kafka().await, servers::shared::topic_prefix())),
            Keeper::Postgres => None,
        };
        Self {
            data: TempDir::new().unwrap(),
            database: servers::shared::postgres().await.database().await,
            kafka,
            port: servers::unique::port().unwrap(),
        }
    }

    pub fn directory(&self) -> &Path {
        self.data.path()
    }

    pub fn address(&self) -> (&'static str, u16) {
        ("127.0.0.1", self.port)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A token with the role importer.
    pub async fn importer(&self) -> String {
        let minted = self.command(&["token", "--role", "importer"]).output().await.unwrap();
        assert!(minted.status.success());
        String::from_utf8(minted.stdout).unwrap().trim().to_owned()
    }

    pub async fn pool(&self) -> PgPool {
        PgPool::connect(&self.database).await.unwrap()
    }

    /// `stoa` with these arguments, in this installation.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        command
            .args(arguments)
            .env("STOA_DATA", self.data.path())
            .env("DATABASE_URL", &self.database)
            .env("STOA_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("STOA_URL", self.url(""))
            .env("STOA_LOG", "warn")
            .kill_on_drop(true);
        if let Some((brokers, prefix)) = &self.kafka {
            command.env("KAFKA_BROKERS", brokers).env("STOA_TOPIC_PREFIX", prefix);
        }
        command
    }

    /// Starts `stoa up` and waits until it is ready.
    pub async fn start(&self) -> Server {
        let server = self.command(&["up"]).stdout(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let ready = self.url("/readyz");
        while !reqwest::get(&ready)
            .await
            .is_ok_and(|response| response.status().is_success())
        {
            assert!(began.elapsed() < PATIENCE, "stoa up is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Server(server)
    }

    /// Waits until the archive holds so many records.
    pub async fn wait_for_records(&self, records: i64) {
        self.wait("select count(*) from log_record where scope is not null", |count| {
            count >= records
        })
        .await;
    }

    /// Waits until a count is this.
    pub async fn wait_for_rows(&self, count: &'static str, rows: i64) {
        self.wait(count, |found| found == rows).await;
    }

    /// Waits until the archive has all that the log has: it moves no more.
    pub async fn wait_for_archive(&self) {
        let pool = self.pool().await;
        let mut before = -1;
        loop {
            let (now,): (i64,) = sqlx::query_as("select sum(next_offset)::bigint from log_head")
                .fetch_one(&pool)
                .await
                .unwrap();
            if now == before {
                return;
            }
            before = now;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    async fn wait(&self, count: &'static str, enough: impl Fn(i64) -> bool) {
        let pool = self.pool().await;
        let began = Instant::now();
        loop {
            let (found,): (i64,) = sqlx::query_as(count).fetch_one(&pool).await.unwrap();
            if enough(found) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{count}: {found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A running `stoa up`.
pub struct Server(Child);

impl Server {
    /// `kill -9`.
    pub async fn kill(mut self) {
        self.0.kill().await.unwrap();
    }

    /// SIGTERM, and waits until it has ended by itself.
    pub async fn stop(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id().unwrap().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let ended = tokio::time::timeout(PATIENCE, self.0.wait()).await;
        assert!(ended.expect("stoa up ends when told to").unwrap().success());
    }
}
