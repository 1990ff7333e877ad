//! Applying parked events after all, once what kept them is gone: unit by unit, each in order and in one transaction, while
//! the projection goes on with the others. The events are read from the archive.

use std::{collections::BTreeSet, sync::Arc};

use event_log::{
    archive::{
        Archive,
        history::{Of, Page},
    },
    commit::Commit,
    port::LogError,
    shard::Shard,
};
use sqlx::{PgConnection, PgPool};

use crate::{
    apply::apply_what_can_be,
    batch::Batch,
    checkpoint::{self, CheckpointError},
    parked,
    projection::{Projection, ProjectionError},
    row::partition,
};

/// Events that are read at once.
const PAGE: u32 = 1_000;

/// Why parked events were not tried.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// In Kafka mode a projection may be ahead of the archive.
    #[error("the event at offset {offset} of {shard} is not in the archive yet: try again later")]
    NotArchived {
        /// The shard.
        shard: Shard,
        /// The offset.
        offset: u64,
    },
    /// The archive can not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The projection's checkpoint can not be locked.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The database did not take the rows, for no fault of the events.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What waits in one shard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// The shard.
    pub shard: Shard,
    /// The stream, or the scope.
    pub name: String,
}

/// What became of a unit's parked events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// How many are applied.
    pub applied: usize,
    /// Why the next of them can not be; `None` when all are applied.
    pub still: Option<String>,
}

/// What of a projection waits; with a stream, only what that stream waits in.
pub async fn waiting(
    pool: &PgPool,
    projection: &dyn Projection,
    stream: Option<&str>,
) -> Result<BTreeSet<Unit>, RetryError> {
    let found: Vec<(String, i16, String)> = sqlx::query_as(
        "select distinct family, partition, unit from projection_parked
         where projection = $1 and version = $2 and ($3 is null or $3 in (stream, unit))",
    )
    .bind(projection.name())
    .bind(projection.version())
    .bind(stream)
    .fetch_all(pool)
    .await?;
    let unit = |(family, partition, name): (String, i16, String)| {
        let shard = checkpoint::shard(&family, partition)?;
        Ok(Unit { shard, name })
    };
    found.into_iter().map(unit).collect()
}

/// Applies a unit's parked events up to the first that still can not be; that one and those behind it stay.
pub async fn retry(
    pool: &PgPool,
    archive: &Archive,
    projection: &dyn Projection,
    unit: &Unit,
) -> Result<Retried, RetryError> {
    let mut transaction = pool.begin().await?;
    checkpoint::lock(&mut transaction, projection, unit.shard).await?;
    let rows = parked_of(&mut transaction, projection, unit).await?;
    let of_one_stream = rows.iter().all(|row| row.stream == unit.name);
    let of = match of_one_stream {
        true => Of::Stream(&unit.name),
        false => Of::Scope(&unit.name),
    };
    let mut retried = Retried {
        applied: 0,
        still: None,
    };
    for rows in rows.chunks(PAGE as usize) {
        let batch = read(archive, unit.shard, of, rows).await?;
        let refused = apply_what_can_be(projection, &batch, &mut transaction).await?;
        let kept: BTreeSet<i64> = refused.iter().map(|one| one.event.offset.cast_signed()).collect();
        let applied = rows
            .iter()
            .map(|row| row.offset)
            .filter(|offset| !kept.contains(offset));
        let applied: Vec<i64> = applied.collect();
        retried.applied += applied.len();
        forget(&mut transaction, projection, unit, applied).await?;
        parked::park(&mut transaction, projection, &refused).await?;
        if let Some(first) = refused.into_iter().next() {
            retried.still = Some(first.reason);
            break;
        }
    }
    transaction.commit().await?;
    Ok(retried)
}

#[derive(sqlx::FromRow)]
struct Row {
    offset: i64,
    stream: String,
}

async fn parked_of(
    transaction: &mut PgConnection,
    projection: &dyn Projection,
    unit: &Unit,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        r#"select "offset", stream from projection_parked
           where projection = $1 and version = $2 and family = $3 and partition = $4 and unit = $5 order by "offset""#,
    )
    .bind(projection.name())
    .bind(projection.version())
    .bind(unit.shard.family.topic())
    .bind(partition(unit.shard))
    .bind(&unit.name)
    .fetch_all(transaction)
    .await
}

/// The events of these rows.
async fn read(archive: &Archive, shard: Shard, of: Of<'_>, rows: &[Row]) -> Result<Batch, RetryError> {
    let mut wanted: BTreeSet<u64> = rows.iter().map(|row| row.offset.cast_unsigned()).collect();
    let mut commits = Vec::with_capacity(wanted.len());
    while let (Some(first), Some(last)) = (wanted.first().copied(), wanted.last().copied()) {
        let page = Page {
            after: first.checked_sub(1),
            before: Some(last + 1),
            ..Page::first(PAGE)
        };
        let found = archive.history(shard, of, page).await?;
        // All that lies between the first and the last is the unit's, but what is not applied at all: none is missing.
        for event in found {
            if wanted.remove(&event.offset) {
                let events = vec![event];
                commits.push(Arc::new(Commit { shard, events }));
            }
        }
        if wanted.contains(&first) {
            return Err(RetryError::NotArchived { shard, offset: first });
        }
    }
    Ok(commits.into_iter().collect())
}

/// Takes applied events from the parked ones.
async fn forget(
    transaction: &mut PgConnection,
    projection: &dyn Projection,
    unit: &Unit,
    applied: Vec<i64>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        r#"delete from projection_parked where projection = $1 and version = $2 and family = $3 and partition = $4
           and unit = $5 and "offset" = any($6)"#,
    )
    .bind(projection.name())
    .bind(projection.version())
    .bind(unit.shard.family.topic())
    .bind(partition(unit.shard))
    .bind(&unit.name)
    .bind(applied)
    .execute(transaction)
    .await?;
    Ok(())
}
