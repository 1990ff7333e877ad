//! The archive: the table of the log's valid records. In Postgres mode it is the log itself; in Kafka mode the archiver
//! copies the log into it. Whoever reads it can not tell.
//!
//! | file | what it holds |
//! |---|---|
//! | [`load`] | the records that a decision needs, with the checkpoint, in one snapshot |
//! | [`history`] | pages of commits and of one stream's or scope's events; positions by time |
//! | [`names`] | every stream, scope and command by name, for whoever wants to know what is new |
//! | [`watch`] | how far each shard has come, kept current |

pub mod history;
pub mod load;
pub mod names;
pub mod watch;

use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    chain::Hash,
    checkpoint::Checkpoint,
    commit::StoredEvent,
    port::LogError,
    position::Position,
    record::Stored,
    row::{Row, page, partition_of, shard_of},
    shard::{Shard, Topology},
};
use watch::ArchiveWatch;

/// Records that one query fetches when all of a shard is read.
const PAGE: i64 = 1000;

/// The table of the log's valid records. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Archive {
    pool: PgPool,
    log: Uuid,
    topology: Arc<Topology>,
    watch: ArchiveWatch,
}

impl Archive {
    pub(crate) fn new(pool: PgPool, log: Uuid, topology: Arc<Topology>, watch: ArchiveWatch) -> Self {
        Self {
            pool,
            log,
            topology,
            watch,
        }
    }

    /// The same archive, read on other connections than the log's own: many readers must not keep writers waiting.
    #[must_use]
    pub fn through(&self, pool: PgPool) -> Self {
        Self { pool, ..self.clone() }
    }

    /// How far each shard has come, kept current.
    pub fn watch(&self) -> &ArchiveWatch {
        &self.watch
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Where the archive stands in a shard: what it has passed is in the table.
    pub async fn checkpoint(&self, shard: Shard) -> Result<Checkpoint, LogError> {
        head(&self.pool, shard).await
    }

    /// Everything that is in the archive now.
    pub async fn position(&self) -> Result<Position, LogError> {
        let mut position = Position::start(self.log);
        let rows: Vec<(String, i16, i64)> =
            sqlx::query_as("select family, partition, next_offset from log_head where next_offset > 0")
                .fetch_all(&self.pool)
                .await?;
        for (family, partition, next) in rows {
            position.advance(shard_of(&family, partition)?, next.cast_unsigned() - 1);
        }
        Ok(position)
    }

    /// The event at an offset; `None` when there is no valid record there.
    pub async fn event(&self, shard: Shard, offset: u64) -> Result<Option<StoredEvent>, LogError> {
        let row: Option<Row> = sqlx::query_as(
            r#"select family, partition, "offset", scope, headers, value, prev, hash from log_record
               where family = $1 and partition = $2 and "offset" = $3"#,
        )
        .bind(shard.family.topic())
        .bind(partition_of(shard))
        .bind(offset.cast_signed())
        .fetch_optional(&self.pool)
        .await?;
        row.map(Row::event).transpose()
    }

    /// Every record of a shard from an offset on, as it was hashed, up to the end at the time of the last page.
    pub fn records(&self, shard: Shard, from: u64) -> impl Stream<Item = Result<Stored, LogError>> + Send + use<> {
        let pool = self.pool.clone();
        stream::try_unfold((pool, from), move |(pool, from)| async move {
            let records = page(&pool, shard, from, PAGE).await?;
            let next = records.last().map(|stored| stored.offset + 1);
            Ok::<_, LogError>(next.map(|next| (stream::iter(records).map(Ok), (pool, next))))
        })
        .try_flatten()
    }

    /// The log's partitions.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }
}

/// The shard's row of `log_head`.
pub(crate) async fn head(pool: &PgPool, shard: Shard) -> Result<Checkpoint, LogError> {
    let (next, head, head_offset, session, seq): (i64, Vec<u8>, Option<i64>, Option<Uuid>, Option<i64>) =
        sqlx::query_as(
            "select next_offset, head, head_offset, session, seq from log_head where family = $1 and partition = $2",
        )
        .bind(shard.family.topic())
        .bind(partition_of(shard))
        .fetch_optional(pool)
        .await?
        .ok_or_else(|| LogError::Unusable(format!("the log has no shard {shard}")))?;
    Ok(Checkpoint {
        shard,
        next: next.cast_unsigned(),
        head: Hash::try_from(head.as_slice())
            .map_err(|_| LogError::Unusable(format!("the head of {shard} is not a hash")))?,
        head_offset: head_offset.map(i64::cast_unsigned),
        session: session.zip(seq.map(i64::cast_unsigned)),
    })
}
