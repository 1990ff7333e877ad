//! What every aggregate in the registry keeps to, whoever adds the next.

mod samples;

use std::collections::BTreeSet;

use schemars::Schema;
use serde_json::Value;

use super::{EntityType, Segment, by_stream, entities};

/// Names in order, which must not repeat.
fn assert_distinct(names: impl IntoIterator<Item = String>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name.clone()), "{name:?} is there twice");
    }
}

fn is_kebab_case(name: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.split('-').all(word)
}

/// A stream's id for each id of the path, each of the aggregate that the path names there.
fn path_of(entity: &EntityType) -> Vec<String> {
    let id = |name: &str| {
        let named = entities().iter().find(|other| other.name == name);
        let prefix = named.map_or(entity.prefix, |named| named.prefix);
        format!("{prefix}_{}", crate::id::generate())
    };
    entity
        .segments()
        .map(|segment| match segment {
            Segment::Literal(literal) => literal.to_owned(),
            Segment::Id(name) => id(name),
        })
        .collect()
}

#[test]
fn names_prefixes_and_event_types_are_each_somebodys_alone() {
    assert_distinct(entities().iter().map(|entity| entity.name.to_owned()));
    assert_distinct(entities().iter().map(|entity| entity.prefix.to_owned()));
    let events = entities().iter().flat_map(|entity| (entity.events)());
    assert_distinct(events.map(|event| event.name.to_owned()));
    for entity in entities() {
        let commands = (entity.commands)();
        assert_distinct(commands.iter().map(|command| command.name.to_owned()));
    }
}

#[test]
fn commands_are_in_kebab_case_and_say_what_they_do() {
    for entity in entities() {
        for command in (entity.commands)() {
            assert!(is_kebab_case(command.name), "{}: {}", entity.name, command.name);
            assert!(command.summary.ends_with('.'), "{}: {}", entity.name, command.name);
        }
    }
}

#[test]
fn event_types_name_their_aggregate_what_happened_and_the_version() {
    for entity in entities() {
        for event in (entity.events)() {
            let parts: Vec<&str> = event.name.split('.').collect();
            let [aggregate, happened, version] = parts[..] else {
                panic!("{} has not three parts", event.name);
            };
            assert_eq!(aggregate, entity.name, "{}", event.name);
            assert!(is_kebab_case(happened), "{}", event.name);
            let number = version.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
            assert!(number.is_some_and(|number| number > 0), "{}", event.name);
        }
    }
}

/// Every object and every field of it tells a reader what it is. Ids and tags of enums tell by their form; an alternative
/// of one field tells for that field.
fn assert_described(schema: &Value, at: &str) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(fields)) = object.get("properties") {
                for (name, field) in fields {
                    let told = ["description", "$ref", "const", "pattern", "enum"]
                        .iter()
                        .any(|key| field.get(key).is_some());
                    let told = told || (fields.len() == 1 && object.contains_key("description"));
                    assert!(told, "{at}/{name} has no description");
                }
            }
            for (key, value) in object {
                assert_described(value, &format!("{at}/{key}"));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| assert_described(item, at)),
        _ => {}
    }
}

#[test]
fn every_schema_and_every_field_is_described() {
    let described = |schema: &Schema, name: &str| {
        let description = schema.get("description").and_then(Value::as_str);
        assert!(
            description.is_some_and(|text| !text.is_empty()),
            "{name} has no description"
        );
        assert_described(schema.as_value(), name);
    };
    for entity in entities() {
        for command in (entity.commands)() {
            described(&command.schema, &format!("{} {}", entity.name, command.name));
        }
        for event in (entity.events)() {
            described(&event.schema, event.name);
        }
    }
}

