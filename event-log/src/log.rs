//! The log as everybody else holds it: its identity and topology, the port to its keeper, and the archive.

use std::{sync::Arc, time::Duration};

use domain::{
    clock::{Clock, SystemClock},
    family::Family,
    id,
};
use sqlx::{PgPool, types::Json};
use uuid::Uuid;

use crate::{
    archive::{Archive, watch::ArchiveWatch},
    kafka::{KafkaLog, KafkaSettings},
    port::{LogError, Port},
    postgres::{PostgresLog, create_heads},
    shard::{DEFAULT_PARTITIONS, Shard, Topology},
};

/// What a log is opened with.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// The database, migrated: the log itself, or its archive.
    pub database: PgPool,
    /// The log is kept in Kafka, there; else in the database.
    pub kafka: Option<KafkaSettings>,
    /// The partitions that a new log gets. An existing log must have these.
    pub topology: Topology,
    /// Postgres mode: a report that is not there after this time is a bad one.
    pub report_within: Duration,
}

impl LogSettings {
    /// A log kept in this database, with the default topology.
    pub fn new(database: PgPool) -> Self {
        Self {
            database,
            kafka: None,
            topology: Topology::uniform(DEFAULT_PARTITIONS),
            report_within: Duration::from_secs(10),
        }
    }
}

/// Where the records lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// In the table of records.
    Postgres,
    /// In Kafka; the table is a copy.
    Kafka,
}

impl Keeper {
    /// As the database has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
        }
    }
}

/// An open log. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    id: Uuid,
    topology: Arc<Topology>,
    keeper: Keeper,
    port: Arc<dyn Port>,
    archive: Archive,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("id", &self.id)
            .field("keeper", &self.keeper)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log of this database, or makes it. A start with another partition count, keeper or topic prefix than it
    /// was made with is refused.
    pub async fn open(settings: LogSettings) -> Result<Self, LogError> {
        let LogSettings {
            database,
            kafka,
            topology,
            report_within,
        } = settings;
        let keeper = if kafka.is_some() {
            Keeper::Kafka
        } else {
            Keeper::Postgres
        };
        let prefix = kafka.as_ref().map_or("", |kafka| &kafka.topic_prefix);
        let id = identify(&database, keeper, prefix, &topology).await?;
        create_heads(&database, &topology).await?;
        let watch = ArchiveWatch::start(&database, &topology).await?;
        let port: Arc<dyn Port> = match kafka {
            Some(kafka) => Arc::new(KafkaLog::open(kafka, topology.clone()).await?),
            None => Arc::new(PostgresLog::new(database.clone(), watch.clone(), report_within)),
        };
        let topology = Arc::new(topology);
        let archive = Archive::new(database, id, topology.clone(), watch);
        Ok(Self {
            id,
            topology,
            keeper,
            port,
            archive,
        })
    }

    /// The log's id, made with it: positions of another log are told apart by it.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The partitions of each family.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Where the records lie.
    pub const fn keeper(&self) -> Keeper {
        self.keeper
    }

    /// The keeper's adapter.
    pub fn port(&self) -> Arc<dyn Port> {
        self.port.clone()
    }

    /// The table of valid records.
    pub const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The shard of a scope.
    pub fn shard_of(&self, family: Family, scope: &str) -> Shard {
        self.topology.shard_of(family, scope)
    }
}

/// The id of the database's log, made at the first start; refuses another keeper, prefix or topology than that start's.
async fn identify(pool: &PgPool, keeper: Keeper, prefix: &str, topology: &Topology) -> Result<Uuid, LogError> {
    if let Some((family, count)) = topology
        .partitions
        .iter()
        .find(|(_, count)| !(1..=1024).contains(*count))
    {
        return Err(LogError::Unusable(format!("{family} can not have {count} partitions")));
    }
    sqlx::query(
        "insert into log (id, keeper, prefix, topology, created_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
    )
    .bind(id::generate())
    .bind(keeper.name())
    .bind(prefix)
    .bind(Json(topology))
    .bind(SystemClock.now())
    .execute(pool)
    .await?;
    let (id, made_keeper, made_prefix, Json(made_topology)): (Uuid, String, String, Json<Topology>) =
        sqlx::query_as("select id, keeper, prefix, topology from log")
            .fetch_one(pool)
            .await?;
    if made_keeper != keeper.name() {
        return Err(LogError::Unusable(format!(
            "the log of this database is kept in {made_keeper}, not in {}",
            keeper.name()
        )));
    }
    if made_prefix != prefix {
        return Err(LogError::Unusable(format!(
            "the log of this database has the prefix {made_prefix:?}, not {prefix:?}"
        )));
    }
    for family in Family::ALL {
        let (made, given) = (made_topology.partitions.get(&family), topology.partitions.get(&family));
        if made != given {
            return Err(LogError::Unusable(format!(
                "{family} was made with {} partitions and can not be opened with {}",
                made.unwrap_or(&0),
                given.unwrap_or(&0)
            )));
        }
    }
    Ok(id)
}
