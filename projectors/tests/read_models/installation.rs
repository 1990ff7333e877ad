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
use projectors::{
    parked::{self, Parked},
    projection::Projection,
    projectors::Projectors,
    registry::projections,
    retry::{self, Retried},
};
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

    /// The database refuses the rows of this table that have this value in this column.
    pub async fn poison(&self, table: &str, column: &str, value: impl ToString) {
        let value = value.to_string();
        self.run(&format!(
            "create or replace function refuse() returns trigger language plpgsql as $$
             begin
                 if to_jsonb(new) ->> tg_argv[0] = tg_argv[1] then raise exception 'poisoned'; end if;
                 return new;
             end $$;
             create trigger poison before insert or update on {table}
             for each row execute function refuse('{column}', '{value}')"
        ))
        .await;
    }

    /// The database takes them again.
    pub async fn cure(&self, table: &str) {
        self.run(&format!("drop trigger poison on {table}")).await;
    }

    pub async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// What has been parked of a projection.
    pub async fn parked(&self, projection: &str) -> Vec<Parked> {
        parked::list(&self.pool, Some(projection), 10_000).await.unwrap()
    }

    /// Tries a projection's parked events again.
    pub async fn retry(&self, name: &str) -> Vec<Retried> {
        let projection = found(name);
        let mut retried = Vec::new();
        for unit in retry::waiting(&self.pool, &*projection, None).await.unwrap() {
            let archive = self.log.archive();
            retried.push(retry::retry(&self.pool, archive, &*projection, &unit).await.unwrap());
        }
        retried
    }

    /// All rows of a projection, as text.
    pub async fn rows(&self, name: &str) -> Vec<String> {
        let mut rows = Vec::new();
        for table in found(name).tables() {
            let sql = format!("select '{table} ' || to_jsonb(t)::text from {table} t order by 1");
            let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_all(&self.pool)
                .await
                .unwrap();
            rows.extend(found);
        }
        rows
    }

    /// Empties a projection: it has read nothing.
    pub async fn forget(&self, name: &str) {
        for table in found(name).tables() {
            self.run(&format!("truncate {table}")).await;
        }
        self.run(&format!(
            "delete from projection_checkpoint where projection = '{name}'"
        ))
        .await;
    }

    /// All rows of a projection after it has read the log anew.
    pub async fn refolded(&self, name: &str) -> Vec<String> {
        self.forget(name).await;
        let projectors = self.project().await;
        self.settled().await;
        projectors.shutdown().await;
        self.rows(name).await
    }

    /// Waits until a statement finds this number.
    pub async fn wait_for(&self, sql: &str, wanted: i64) {
        let waiting = async {
            while self.one::<i64>(sql).await != wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(SETTLED_WITHIN, waiting).await;
        assert!(waited.is_ok(), "{sql} finds {wanted}");
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

/// The projection of this name.
fn found(name: &str) -> Arc<dyn Projection> {
    projections()
        .into_iter()
        .find(|projection| projection.name() == name)
        .unwrap()
}
