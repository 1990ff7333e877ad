//! Bulk lines from a file, as they are.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Plan, Stage,
    line::{Line, derived},
};

/// A line as the file has it; the fields' meaning is the command API's to check.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    path: String,
    key: Option<String>,
    actor: Option<domain::id::UserId>,
    at: Option<DateTime<Utc>>,
    if_match: Option<u64>,
    data: Option<Box<RawValue>>,
}

/// The lines of the file, in order; empty ones are passed over.
pub fn plan(file: &Path) -> anyhow::Result<Plan> {
    let reader = BufReader::new(super::olist::table::open(file)?);
    let lines = reader
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.as_ref().is_ok_and(|line| line.trim().is_empty()));
    let name = file.display().to_string();
    let lines = lines.map(move |(index, line)| {
        let place = || format!("{name}, line {}", index + 1);
        let line = line.with_context(place)?;
        let given: Given = serde_json::from_str(&line).with_context(place)?;
        let data = given.data.map_or_else(|| RawValue::from_string("{}".to_owned()), Ok)?;
        let Given {
            path,
            key,
            actor,
            at,
            if_match,
            ..
        } = given;
        Ok(vec![Line {
            path,
            key: Some(key.unwrap_or_else(|| made_of(index, &line))),
            actor,
            at,
            if_match,
            data,
        }])
    });
    Ok(Plan {
        stages: vec![Stage {
            name: "commands",
            stories: Box::new(lines),
            expected: None,
        }],
        left_out: Vec::new(),
    })
}

/// The key of a line that has none: the same at every run, so that a file that was cut off is simply sent again.
fn made_of(index: usize, line: &str) -> String {
    let name = format!("{index}\n{line}");
    format!("import/{}", derived("ndjson line", &name, DateTime::UNIX_EPOCH))
}
