//! Opens the database and the log that the settings name; starts the embedded Postgres when they name none.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use event_log::{
    kafka::KafkaSettings,
    log::{Log, LogSettings},
    schema,
    shard::Topology,
};
use servers::EmbeddedPostgres;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use crate::settings::Storage;

/// The name of the database in the embedded Postgres.
const DATABASE: &str = "stoa";
/// Connections of one process for appends and loads; the queries have their own.
const MOST_CONNECTIONS: u32 = 32;
/// Connections of one process for its projections and the archiver.
const MOST_COPYING: u32 = 16;
/// How long connections may take to come back at the end.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
/// How long a request waits for a connection.
const CONNECTION_WITHIN: Duration = Duration::from_secs(10);

/// What is open, until it is closed.
pub struct Opened {
    /// The database.
    pub pool: PgPool,
    /// The same database for the query API: connections of its own, on which no statement takes long.
    pub queries: PgPool,
    /// The same, for what can be made again from the log: a commit there does not wait for the disk. A database that
    /// crashes may lose the last of it, rows and checkpoint together, and it is applied again.
    pub copies: PgPool,
    /// The log.
    pub log: Log,
    postgres: Option<EmbeddedPostgres>,
}

impl Opened {
    /// Opens database and log. With `make`, the tables are brought up to date first, and a log is made where there is none.
    pub async fn open(storage: &Storage, make: bool) -> anyhow::Result<Self> {
        let (url, postgres) = database(storage).await?;
        let options: PgConnectOptions = url.parse().context("DATABASE_URL is no URL of a Postgres")?;
        let pool = connect(MOST_CONNECTIONS, options.clone()).await?;
        let copies = connect(MOST_COPYING, options.options([("synchronous_commit", "off")])).await?;
        if make {
            schema::migrate(&pool).await?;
        }
        let queries = query_api::Settings::default().pool(&url)?;
        let mut settings = LogSettings::new(pool.clone());
        settings.make = make;
        settings.topology = Topology::uniform(storage.partitions);
        settings.kafka = storage.kafka_brokers.as_ref().map(|brokers| KafkaSettings {
            topic_prefix: storage.topic_prefix.clone(),
            ..KafkaSettings::new(brokers.clone())
        });
        let log = Log::open(settings).await?;
        Ok(Self {
            pool,
            queries,
            copies,
            log,
            postgres,
        })
    }

    /// Closes the database, and stops the embedded Postgres.
    pub async fn close(self) {
        let Self {
            pool,
            queries,
            copies,
            log,
            postgres,
        } = self;
        // The log listens on a connection of the pool's, which closes only when all have come back.
        drop(log);
        let closed = async { tokio::join!(queries.close(), copies.close(), pool.close()) };
        if timeout(CLOSED_WITHIN, closed).await.is_err() {
            tracing::warn!("connections to the database are still in use");
        }
        if let Some(postgres) = postgres {
            postgres.stop().await;
        }
    }
}

async fn connect(most: u32, options: PgConnectOptions) -> anyhow::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(CONNECTION_WITHIN)
        .connect_with(options)
        .await
        .context("can not connect to the database")
}

async fn database(storage: &Storage) -> anyhow::Result<(String, Option<EmbeddedPostgres>)> {
    if let Some(url) = &storage.database_url {
        return Ok((url.clone(), None));
    }
    let directory = storage.data.join("postgres");
    let postgres = match EmbeddedPostgres::start(&directory).await {
        Ok(postgres) => postgres,
        // `stoa audit` beside a running `stoa up`: it looks at that one's database.
        Err(error @ servers::Error::InUse { .. }) => {
            let url = EmbeddedPostgres::running_url(&directory, DATABASE).ok_or(error)?;
            return Ok((url, None));
        }
        Err(error) => {
            let place = format!("can not start the embedded Postgres in {}", directory.display());
            return Err(error).context(place);
        }
    };
    postgres
        .create_database(DATABASE)
        .await
        .context("can not create the database")?;
    Ok((postgres.url(DATABASE), Some(postgres)))
}

/// Makes the data directory, and refuses one that is a file.
pub fn prepare(data: &Path) -> anyhow::Result<()> {
    if data.exists() && !data.is_dir() {
        bail!("{} is not a directory", data.display());
    }
    fs::create_dir_all(data).with_context(|| format!("can not make {}", data.display()))
}
