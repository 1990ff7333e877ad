//! The keeper in Postgres: the table of records is the log, and the shard's row of `log_head` is the fence.
//!
//! | file | what it holds |
//! |---|---|
//! | [`append`] | an appender: one statement for all commits that wait |
//! | [`follow`] | records from an offset on, and then those that come |

mod append;
mod follow;

use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use sqlx::PgPool;

use crate::{
    archive::{head, watch::ArchiveWatch},
    chain::genesis,
    checkpoint::Checkpoint,
    port::{Appender, LogError, Port, RawStream},
    row::partition_of,
    shard::{Shard, Topology},
};

/// The log in Postgres.
#[derive(Debug, Clone)]
pub struct PostgresLog {
    pool: PgPool,
    watch: ArchiveWatch,
    report_within: Duration,
}

impl PostgresLog {
    /// The log in this database, which has its heads ([`create_heads`]). A report that is not there after
    /// `report_within` is a bad one.
    pub const fn new(pool: PgPool, watch: ArchiveWatch, report_within: Duration) -> Self {
        Self {
            pool,
            watch,
            report_within,
        }
    }
}

/// Makes the heads that are missing, each at its shard's first `prev`.
pub async fn create_heads(pool: &PgPool, topology: &Topology) -> Result<(), LogError> {
    let shards: Vec<Shard> = topology.shards().collect();
    sqlx::query(
        "insert into log_head (family, partition, next_offset, head)
         select family, partition, 0, head from unnest($1::text[], $2::int2[], $3::bytea[]) as u (family, partition, head)
         on conflict do nothing",
    )
    .bind(shards.iter().map(|shard| shard.family.topic()).collect::<Vec<_>>())
    .bind(shards.iter().map(|shard| partition_of(*shard)).collect::<Vec<_>>())
    .bind(shards.iter().map(|shard| genesis(*shard).0).collect::<Vec<_>>())
    .execute(pool)
    .await?;
    Ok(())
}

#[async_trait]
impl Port for PostgresLog {
    async fn appender(&self, shard: Shard) -> Result<Box<dyn Appender>, LogError> {
        let appender =
            append::PostgresAppender::open(&self.pool, shard, self.watch.clone(), self.report_within).await?;
        Ok(Box::new(appender))
    }

    async fn read(&self, from: Vec<(Shard, u64)>) -> Result<RawStream, LogError> {
        let mut shards = Vec::with_capacity(from.len());
        for (shard, from) in from {
            shards.push(
                follow::follow(self.pool.clone(), &self.watch, shard, from)
                    .await?
                    .boxed(),
            );
        }
        Ok(stream::select_all(shards).boxed())
    }

    async fn end(&self, shard: Shard) -> Result<u64, LogError> {
        Ok(head(&self.pool, shard).await?.next)
    }

    async fn confirm(&self, at: &Checkpoint) -> Result<Option<bool>, LogError> {
        Ok(Some(head(&self.pool, at.shard).await?.head == at.head))
    }
}
