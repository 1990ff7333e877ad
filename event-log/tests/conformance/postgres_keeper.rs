//! The log in a real Postgres, and what somebody with a superuser's password may do to it.

use std::{process::Command, sync::Arc, time::Duration};

use event_log::{
    chain::{Hash, link},
    log::{Log, LogSettings},
    port::{LogError, Port},
    record::{HASH_HEADER, PREV_HEADER, Record},
    schema::migrate,
};
use servers::EmbeddedPostgres;
use sqlx::{PgPool, Row, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    detour::Detour,
    keeper::{Keeper, Tampering, topology},
};

pub struct PostgresKeeper {
    url: String,
    pool: PgPool,
    own: Option<OwnServer>,
}

/// A server that comes back on another port is reached by the same detour.
struct OwnServer {
    server: Option<EmbeddedPostgres>,
    detour: Detour,
    place: TempDir,
    frozen: Vec<String>,
}

async fn pool(url: &str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(6)
        .acquire_timeout(Duration::from_secs(5))
        .connect(url)
        .await
        .unwrap()
}

fn settings(pool: PgPool, partitions: u16) -> LogSettings {
    LogSettings {
        topology: topology(partitions),
        report_within: Duration::from_secs(3),
        ..LogSettings::new(pool)
    }
}

async fn prepared(url: String, own: Option<OwnServer>) -> PostgresKeeper {
    let pool = pool(&url).await;
    migrate(&pool).await.unwrap();
    PostgresKeeper { url, pool, own }
}

fn port_of(url: &str) -> u16 {
    let (_, address) = url.rsplit_once('@').unwrap();
    let (host, _) = address.split_once('/').unwrap();
    host.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn signal(name: &str, processes: &[String]) {
    let sent = Command::new("kill").arg(name).args(processes).status().unwrap();
    assert!(sent.success());
}

impl PostgresKeeper {
    fn own(&mut self) -> &mut OwnServer {
        self.own.as_mut().expect("it is on a server of its own")
    }
}

/// The headers in the encoding in which they are hashed and kept.
fn encoded(record: &Record) -> Vec<u8> {
    let length = |length: usize| (length as u64).to_be_bytes();
    let covered: Vec<_> = record
        .headers
        .iter()
        .filter(|(name, _)| name != PREV_HEADER && name != HASH_HEADER)
        .collect();
    let mut bytes = length(covered.len()).to_vec();
    for (name, value) in covered {
        let value = value.as_ref().unwrap();
        bytes.extend(length(name.len()));
        bytes.extend(name.as_bytes());
        bytes.push(1);
        bytes.extend(length(value.len()));
        bytes.extend(value);
    }
    bytes
}

impl Keeper for PostgresKeeper {
    async fn fresh() -> Self {
        prepared(servers::shared::postgres().await.database().await, None).await
    }

    async fn on_own_server() -> Self {
        let place = tempfile::tempdir().unwrap();
        let server = EmbeddedPostgres::start(place.path()).await.unwrap();
        server.create_database("log").await.unwrap();
        let url = server.url("log");
        let detour = Detour::to(port_of(&url)).await;
        let url = url.replace(&format!(":{}/", port_of(&url)), &format!(":{}/", detour.port()));
        let own = OwnServer {
            server: Some(server),
            detour,
            place,
            frozen: Vec::new(),
        };
        prepared(url, Some(own)).await
    }

    async fn port(&self) -> Arc<dyn Port> {
        Log::open(settings(pool(&self.url).await, 1)).await.unwrap().port()
    }

    async fn open_with(&self, partitions: u16) -> Result<(), LogError> {
        Log::open(settings(self.pool.clone(), partitions)).await.map(drop)
    }

    async fn put(&self, records: Vec<Record>) {
        for record in records {
            // The table has no record without links: a foreign one is chained on something made up.
            let made_up = Hash([1; 32]);
            let (Hash(prev), Hash(hash)) = record.links().unwrap_or((made_up, link(made_up, &record)));
            sqlx::query(
                r#"with moved as (
                       update log_head set next_offset = next_offset + 1
                       where family = 'order' and partition = 0 returning next_offset - 1 as "offset"
                   )
                   insert into log_record (family, partition, "offset", scope, stream, version, command, event_type,
                                           recorded, headers, value, prev, hash)
                   select 'order', 0, "offset", $1, '', 0, $2, '', now(), $3, $4, $5, $6 from moved"#,
            )
            .bind(record.key.as_ref().map(|key| String::from_utf8(key.to_vec()).unwrap()))
            .bind(Uuid::nil())
            .bind(encoded(&record))
            .bind(record.value.as_deref())
            .bind(prev)
            .bind(hash)
            .execute(&self.pool)
            .await
            .unwrap();
        }
    }

    async fn tampered(&self, tampering: Tampering) -> Arc<dyn Port> {
        let (statement, at) = match tampering {
            Tampering::ChangeValue(at) => (r#"update log_record set value = '{}' where "offset" = $1"#, at),
            Tampering::Remove(at) => (r#"delete from log_record where "offset" = $1"#, at),
            Tampering::Swap(at) => {
                // The key is checked row by row: by way of offsets that nothing has.
                let aside = r#"update log_record set "offset" = -"offset" where "offset" in ($1, $1 + 1)"#;
                sqlx::query(aside)
                    .bind(at.cast_signed())
                    .execute(&self.pool)
                    .await
                    .unwrap();
                (
                    r#"update log_record set "offset" = 2 * $1 + 1 + "offset" where "offset" < 0"#,
                    at,
                )
            }
        };
        sqlx::query(statement)
            .bind(at.cast_signed())
            .execute(&self.pool)
            .await
            .unwrap();
        self.port().await
    }

    async fn truncated(&self, keep: u64) -> Arc<dyn Port> {
        sqlx::query(r#"delete from log_record where "offset" >= $1"#)
            .bind(keep.cast_signed())
            .execute(&self.pool)
            .await
            .unwrap();
        sqlx::query(
            r#"update log_head set next_offset = $1, head_offset = $1 - 1,
                   head = (select hash from log_record where "offset" = $1 - 1)
               where family = 'order'"#,
        )
        .bind(keep.cast_signed())
        .execute(&self.pool)
        .await
        .unwrap();
        self.port().await
    }

    async fn kill(&mut self) {
        let own = self.own();
        let mut server = own.server.take().expect("it runs");
        signal("-KILL", &[server.pid().to_string()]);
        while !server.has_ended() {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn restart(&mut self) {
        let own = self.own();
        let server = EmbeddedPostgres::start(own.place.path()).await.unwrap();
        own.detour.lead_to(port_of(&server.url("log")));
        own.server = Some(server);
    }

    async fn freeze(&mut self) {
        let rows = sqlx::query("select pid from pg_stat_activity where pid <> pg_backend_pid()")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        let own = self.own();
        let mut processes: Vec<String> = rows.iter().map(|row| row.get::<i32, _>(0).to_string()).collect();
        processes.extend(own.server.as_ref().map(|server| server.pid().to_string()));
        signal("-STOP", &processes);
        own.frozen = processes;
    }

    async fn thaw(&mut self) {
        let frozen = std::mem::take(&mut self.own().frozen);
        signal("-CONT", &frozen);
    }
}

impl Drop for OwnServer {
    /// A frozen process can't be stopped.
    fn drop(&mut self) {
        if !self.frozen.is_empty() {
            signal("-CONT", &self.frozen);
        }
    }
}
