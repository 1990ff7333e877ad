//! Positions that clients give: `Stoa-After` of a query, `after` of a subscription.

use async_graphql::{Request, Value};
use axum::http::HeaderMap;
use event_log::{
    log::Log,
    position::{InvalidPosition, Position},
};

use crate::error::{QueryError, Result};

/// The header that carries the position of a receipt.
const STOA_AFTER: &str = "stoa-after";
/// What a request's `extensions` call it.
const EXTENSION: &str = "stoaAfter";

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

/// What a query must see: what its header names, and what its own extension `stoaAfter` does, which goes through a
/// websocket as well.
pub fn of_request(log: &Log, headers: Option<&HeaderMap>, request: &Request) -> Result<Option<Position>> {
    let header = headers.and_then(|headers| headers.get(STOA_AFTER));
    let header = header.map(|value| value.to_str().map_err(|_| InvalidPosition::Malformed));
    let extension = request.extensions.get(EXTENSION).map(|value| match value {
        Value::String(text) => Ok(text.as_str()),
        _ => Err(InvalidPosition::Malformed),
    });
    let mut named: Option<Position> = None;
    for text in [header, extension].into_iter().flatten() {
        let position = position(log, text?)?;
        match &mut named {
            Some(named) => named.merge(&position),
            None => named = Some(position),
        }
    }
    Ok(named)
}
