//! Positions that clients give: `Stoa-After` of a query, `after` of a subscription.

use axum::http::HeaderMap;
use event_log::{log::Log, position::Position};

use crate::{
    error::{QueryError, Result},
    session::Shared,
};

/// The header that carries the position of a receipt.
pub const STOA_AFTER: &str = "stoa-after";

/// Reads a position of this log.
pub fn position(log: &Log, text: &str) -> Result<Position> {
    let position: Position = text.trim().parse()?;
    if position.log != log.id() {
        return Err(QueryError::ForeignPosition);
    }
    let unknown = |shard: &&event_log::shard::Shard| {
        log.topology()
            .partitions
            .get(&shard.family)
            .is_none_or(|count| shard.partition >= *count)
    };
    match position.offsets.keys().find(unknown) {
        Some(shard) => Err(QueryError::UnknownShard(shard.to_string())),
        None => Ok(position),
    }
}

/// Waits until the read models have what the request's `Stoa-After` names.
pub async fn wait(shared: &Shared, headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(STOA_AFTER) else {
        return Ok(());
    };
    let text = value
        .to_str()
        .map_err(|_| event_log::position::InvalidPosition::Malformed)?;
    shared
        .progress
        .wait_for(&position(&shared.log, text)?, shared.settings.wait_at_most)
        .await
}
