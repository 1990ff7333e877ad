//! Rows that are an aggregate: the row keeps the aggregate's state, events are folded into it by the domain's own
//! `apply`, so that what an event means is said once, and the other columns are drawn from it to be found and sorted by.
//!
//! To add one: a row declared with `table!` as an entity, and its [`EntityRow`], which says what the columns hold.

use std::{collections::HashMap, marker::PhantomData};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{entity::Entity, family::Family};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};

use crate::{
    batch::Batch,
    projection::{Projection, ProjectionError},
    row::{json, partition},
    table::Table,
};

/// A row with the columns that every entity's row ends with. Written by [`table!`](crate::table).
pub(crate) trait KeptRow: Table<Key = String> {
    /// These columns.
    fn kept(self) -> Kept;
}

/// A row that is an aggregate.
pub(crate) trait EntityRow: KeptRow {
    /// The aggregate.
    type Aggregate: Entity;
    /// The projection's name.
    const NAME: &'static str;
    /// The projection's version.
    const VERSION: i32 = 1;
    /// The topics that it reads.
    const FAMILIES: &'static [Family] = &[<Self::Aggregate as Entity>::FAMILY];

    /// The tables that [`EntityRow::beside`] writes.
    const BESIDE: &'static [&'static str] = &[];

    /// The row of an aggregate; none when nothing has made it yet.
    fn row(folded: Folded<Self::Aggregate>) -> Option<Self>;

    /// Writes what the aggregates have in tables beside the row's.
    fn beside(
        _folded: &[Folded<Self::Aggregate>],
        _transaction: &mut PgConnection,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send {
        async { Ok(()) }
    }
}

/// The columns that every entity's row ends with.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Kept {
    /// The stream.
    pub id: String,
    /// The aggregate's state.
    pub state: Value,
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

/// An aggregate after a batch.
#[derive(Debug)]
pub(crate) struct Folded<A> {
    /// The scope of its events.
    pub scope: String,
    /// The aggregate now.
    pub aggregate: A,
    /// What its row keeps; of the state, what it was before.
    kept: Kept,
}

impl<A: Entity> Folded<A> {
    /// The stream.
    pub fn id(&self) -> &str {
        &self.kept.id
    }

    /// What its row keeps.
    pub fn kept(&self) -> Kept {
        Kept {
            state: json(&self.aggregate),
            ..self.kept.clone()
        }
    }
}

/// The projection of rows that are an aggregate.
pub(crate) struct EntityProjection<R>(PhantomData<fn() -> R>);

impl<R> EntityProjection<R> {
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

#[async_trait]
impl<R: EntityRow> Projection for EntityProjection<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn version(&self) -> i32 {
        R::VERSION
    }

    fn families(&self) -> &'static [Family] {
        R::FAMILIES
    }

    fn tables(&self) -> Vec<&'static str> {
        [&[R::TABLE], R::BESIDE].concat()
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let streams = batch.streams(R::Aggregate::PREFIX);
        if streams.is_empty() {
            return Ok(());
        }
        let known = R::fetch(transaction, &streams).await?;
        let folded = fold::<R>(batch, known)?;
        R::beside(&folded, transaction).await?;
        R::upsert(transaction, folded.into_iter().filter_map(R::row).collect()).await?;
        Ok(())
    }
}

/// Every aggregate of this type that the batch touches, after it.
fn fold<R: EntityRow>(batch: &Batch, known: Vec<R>) -> Result<Vec<Folded<R::Aggregate>>, ProjectionError> {
    let mut rows: HashMap<String, Kept> = known
        .into_iter()
        .map(R::kept)
        .map(|kept| (kept.id.clone(), kept))
        .collect();
    let mut touched: HashMap<&str, Folded<R::Aggregate>> = HashMap::new();
    for (stored, event) in batch.of::<<R::Aggregate as cqrs_es::Aggregate>::Event>()? {
        let id = stored.envelope.stream.as_str();
        if !touched.contains_key(id) {
            let folded = match rows.remove(id) {
                Some(row) => known_before::<R>(row)?,
                None => Folded {
                    scope: String::new(),
                    aggregate: R::Aggregate::default(),
                    kept: Kept {
                        id: id.to_owned(),
                        state: Value::Null,
                        created_at: stored.envelope.time,
                        updated_at: stored.envelope.time,
                        version: 0,
                        partition: partition(stored.shard),
                        changed: 0,
                    },
                },
            };
            touched.insert(id, folded);
        }
        if let Some(folded) = touched.get_mut(id) {
            cqrs_es::Aggregate::apply(&mut folded.aggregate, event);
            folded.scope = stored.scope.clone().unwrap_or_default();
            folded.kept.updated_at = stored.envelope.time;
            folded.kept.version = stored.envelope.version.cast_signed();
            folded.kept.changed = stored.offset.cast_signed();
        }
    }
    Ok(touched.into_values().collect())
}

fn known_before<R: EntityRow>(mut kept: Kept) -> Result<Folded<R::Aggregate>, ProjectionError> {
    let aggregate = serde_json::from_value(kept.state.take()).map_err(|source| ProjectionError::Row {
        projection: R::NAME,
        id: kept.id.clone(),
        source,
    })?;
    Ok(Folded {
        scope: String::new(),
        aggregate,
        kept,
    })
}
