//! How values of the domain stand in a column.

use event_log::shard::Shard;
use serde::Serialize;
use serde_json::Value;

/// A plain enum's name, as it stands in events: `awaiting-collection`.
pub fn word(value: &impl Serialize) -> String {
    match json(value) {
        Value::String(word) => word,
        other => other.to_string(),
    }
}

/// A part of an event as `jsonb`.
pub fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a part of an event is plain data with string keys, which always serialises")
}

/// The shard's partition as Postgres keeps it.
pub fn partition(shard: Shard) -> i16 {
    i16::try_from(shard.partition).expect("a topology has fewer than 32768 partitions")
}
