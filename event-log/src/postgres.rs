//! The keeper in Postgres: the table of records is the log, and the shard's row of `log_head` is the fence.
//!
//! | file | what it holds |
//! |---|---|
//! | `append` | an appender: one statement for all commits that wait |
//! | `follow` | records from an offset on, and then those that come |

mod append;
mod follow;

use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use sqlx::PgPool;
use tokio::time::timeout;

use self::{append::PostgresAppender, follow::follow};
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
    answer_within: Duration,
}

impl PostgresLog {
    /// The log in this database, which has its heads ([`create_heads`]). A report that is not there after
    /// `answer_within` is a bad one, and any other answer an error.
    pub const fn new(pool: PgPool, watch: ArchiveWatch, answer_within: Duration) -> Self {
        Self {
            pool,
            watch,
            answer_within,
        }
    }
}

/// A server that is frozen, or behind a line that is cut, keeps its connections open and never answers.
async fn in_time<T>(answer_within: Duration, answer: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
    let late = |_| LogError::Unavailable("the database does not answer in time".to_owned());
    timeout(answer_within, answer).await.map_err(late)?
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
        let opened = PostgresAppender::open(&self.pool, shard, self.watch.clone(), self.answer_within);
        Ok(Box::new(in_time(self.answer_within, opened).await?))
    }

    async fn read(&self, from: Vec<(Shard, u64)>) -> Result<RawStream, LogError> {
        let mut shards = Vec::with_capacity(from.len());
        for (shard, from) in from {
            let records = follow(self.pool.clone(), &self.watch, shard, from, self.answer_within).await?;
            shards.push(records.boxed());
        }
        Ok(stream::select_all(shards).boxed())
    }

    async fn end(&self, shard: Shard) -> Result<u64, LogError> {
        let head = in_time(self.answer_within, head(&self.pool, shard)).await?;
        Ok(head.next)
    }

    async fn confirm(&self, at: &Checkpoint) -> Result<Option<bool>, LogError> {
        let head = in_time(self.answer_within, head(&self.pool, at.shard)).await?;
        Ok(Some(head.head == at.head))
    }
}
