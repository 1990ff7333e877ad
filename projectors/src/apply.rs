//! Applying what can be applied. One event that a projection can not take must not stop the others: what fails is cut in
//! halves until the unit is found, and in it the event, and all the rest is applied.

use std::{any::Any, panic::AssertUnwindSafe};

use event_log::commit::StoredEvent;
use futures::FutureExt;
use sqlx::{Connection, PgConnection};

use crate::{
    batch::Batch,
    projection::{Projection, ProjectionError},
};

/// An event that was not applied.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// The event.
    pub event: StoredEvent,
    /// Why.
    pub reason: String,
}

impl Refused {
    /// An event that waits for another one of its unit; for one that was parked in an earlier batch when no offset is
    /// known.
    pub fn behind(event: StoredEvent, offset: Option<u64>) -> Self {
        let reason = match offset {
            Some(offset) => format!("waits behind the event at offset {offset}"),
            None => "waits behind one that was parked before".to_owned(),
        };
        Self { event, reason }
    }
}

/// Applies a batch as a whole. A panic is the events' fault too: without them the code would not have got there.
pub(crate) async fn apply(
    projection: &dyn Projection,
    batch: &Batch,
    transaction: &mut PgConnection,
) -> Result<(), ProjectionError> {
    if batch.is_empty() {
        return Ok(());
    }
    AssertUnwindSafe(projection.apply(batch, transaction))
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(ProjectionError::Panicked(message(&*panic))))
}

/// Applies all of a batch but the events that can not be, and those behind them; these are returned.
pub(crate) async fn apply_what_can_be(
    projection: &dyn Projection,
    batch: &Batch,
    transaction: &mut PgConnection,
) -> Result<Vec<Refused>, ProjectionError> {
    let mut refused = Vec::new();
    let units = batch.units(projection);
    let mut left = vec![units.as_slice()];
    while let Some(units) = left.pop() {
        let among = |event: &StoredEvent| units.binary_search_by(|unit| unit.as_str().cmp(projection.unit(event)));
        let (part, _) = batch.clone().divided(|event| among(event).is_ok());
        match attempt(projection, &part, transaction, Keep::Rows).await {
            Ok(()) => {}
            Err(error) if !error.is_of_the_events() => return Err(error),
            Err(_) if units.len() > 1 => left.extend(<[_; 2]>::from(units.split_at(units.len() / 2))),
            Err(error) => refused.extend(apply_up_to_fault(projection, &part, transaction, error).await?),
        }
    }
    Ok(refused)
}

/// Applies the events of a unit before the one that can not be; that one and the rest are returned.
async fn apply_up_to_fault(
    projection: &dyn Projection,
    unit: &Batch,
    transaction: &mut PgConnection,
    mut error: ProjectionError,
) -> Result<Vec<Refused>, ProjectionError> {
    let (mut good, mut bad) = (0, unit.len());
    while bad - good > 1 {
        let middle = usize::midpoint(good, bad);
        match attempt(projection, &unit.cut(middle).0, transaction, Keep::Nothing).await {
            Ok(()) => good = middle,
            Err(found) if found.is_of_the_events() => (bad, error) = (middle, found),
            Err(other) => return Err(other),
        }
    }
    let (before, behind) = unit.cut(good);
    attempt(projection, &before, transaction, Keep::Rows).await?;
    let mut behind = behind.events().cloned();
    let first = behind.next().map(|event| Refused {
        event,
        reason: error.to_string(),
    });
    let offset = first.as_ref().map(|first| first.event.offset);
    let rest = behind.map(|event| Refused::behind(event, offset));
    Ok(first.into_iter().chain(rest).collect())
}

/// What of an attempt that succeeded is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Rows,
    Nothing,
}

/// Applies a batch within a savepoint, to which it goes back after a failure, or when it was only tried.
async fn attempt(
    projection: &dyn Projection,
    batch: &Batch,
    transaction: &mut PgConnection,
    keep: Keep,
) -> Result<(), ProjectionError> {
    let mut savepoint = transaction.begin().await?;
    let applied = apply(projection, batch, &mut savepoint).await;
    if applied.is_ok() && keep == Keep::Rows {
        savepoint.commit().await?;
    } else {
        savepoint.rollback().await?;
    }
    applied
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