#[test]
fn no_address_means_two_commands() {
    let mut routes: Vec<(Vec<String>, String)> = Vec::new();
    for entity in entities() {
        for command in (entity.commands)() {
            let mut pattern: Vec<String> = entity
                .segments()
                .map(|segment| match segment {
                    Segment::Literal(literal) => literal.to_owned(),
                    Segment::Id(_) => "*".to_owned(),
                })
                .collect();
            pattern.push(command.name.to_owned());
            let name = format!("{} {}", entity.name, command.name);
            for (other, whose) in &routes {
                let same = other.len() == pattern.len()
                    && other.iter().zip(&pattern).all(|(a, b)| a == b || a == "*" || b == "*");
                assert!(!same, "{whose} and {name} have the same address");
            }
            routes.push((pattern, name));
        }
    }
}

#[test]
fn a_path_leads_to_its_stream_and_its_scope() {
    for entity in entities() {
        let path = path_of(entity);
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let target = entity.target(&segments).expect("its own path").expect("its own ids");
        let stream = path.last().expect("a path ends with an id");
        assert_eq!(&target.stream, stream);
        let first = path
            .iter()
            .find(|segment| segment.contains('_'))
            .expect("a path has an id");
        assert_eq!(target.scope, entity.scope.unwrap_or(first));
        assert_eq!(by_stream(stream).map(|found| found.name), Some(entity.name));
        for other in entities().iter().filter(|other| other.name != entity.name) {
            assert!(other.target(&segments).is_none(), "{} takes {path:?}", other.name);
        }
    }
}

#[test]
fn an_id_of_another_kind_leads_nowhere() {
    for entity in entities() {
        let path = path_of(entity);
        for wrong in 0..path.len() {
            let mut path = path.clone();
            if path[wrong].contains('_') {
                path[wrong] = format!("xyz_{}", crate::id::generate());
                let segments: Vec<&str> = path.iter().map(String::as_str).collect();
                assert!(
                    entity.target(&segments).is_some_and(|target| target.is_err()),
                    "{path:?}"
                );
            }
        }
    }
}

#[test]
fn an_event_is_read_as_its_schema_says_and_written_as_it_was_read() {
    for entity in entities() {
        for event in (entity.events)() {
            for sample in samples::of(&event.schema) {
                let mut aggregate = (entity.fresh)();
                let stored = serde_json::to_vec(&sample).expect("plain data");
                aggregate
                    .apply(event.name, &stored)
                    .unwrap_or_else(|error| panic!("{error}: {sample}"));
                let written = (entity.rewrite)(event.name, &stored).expect("it was read just now");
                let written: Value = serde_json::from_slice(&written).expect("an event is JSON");
                assert_eq!(written, without_nulls(sample), "{}", event.name);
            }
        }
    }
}

/// What is absent may be written as null, and is written by leaving it out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        value => value,
    }
}

#[test]
fn a_command_is_read_as_its_schema_says() {
    for entity in entities() {
        for command in (entity.commands)() {
            for sample in samples::of(&command.schema) {
                let body = serde_json::to_vec(&sample).expect("plain data");
                let read = entity.parse(command.name, &body).expect("its own command");
                read.unwrap_or_else(|error| panic!("{} {}: {error}: {sample}", entity.name, command.name));
            }
        }
    }
}

#[test]
fn a_command_with_a_field_that_it_does_not_have_is_not_read() {
    for entity in entities() {
        for command in (entity.commands)() {
            let mut sample = samples::of(&command.schema).remove(0);
            sample["noSuchField"] = Value::Null;
            let body = serde_json::to_vec(&sample).expect("plain data");
            let read = entity.parse(command.name, &body).expect("its own command");
            assert!(read.is_err(), "{} {} took {sample}", entity.name, command.name);
        }
    }
}

#[test]
fn an_unknown_command_and_an_unknown_event_are_said_to_be() {
    for entity in entities() {
        assert!(entity.parse("no-such-command", b"{}").is_none());
        assert!((entity.fresh)().apply("nothing.happened.v1", b"{}").is_err());
    }
}

#[test]
fn the_state_of_an_aggregate_is_plain_data_before_its_first_event() {
    for entity in entities() {
        let state = (entity.fresh)().state();
        assert!(state.is_null() || state.is_object(), "{}: {state}", entity.name);
    }
}
