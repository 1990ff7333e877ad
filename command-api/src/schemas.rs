//! The JSON Schema of every event version, as it is published under `schemas/events`. A published one never changes: a
//! new shape is a new version.

use domain::{entity::EventType, registry::entities};
use serde_json::Value;

/// Every event version with the schema of its value.
pub fn events() -> Vec<EventType> {
    entities().iter().flat_map(|entity| (entity.events)()).collect()
}

/// The text of a schema as it is published.
pub fn text(event: &EventType) -> String {
    let mut schema = event.schema.clone();
    schema.insert(
        "$id".to_owned(),
        Value::String(format!("urn:stoa:event:{}", event.name)),
    );
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}
