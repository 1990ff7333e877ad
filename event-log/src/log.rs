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
    /// Whether a log is made in a database that holds none.
    pub make: bool,
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
            make: true,
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
            make,
            report_within,
        } = settings;
        let identity = Identity {
            keeper: if kafka.is_some() {
                Keeper::Kafka
            } else {
                Keeper::Postgres
            },
            prefix: kafka
                .as_ref()
                .map_or_else(String::new, |kafka| kafka.topic_prefix.clone()),
            topology: topology.clone(),
        };
        // Looked at before topics are created, and recorded after: a start that fails leaves nothing behind.
        if identity.check(&database).await?.is_none() && !make {
            return Err(LogError::Unusable("this database holds no log".to_owned()));
        }
        let kafka = match kafka {
            Some(kafka) => Some(KafkaLog::open(kafka, topology.clone()).await?),
            None => None,
        };
        let id = identity.record(&database).await?;
        create_heads(&database, &topology).await?;
        let watch = ArchiveWatch::start(&database, &topology).await?;
        let port: Arc<dyn Port> = match kafka {
            Some(kafka) => Arc::new(kafka),
            None => Arc::new(PostgresLog::new(database.clone(), watch.clone(), report_within)),
        };
        let keeper = identity.keeper;
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

/// What a log is made with and never changes.
struct Identity {
    keeper: Keeper,
    prefix: String,
    topology: Topology,
}

impl Identity {
    /// Records it with a new id, unless a log was made before; the id of the database's log.
    async fn record(&self, pool: &PgPool) -> Result<Uuid, LogError> {
        sqlx::query(
            "insert into log (id, keeper, prefix, topology, created_at) values ($1, $2, $3, $4, $5)
             on conflict do nothing",
        )
        .bind(id::generate())
        .bind(self.keeper.name())
        .bind(&self.prefix)
        .bind(Json(&self.topology))
        .bind(SystemClock.now())
        .execute(pool)
        .await?;
        self.check(pool)
            .await?
            .ok_or_else(|| LogError::Unusable("the log was deleted while it was opened".to_owned()))
    }

    /// The id of the database's log, if there is one; refuses one that was made otherwise.
    async fn check(&self, pool: &PgPool) -> Result<Option<Uuid>, LogError> {
        let refused = |reason: String| Err(LogError::Unusable(reason));
        for (family, count) in &self.topology.partitions {
            if !(1..=1024).contains(count) {
                return refused(format!("{family} can not have {count} partitions"));
            }
        }
        let made: Option<(Uuid, String, String, Json<Topology>)> =
            sqlx::query_as("select id, keeper, prefix, topology from log")
                .fetch_optional(pool)
                .await?;
        let Some((id, keeper, prefix, Json(topology))) = made else {
            return Ok(None);
        };
        let given = self.keeper.name();
        if keeper != given {
            return refused(format!("the log of this database is kept in {keeper}, not in {given}"));
        }
        if prefix != self.prefix {
            let given = &self.prefix;
            return refused(format!(
                "the topics of this database's log begin with {prefix:?}, not {given:?}"
            ));
        }
        for family in Family::ALL {
            let count = |topology: &Topology| topology.partitions.get(&family).copied().unwrap_or_default();
            let (made, given) = (count(&topology), count(&self.topology));
            if made != given {
                return refused(format!(
                    "{family} was made with {made} partitions and can not be opened with {given}"
                ));
            }
        }
        Ok(Some(id))
    }
}
