//! What is published under `schemas/` is what the software says. `UPDATE_SCHEMAS=1 cargo test` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use command_api::{openapi, schemas};

fn published(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas").join(path)
}

/// Compares a published file with what it should be, or writes it.
fn check(path: &str, expected: &str) {
    let file = published(path);
    if env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, expected).unwrap();
        return;
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "schemas/{path} is out of date: run `UPDATE_SCHEMAS=1 cargo test -p command-api --test schemas`"
    );
}

#[test]
fn the_published_openapi_document_is_current() {
    check("openapi.json", openapi::text());
}

#[test]
fn the_published_event_schemas_are_current_and_none_is_left_over() {
    let mut known = BTreeSet::new();
    for event in schemas::events() {
        let name = format!("{}.json", event.name);
        check(&format!("events/{name}"), &schemas::text(&event));
        assert!(known.insert(name), "{} is defined twice", event.name);
    }
    let found: BTreeSet<String> = fs::read_dir(published("events"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, known, "a published event schema is never taken away");
}

#[test]
fn every_reference_of_the_openapi_document_leads_somewhere() {
    let document = openapi::document();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(members) => {
                if let Some(serde_json::Value::String(target)) = members.get("$ref") {
                    let pointer = target.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
                }
                open.extend(members.values());
            }
            serde_json::Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}
