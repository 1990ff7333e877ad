//! Many commands in one request: `POST /v1/commands`.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::{http, stoa::Stoa, workload};

/// Sends bulk lines, and tells how long it took until each was answered as carried out.
pub async fn send(stoa: &Stoa, lines: &[u8]) -> anyhow::Result<Duration> {
    let count = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count();
    let head = format!(
        "POST /v1/commands HTTP/1.0\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        workload::importer(&stoa.keys),
        lines.len()
    );
    let started = Instant::now();
    let (status, answer) = http::once(stoa.child.address, head.as_bytes(), lines).await?;
    let took = started.elapsed();
    ensure!(status == 200, "the bulk request was answered with {status}: {answer}");
    let done = |line: &&str| line.contains("\"status\":201") || line.contains("\"status\":200");
    let carried_out = answer.lines().filter(done).count();
    let other = answer.lines().find(|line| !done(line)).unwrap_or_default();
    ensure!(
        carried_out == count,
        "{carried_out} of {count} lines were carried out; one was not: {other}"
    );
    Ok(took)
}
