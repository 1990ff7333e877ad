//! What an operator, or a test, may set.

use std::{str::FromStr as _, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// How long things may take, and how many there may be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a query waits for the position that it names.
    pub wait_at_most: Duration,
    /// How long a query may take in all.
    pub query_within: Duration,
    /// How long one SQL statement may take. Postgres itself ends it then: whoever went away leaves nothing running.
    pub statement_within: Duration,
    /// Connections to the database. They are the query API's own: no query keeps a command waiting.
    pub connections: u32,
    /// How often a websocket's peer is asked for a sign of life.
    pub ping_every: Duration,
    /// How long a websocket's peer may give none.
    pub alive_within: Duration,
    /// Operations that may be under way on one websocket.
    pub operations: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            wait_at_most: Duration::from_secs(5),
            query_within: Duration::from_secs(30),
            statement_within: Duration::from_secs(10),
            connections: 24,
            ping_every: Duration::from_secs(20),
            alive_within: Duration::from_secs(60),
            operations: 50,
        }
    }
}

/// How long a statement waits for a connection.
const CONNECTION_WITHIN: Duration = Duration::from_secs(10);

impl Settings {
    /// Connections to this database for queries alone. They are made as they are needed.
    pub fn pool(&self, url: &str) -> Result<PgPool, sqlx::Error> {
        let limit = self.statement_within.as_millis().to_string();
        let options = PgConnectOptions::from_str(url)?.options([("statement_timeout", limit.as_str())]);
        Ok(PgPoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(CONNECTION_WITHIN)
            .connect_lazy_with(options))
    }
}
