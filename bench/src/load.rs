//! The load generator: closed loop. Each connection sends its next request when the last one has been answered, so what
//! is measured at so many connections is so many commands under way.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::time::{sleep, timeout};

use crate::{http::Connection, workload::Lane};

/// How long an answer may take before the run is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The pause after a command that was not carried out, for a server that says it has too much to do.
const PAUSE: Duration = Duration::from_millis(20);
/// The significant digits that latencies are kept with.
const DIGITS: u8 = 3;

/// How long a cell takes.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Not counted.
    pub warm_up: Duration,
    /// Counted.
    pub measured: Duration,
}

/// What a server did under load.
#[derive(Debug)]
pub struct Answered {
    /// Latencies of what was carried out, in microseconds.
    pub latencies: Histogram<u64>,
    /// How many were answered with another status than 2xx.
    pub others: BTreeMap<u16, u64>,
}

/// Sends what the lanes have, each on a connection of its own.
pub async fn run(address: SocketAddr, lanes: Vec<Lane>, span: Span) -> anyhow::Result<Answered> {
    let from = Instant::now() + span.warm_up;
    let until = from + span.measured;
    let lanes = lanes
        .into_iter()
        .map(|lane| tokio::spawn(one(address, lane, from, until)));
    let mut total = Answered::new()?;
    for lane in try_join_all(lanes).await? {
        let lane = lane?;
        total.latencies.add(&lane.latencies)?;
        for (status, count) in lane.others {
            *total.others.entry(status).or_default() += count;
        }
    }
    Ok(total)
}

impl Answered {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            latencies: Histogram::new(DIGITS)?,
            others: BTreeMap::new(),
        })
    }
}

async fn one(address: SocketAddr, mut lane: Lane, from: Instant, until: Instant) -> anyhow::Result<Answered> {
    let mut connection = Connection::open(address).await?;
    let mut answered = Answered::new()?;
    let mut request = Vec::new();
    loop {
        lane.next(&mut request)?;
        let sent = Instant::now();
        if sent >= until {
            return Ok(answered);
        }
        let status = timeout(ANSWER_WITHIN, connection.exchange(&request))
            .await
            .context("no answer in time")??;
        let now = Instant::now();
        if !(200..300).contains(&status) {
            ensure!(
                status >= 429,
                "refused with {status}: {}",
                String::from_utf8_lossy(&connection.received)
            );
            if sent >= from {
                *answered.others.entry(status).or_default() += 1;
            }
            sleep(PAUSE).await;
        } else if now >= from && now < until {
            answered
                .latencies
                .record(u64::try_from((now - sent).as_micros()).unwrap_or(u64::MAX))?;
        }
    }
}
