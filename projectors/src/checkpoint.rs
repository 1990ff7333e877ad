//! How far a projection has come in a shard. Advancing is a compare-and-set, and the first statement of the batch's
//! transaction: a second runner of the same projection waits there, and then finds that it lost.

use std::collections::BTreeSet;

use domain::family::Family;
use event_log::{
    chain::Hash,
    checkpoint::Checkpoint,
    shard::{Shard, Topology},
};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::{projection::Projection, registry, row::partition};

#[derive(FromRow)]
struct Row {
    family: String,
    partition: i16,
    next_offset: i64,
    head: Vec<u8>,
    head_offset: Option<i64>,
    session: Option<Uuid>,
    seq: Option<i64>,
}

/// Why the checkpoint stays where it was.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Another runner of the same projection has advanced it: start again from what is there.
    #[error("another runner has advanced the projection {projection:?} on {shard}")]
    Overtaken {
        /// The projection.
        projection: &'static str,
        /// The shard.
        shard: Shard,
    },
    /// What is stored is not a checkpoint.
    #[error("the stored checkpoint can not be read: {0}")]
    Damaged(&'static str),
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The checkpoints of a projection on these shards of the log; one that is not there yet is made, at the start.
pub async fn load(
    pool: &PgPool,
    projection: &dyn Projection,
    topology: &Topology,
) -> Result<Vec<Checkpoint>, CheckpointError> {
    let shards: Vec<Shard> = topology
        .shards()
        .filter(|shard| projection.families().contains(&shard.family))
        .collect();
    for shard in &shards {
        let start = Checkpoint::start(*shard);
        sqlx::query(
            "insert into projection_checkpoint (projection, version, family, partition, next_offset, head)
             values ($1, $2, $3, $4, 0, $5) on conflict do nothing",
        )
        .bind(projection.name())
        .bind(projection.version())
        .bind(shard.family.topic())
        .bind(partition(*shard))
        .bind(start.head.0.as_slice())
        .execute(pool)
        .await?;
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select family, partition, next_offset, head, head_offset, session, seq from projection_checkpoint
         where projection = $1 and version = $2",
    )
    .bind(projection.name())
    .bind(projection.version())
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(Checkpoint::try_from)
        .filter(|found| !matches!(found, Ok(found) if !shards.contains(&found.shard)))
        .collect()
}

/// Where every projection of this software stands, with its name.
pub(crate) async fn all(pool: &PgPool) -> Result<Vec<(&'static str, Checkpoint)>, CheckpointError> {
    #[derive(FromRow)]
    struct Named {
        projection: String,
        version: i32,
        #[sqlx(flatten)]
        row: Row,
    }
    let rows: Vec<Named> = sqlx::query_as(
        "select projection, version, family, partition, next_offset, head, head_offset, session, seq
         from projection_checkpoint",
    )
    .fetch_all(pool)
    .await?;
    let known = registry::projections();
    let mut found = Vec::with_capacity(rows.len());
    for Named {
        projection,
        version,
        row,
    } in rows
    {
        let of = known
            .iter()
            .find(|known| known.name() == projection && known.version() == version);
        if let Some(of) = of {
            found.push((of.name(), row.try_into()?));
        }
    }
    Ok(found)
}

/// A projection's step in a shard.
pub(crate) struct Advance<'a> {
    pub projection: &'a dyn Projection,
    pub from: &'a Checkpoint,
    pub to: &'a Checkpoint,
}

