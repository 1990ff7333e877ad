//! Events that a projection could not apply, each with the reason, and those that wait behind them.
//!
//! A projection's parked events of a shard are written and taken away only by who holds the row of its checkpoint there:
//! the runner, which moves it, and a [retry](crate::retry), which locks it. So a unit is parked, or it is not, for all of
//! a batch.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgPool};

use crate::{apply::Refused, batch::Batch, projection::Projection, row::partition};

/// Reasons are for people: no more than this of one is kept, in characters.
const LONGEST_REASON: usize = 2_000;

/// A parked event.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Parked {
    /// The projection.
    pub projection: String,
    /// Its version.
    pub version: i32,
    /// With `partition`, the shard.
    pub family: String,
    /// The partition.
    pub partition: i16,
    /// The event's offset.
    pub offset: i64,
    /// The event's number in its commit, from 1.
    pub part: i32,
    /// What waits: the stream, or the scope where the projection's rows depend on several streams.
    pub unit: String,
    /// The stream.
    pub stream: String,
    /// The event's type.
    pub event_type: String,
    /// Why it was not applied.
    pub reason: String,
    /// Since when it waits.
    pub since: DateTime<Utc>,
}

/// Parked events in the order in which they were to be applied: a projection's, or all.
pub async fn list(pool: &PgPool, projection: Option<&str>, most: i64) -> Result<Vec<Parked>, sqlx::Error> {
    sqlx::query_as(
        r#"select * from projection_parked where projection = $1 or $1 is null
           order by projection, version, family, partition, "offset", part limit $2"#,
    )
    .bind(projection)
    .bind(most)
    .fetch_all(pool)
    .await
}

/// How many events each projection has parked; those that have none are absent.
pub async fn count(pool: &PgPool) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as("select projection, count(*) from projection_parked group by projection")
        .fetch_all(pool)
        .await
}

/// Takes from a batch the events whose units wait already.
pub(crate) async fn divide(
    transaction: &mut PgConnection,
    projection: &dyn Projection,
    batch: Batch,
) -> Result<(Batch, Vec<Refused>), sqlx::Error> {
    let mut waiting: Vec<String> = sqlx::query_scalar(
        "select distinct unit from projection_parked
         where projection = $1 and version = $2 and unit = any($3)",
    )
    .bind(projection.name())
    .bind(projection.version())
    .bind(batch.units(projection))
    .fetch_all(transaction)
    .await?;
    waiting.sort_unstable();
    let waits = |unit: &str| waiting.binary_search_by(|found| found.as_str().cmp(unit)).is_ok();
    let (behind, batch) = batch.divided(|event| waits(projection.unit(event)));
    let behind = behind.events().cloned();
    Ok((batch, behind.map(|event| Refused::behind(event, None)).collect()))
}

/// Parks these events; those that are parked get the new reason.
pub(crate) async fn park(
    transaction: &mut PgConnection,
    projection: &dyn Projection,
    refused: &[Refused],
) -> Result<(), sqlx::Error> {
    if refused.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Refused) -> String| refused.iter().map(of).collect::<Vec<String>>();
    let families = refused.iter().map(|one| one.event.shard.family.topic());
    let partitions = refused.iter().map(|one| partition(one.event.shard));
    let offsets: Vec<i64> = refused.iter().map(|one| one.event.offset.cast_signed()).collect();
    let parts = refused.iter().map(|one| i32::from(one.event.envelope.part.number));
    let units = refused.iter().map(|one| projection.unit(&one.event).to_owned());
    sqlx::query(
        r#"insert into projection_parked
               (projection, version, family, partition, "offset", part, unit, stream, event_type, reason)
           select $1, $2, * from unnest($3::text[], $4::smallint[], $5::bigint[], $6::integer[], $7::text[], $8::text[],
                                        $9::text[], $10::text[])
           on conflict (projection, version, family, partition, "offset", part) do update set reason = excluded.reason"#,
    )
    .bind(projection.name())
    .bind(projection.version())
    .bind(families.collect::<Vec<_>>())
    .bind(partitions.collect::<Vec<_>>())
    .bind(offsets)
    .bind(parts.collect::<Vec<_>>())
    .bind(units.collect::<Vec<_>>())
    .bind(column(|one| one.event.envelope.stream.clone()))
    .bind(column(|one| one.event.envelope.event_type.to_string()))
    .bind(column(|one| reason(&one.reason)))
    .execute(transaction)
    .await?;
    Ok(())
}

/// A reason as a column of text can hold it.
fn reason(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(LONGEST_REASON).collect()
}
