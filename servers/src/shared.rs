//! The one Postgres and the one Kafka that all tests of a run share. `make test` starts both and names them in the
//! environment; a test binary run by itself starts its own at the first call and ends them with the process.
//!
//! Tests keep apart by what they create: a database of their own, and a topic prefix of their own. A test that kills or
//! pauses a server starts one for itself ([`crate::EmbeddedPostgres`], [`crate::Kafka`]).
//!
//! These functions are for tests, and panic with the reason when there is no server.

use std::path::PathBuf;

use tokio::sync::OnceCell;

use crate::error::Error;
use crate::postgres::create_database;
use crate::{EmbeddedPostgres, Kafka, kafka, unique};

/// Names the shared Postgres: a superuser's URL.
pub const POSTGRES_VARIABLE: &str = "STOA_TEST_DATABASE_URL";
/// Names the shared Kafka: a bootstrap list.
pub const KAFKA_VARIABLE: &str = "STOA_TEST_KAFKA";

/// The shared Postgres.
#[derive(Debug, Clone)]
pub struct Postgres {
    server_url: String,
}

impl Postgres {
    /// Creates an empty database of its own for the caller and returns its URL. It goes when the server goes.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", expect(unique::hex(8)));
        expect(create_database(&self.server_url, &name).await);
        match self.server_url.rsplit_once('/') {
            Some((server, _)) => format!("{server}/{name}"),
            None => panic!("{POSTGRES_VARIABLE} names no database: {}", self.server_url),
        }
    }
}

/// The shared Postgres, started if need be.
pub async fn postgres() -> Postgres {
    static OWN: OnceCell<EmbeddedPostgres> = OnceCell::const_new();
    let server_url = match std::env::var(POSTGRES_VARIABLE) {
        Ok(url) => url,
        Err(_) => expect(OWN.get_or_try_init(start_postgres).await).url("postgres"),
    };
    Postgres { server_url }
}

/// The shared Kafka's bootstrap list, started if need be.
pub async fn kafka() -> String {
    static OWN: OnceCell<Kafka> = OnceCell::const_new();
    match std::env::var(KAFKA_VARIABLE) {
        Ok(brokers) => brokers,
        Err(_) => expect(OWN.get_or_try_init(start_kafka).await).brokers(),
    }
}

/// A prefix for the names of topics and consumer groups that no other test uses, such as `test-8c5fd04bd3e1-`.
pub fn topic_prefix() -> String {
    format!("test-{}-", expect(unique::hex(6)))
}

/// A Postgres whose data goes with it: not one to kill and start again.
pub async fn start_postgres() -> Result<EmbeddedPostgres, Error> {
    let dir = scratch("postgres")?;
    EmbeddedPostgres::start_with(&dir, &[], Some(&dir)).await
}

/// A Kafka whose data goes with it: not one to kill and start again.
pub async fn start_kafka() -> Result<Kafka, Error> {
    let dir = scratch("kafka")?;
    Kafka::start_with(&dir, kafka::Settings::default(), Some(&dir)).await
}

/// A directory that the server removes itself: a static is never dropped, and a killed test drops nothing.
fn scratch(server: &str) -> Result<PathBuf, Error> {
    let dir = std::env::temp_dir().join(format!("stoa-{server}-{}-{}", std::process::id(), unique::hex(4)?));
    crate::places::make(&dir)?;
    Ok(dir)
}

fn expect<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}