/// Advances from one checkpoint to the next, each if it still is where this runner left it. The projections that have
/// parked events of these shards: of the others none is parked before this transaction ends. Rows are locked in one
/// order, so that two runners do not wait for each other.
pub(crate) async fn advance(
    transaction: &mut PgConnection,
    steps: &[Advance<'_>],
) -> Result<BTreeSet<String>, CheckpointError> {
    let to = || steps.iter().map(|step| step.to);
    let (sessions, numbers): (Vec<_>, Vec<_>) = to().map(|to| to.session.unzip()).unzip();
    let numbers: Vec<Option<i64>> = numbers.into_iter().map(|seq| seq.map(u64::cast_signed)).collect();
    let advanced: Vec<(String, String, i16, bool)> = sqlx::query_as(
        "with step as (
             select * from unnest($1::text[], $2::integer[], $3::text[], $4::smallint[], $5::bigint[], $6::bytea[],
                                  $7::bigint[], $8::bytea[], $9::bigint[], $10::uuid[], $11::bigint[])
             as step (projection, version, family, partition, from_offset, from_head,
                      next_offset, head, head_offset, session, seq)
         ), mine as materialized (
             select projection, version, family, partition
             from projection_checkpoint at join step using (projection, version, family, partition)
             order by projection, version, family, partition for update of at
         )
         update projection_checkpoint at
         set next_offset = step.next_offset, head = step.head, head_offset = step.head_offset,
             session = step.session, seq = step.seq
         from step join mine using (projection, version, family, partition)
         where at.projection = step.projection and at.version = step.version
           and at.family = step.family and at.partition = step.partition
           and at.next_offset = step.from_offset and at.head = step.from_head
         returning at.projection, at.family, at.partition,
             exists (select from projection_parked parked
                     where parked.projection = at.projection and parked.version = at.version
                       and parked.family = at.family and parked.partition = at.partition)",
    )
    .bind(steps.iter().map(|step| step.projection.name()).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.projection.version()).collect::<Vec<_>>())
    .bind(to().map(|to| to.shard.family.topic()).collect::<Vec<_>>())
    .bind(to().map(|to| partition(to.shard)).collect::<Vec<_>>())
    .bind(
        steps
            .iter()
            .map(|step| step.from.next.cast_signed())
            .collect::<Vec<_>>(),
    )
    .bind(steps.iter().map(|step| step.from.head.0).collect::<Vec<_>>())
    .bind(to().map(|to| to.next.cast_signed()).collect::<Vec<_>>())
    .bind(to().map(|to| to.head.0).collect::<Vec<_>>())
    .bind(to().map(|to| to.head_offset.map(u64::cast_signed)).collect::<Vec<_>>())
    .bind(sessions)
    .bind(numbers)
    .fetch_all(transaction)
    .await?;
    let lost = |step: &&Advance<'_>| {
        let (name, shard) = (step.projection.name(), step.to.shard);
        let key = (name, shard.family.topic(), partition(shard));
        !advanced
            .iter()
            .any(|(name, family, partition, _)| (name.as_str(), family.as_str(), *partition) == key)
    };
    if let Some(lost) = steps.iter().find(lost) {
        return Err(CheckpointError::Overtaken {
            projection: lost.projection.name(),
            shard: lost.to.shard,
        });
    }
    let some_parked = advanced.into_iter().filter(|(.., parked)| *parked);
    Ok(some_parked.map(|(name, ..)| name).collect())
}

/// Keeps the projection from going on in a shard until the transaction ends.
pub async fn lock(
    transaction: &mut PgConnection,
    projection: &dyn Projection,
    shard: Shard,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "select from projection_checkpoint
         where projection = $1 and version = $2 and family = $3 and partition = $4 for update",
    )
    .bind(projection.name())
    .bind(projection.version())
    .bind(shard.family.topic())
    .bind(partition(shard))
    .execute(transaction)
    .await?;
    Ok(())
}

/// The shard that two columns name.
pub(crate) fn shard(family: &str, partition: i16) -> Result<Shard, CheckpointError> {
    let family: Family = family.parse().map_err(|_| CheckpointError::Damaged("its family"))?;
    let partition = u16::try_from(partition).map_err(|_| CheckpointError::Damaged("its partition"))?;
    Ok(Shard { family, partition })
}

impl TryFrom<Row> for Checkpoint {
    type Error = CheckpointError;

    fn try_from(row: Row) -> Result<Self, CheckpointError> {
        Ok(Self {
            shard: shard(&row.family, row.partition)?,
            next: row.next_offset.cast_unsigned(),
            head: Hash::try_from(row.head.as_slice()).map_err(|_| CheckpointError::Damaged("its head"))?,
            head_offset: row.head_offset.map(i64::cast_unsigned),
            session: row.session.zip(row.seq.map(i64::cast_unsigned)),
        })
    }
}
