//! How far a projection has come in a shard. Advancing is a compare-and-set, and the first statement of the batch's
//! transaction: a second runner of the same projection waits there, and then finds that it lost.

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

/// Advances from one checkpoint to the next, if it still is where this runner left it. Whether the projection has parked
/// events of the shard: when it has not, none can be parked before this transaction ends.
pub async fn advance(
    transaction: &mut PgConnection,
    projection: &dyn Projection,
    from: &Checkpoint,
    to: &Checkpoint,
) -> Result<bool, CheckpointError> {
    let (session, seq) = to.session.unzip();
    let advanced: Option<bool> = sqlx::query_scalar(
        "update projection_checkpoint
         set next_offset = $5, head = $6, head_offset = $7, session = $8, seq = $9
         where projection = $1 and version = $2 and family = $3 and partition = $4
           and next_offset = $10 and head = $11
         returning exists (select from projection_parked parked
                           where parked.projection = $1 and parked.version = $2
                             and parked.family = $3 and parked.partition = $4)",
    )
    .bind(projection.name())
    .bind(projection.version())
    .bind(from.shard.family.topic())
    .bind(partition(from.shard))
    .bind(to.next.cast_signed())
    .bind(to.head.0.as_slice())
    .bind(to.head_offset.map(u64::cast_signed))
    .bind(session)
    .bind(seq.map(u64::cast_signed))
    .bind(from.next.cast_signed())
    .bind(from.head.0.as_slice())
    .fetch_optional(transaction)
    .await?;
    advanced.ok_or(CheckpointError::Overtaken {
        projection: projection.name(),
        shard: from.shard,
    })
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
