//! Values made from a JSON Schema: enough of them that every alternative is there once, with all that is optional.

use schemars::Schema;
use serde_json::{Map, Value, json};

/// Values that the schema allows.
pub fn of(schema: &Schema) -> Vec<Value> {
    let root = schema.as_value();
    values(root, root)
}

fn values(schema: &Value, root: &Value) -> Vec<Value> {
    if let Some(constant) = schema.get("const") {
        return vec![constant.clone()];
    }
    if let Some(Value::Array(choices)) = schema.get("enum") {
        return choices.clone();
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(Value::Array(alternatives)) = schema.get(key) {
            let rest = without(schema, key);
            return alternatives
                .iter()
                .flat_map(|alternative| values(&merged(&rest, alternative), root))
                .collect();
        }
    }
    if let Some(Value::String(reference)) = schema.get("$ref") {
        let pointer = reference.trim_start_matches('#');
        let named = root.pointer(pointer).expect("a reference leads somewhere");
        return values(&merged(&without(schema, "$ref"), named), root);
    }
    if let Some(Value::Array(types)) = schema.get("type") {
        let one = |name: &Value| {
            let mut schema = schema.clone();
            schema["type"] = name.clone();
            values(&schema, root)
        };
        return types.iter().flat_map(one).collect();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => objects(schema, root),
        Some("array") => {
            let items = schema.get("items").map_or_else(Vec::new, |items| values(items, root));
            vec![Value::Array(items)]
        }
        Some("string") => vec![text(schema).into()],
        Some("integer" | "number") => vec![schema.get("minimum").cloned().unwrap_or_else(|| json!(-3))],
        Some("boolean") => vec![json!(true), json!(false)],
        Some("null") => vec![Value::Null],
        _ => panic!("no sample of {schema}"),
    }
}

/// As many objects as the field with the most values has values.
fn objects(schema: &Value, root: &Value) -> Vec<Value> {
    let no_fields = Map::new();
    let fields = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&no_fields);
    let fields: Vec<(&String, Vec<Value>)> = fields.iter().map(|(name, field)| (name, values(field, root))).collect();
    let most = fields.iter().map(|(_, values)| values.len()).max().unwrap_or(1);
    (0..most)
        .map(|nth| {
            fields
                .iter()
                .map(|(name, values)| ((*name).clone(), values[nth % values.len()].clone()))
                .collect()
        })
        .collect()
}

fn text(schema: &Value) -> String {
    const UUID: &str = "0193d2a0-7b5c-7c3e-9a41-0f3b6c2d9e57";
    let text = |key| schema.get(key).and_then(Value::as_str);
    match (text("pattern"), text("format")) {
        (Some("^[A-Z]{3}$"), _) => "BRL".to_owned(),
        (Some("^[A-Z]{2}$"), _) => "BR".to_owned(),
        (Some(pattern), _) => match pattern.strip_prefix('^').and_then(|rest| rest.split_once('_')) {
            Some((prefix, _)) => format!("{prefix}_{UUID}"),
            None => panic!("no sample of the pattern {pattern}"),
        },
        (None, Some("date-time")) => "2018-10-17T17:30:18Z".to_owned(),
        (None, Some("partial-date-time" | "partial-time" | "time")) => "09:30:00".to_owned(),
        (None, Some("uuid")) => UUID.to_owned(),
        (None, Some(format)) => panic!("no sample of the format {format}"),
        (None, None) => "ação".to_owned(),
    }
}

fn without(schema: &Value, key: &str) -> Value {
    let mut schema = schema.clone();
    schema.as_object_mut().expect("a schema with keys").remove(key);
    schema
}

/// Both schemas' demands; their fields together.
fn merged(one: &Value, other: &Value) -> Value {
    let mut result = one.as_object().cloned().unwrap_or_default();
    for (key, value) in other.as_object().expect("a schema with keys") {
        match (result.get_mut(key), value) {
            (Some(Value::Object(fields)), Value::Object(more)) => fields.extend(more.clone()),
            _ => {
                result.insert(key.clone(), value.clone());
            }
        }
    }
    result.into()
}
