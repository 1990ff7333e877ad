//! Rows that are an aggregate: the projection keeps the aggregate's state in the row and folds events into it with the
//! domain's own `apply`, so that what an event means is said once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::entity::Entity;
use serde_json::Value;

use crate::{
    batch::Batch,
    projection::{Projection, ProjectionError},
    row::partition,
};

/// An aggregate after a batch, with what every row tells of its last change.
#[derive(Debug)]
pub struct Folded<A> {
    /// The stream.
    pub id: String,
    /// The scope of its events.
    pub scope: String,
    /// The aggregate now.
    pub aggregate: A,
    /// When its first event happened.
    pub created_at: DateTime<Utc>,
    /// When its last event happened.
    pub updated_at: DateTime<Utc>,
    /// The stream's version.
    pub version: i64,
    /// With `changed`, the position of its last event.
    pub partition: i16,
    /// The offset of its last event.
    pub changed: i64,
}

/// What a row remembers of its aggregate.
#[derive(Debug)]
pub struct Remembered {
    /// The stream.
    pub id: String,
    /// The aggregate's state.
    pub state: Value,
    /// When its first event happened.
    pub created_at: DateTime<Utc>,
}

/// Every aggregate of this type that the batch touches, after it.
pub fn fold<A: Entity>(
    projection: &dyn Projection,
    batch: &Batch,
    known: impl IntoIterator<Item = Remembered>,
) -> Result<Vec<Folded<A>>, ProjectionError> {
    let mut aggregates: HashMap<String, (A, DateTime<Utc>)> = HashMap::new();
    for row in known {
        let damaged = |source| ProjectionError::Row {
            projection: projection.name(),
            id: row.id.clone(),
            source,
        };
        let aggregate = serde_json::from_value(row.state).map_err(damaged)?;
        aggregates.insert(row.id, (aggregate, row.created_at));
    }
    let mut touched: HashMap<String, Folded<A>> = HashMap::new();
    for (stored, event) in batch.of::<A::Event>()? {
        let id = &stored.envelope.stream;
        let folded = touched.entry(id.clone()).or_insert_with(|| {
            let (aggregate, created_at) = aggregates
                .remove(id)
                .unwrap_or_else(|| (A::default(), stored.envelope.time));
            Folded {
                id: id.clone(),
                scope: stored.scope.clone().unwrap_or_default(),
                aggregate,
                created_at,
                updated_at: stored.envelope.time,
                version: 0,
                partition: partition(stored.shard),
                changed: 0,
            }
        });
        folded.aggregate.apply(event);
        folded.updated_at = stored.envelope.time;
        folded.version = stored.envelope.version.cast_signed();
        folded.changed = stored.offset.cast_signed();
    }
    Ok(touched.into_values().collect())
}
