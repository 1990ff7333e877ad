//! Many commands in one request: `POST /v1/commands`.

use std::time::{Duration, Instant};

use anyhow::ensure;
use reqwest::header;

use crate::{stoa::Stoa, workload};

/// Sends bulk lines, and tells how long it took until each was answered as carried out.
pub async fn send(stoa: &Stoa, lines: Vec<u8>) -> anyhow::Result<Duration> {
    let count = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count();
    let started = Instant::now();
    let answer = reqwest::Client::new()
        .post(format!("http://{}/v1/commands", stoa.child.address))
        .bearer_auth(workload::importer(&stoa.keys))
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .body(lines)
        .send()
        .await?
        .error_for_status()?
        .text()
        .await?;
    let took = started.elapsed();
    let done = |line: &&str| line.contains("\"status\":201") || line.contains("\"status\":200");
    let carried_out = answer.lines().filter(done).count();
    let other = answer.lines().find(|line| !done(line)).unwrap_or_default();
    ensure!(
        carried_out == count,
        "{carried_out} of {count} lines were carried out; one was not: {other}"
    );
    Ok(took)
}
