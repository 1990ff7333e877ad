//! An installation of its own for each test: a database with a log, writers for its shards, and projectors.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use domain::{clock::SystemClock, entity::Event, family::Family, id};
use event_log::{
    chain_reader::Check,
    commit::{Cause, Draft},
    feed::Feed,
    limits::Limits,
    log::{Log, LogSettings},
    owner::{Outcome, Owner, WriterIdentity},
    schema::migrate,
    shard::{Shard, Topology},
};
use projectors::{projectors::Projectors, registry::projections};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::sync::Mutex;

use super::story::start_of_time;

/// How long projections may take to come to the end of the log.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

pub struct Installation {
    pub pool: PgPool,
    pub log: Log,
    writers: Mutex<BTreeMap<Shard, Arc<Owner>>>,
    versions: Mutex<HashMap<String, u64>>,
}

/// An event with its stream.
pub struct Said {
    pub stream: String,
    pub event_type: &'static str,
    pub value: Vec<u8>,
}

/// What happened to a stream.
pub fn said(stream: impl ToString, event: impl Event) -> Said {
    Said {
        stream: stream.to_string(),
        event_type: event.type_name(),
        value: event.encode(),
    }
}

impl Installation {
    pub async fn new() -> Self {
        let url = servers::shared::postgres().await.database().await;
        let pool = PgPoolOptions::new().max_connections(30).connect(&url).await.unwrap();
        migrate(&pool).await.unwrap();
        let mut settings = LogSettings::new(pool.clone());
        settings.topology = Topology::uniform(2);
        let log = Log::open(settings).await.unwrap();
        Self {
            pool,
            log,
            writers: Mutex::default(),
            versions: Mutex::default(),
        }
    }

    pub async fn project(&self) -> Projectors {
        let feed = Feed::start(&self.log, Check::Links).await.unwrap();
        Projectors::start(&self.pool, &feed, self.log.topology())
    }

    /// Appends one commit: its shard and the offset of its last event.
    pub async fn append(&self, family: Family, scope: impl ToString, events: Vec<Said>) -> (Shard, u64) {
        let scope = scope.to_string();
        let shard = self.log.shard_of(family, &scope);
        let writer = self.writer(shard).await;
        let mut versions = self.versions.lock().await;
        let drafts = events.into_iter().map(|said| {
            let version = versions.entry(said.stream.clone()).or_insert(0);
            *version += 1;
            Draft {
                scope: scope.clone(),
                stream: said.stream,
                version: *version,
                id: id::generate(),
                event_type: said.event_type,
                value: said.value.into(),
                time: start_of_time(),
                cause: Cause::default(),
            }
        });
        let pending = writer.append(writer.generation(), drafts.collect()).unwrap();
        drop(versions);
        match pending.await {
            Outcome::Committed { last, .. } => (shard, last),
            other => panic!("{other:?}"),
        }
    }

    async fn writer(&self, shard: Shard) -> Arc<Owner> {
        let mut writers = self.writers.lock().await;
        if let Some(writer) = writers.get(&shard) {
            return writer.clone();
        }
        let identity = WriterIdentity {
            node: "test".to_owned(),
            software: "test".to_owned(),
            log: self.log.id(),
            assignment: 1,
        };
        let archived = self.log.archive().checkpoint(shard).await.unwrap();
        let writer = Owner::open(
            self.log.port(),
            archived,
            identity,
            Arc::new(SystemClock),
            Limits::default(),
        )
        .await
        .unwrap();
        writer.opened().await.unwrap();
        writers.insert(shard, writer.clone());
        writer
    }

    /// Waits until every projection that has begun is at the end of the log.
    pub async fn settled(&self) {
        let waiting = async {
            loop {
                let behind: Vec<(String, String)> = sqlx::query_as(
                    "select projection, family from projection_checkpoint checkpoint
                     join log_head using (family, partition) where checkpoint.next_offset < log_head.next_offset
                     union all
                     select name, 'none' from unnest($1::text[]) as name
                     where not exists (select from projection_checkpoint where projection = name)",
                )
                .bind(
                    projections()
                        .iter()
                        .map(|projection| projection.name())
                        .collect::<Vec<_>>(),
                )
                .fetch_all(&self.pool)
                .await
                .unwrap();
                if behind.is_empty() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(SETTLED_WITHIN, waiting)
            .await
            .expect("the projections come to the end of the log");
    }

    /// One value that a statement finds.
    pub async fn one<T>(&self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
