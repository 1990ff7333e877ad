//! The load generator: closed loop. Each connection sends its next request when the last one has been answered, so what
//! is measured at so many connections is so many commands under way. Requests are written as bytes and answers read as
//! far as needed, for the generator shares the processors with what it measures.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::workload::Lane;

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

/// A keep-alive connection.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(4096),
        })
    }

    /// Sends a request and reads its answer; tells the status.
    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            ensure!(
                self.stream.read_buf(&mut self.received).await? > 0,
                "the server closed the connection"
            );
            if let Some((status, length)) = read(&self.received)?
                && self.received.len() >= length
            {
                return Ok(status);
            }
        }
    }
}

/// Status and whole length of an answer, once its head is complete.
fn read(answer: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..head])?;
    let status = text.get(9..12).context("an answer begins with its status")?.parse()?;
    for line in text.lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok(Some((status, head + 4 + value.trim().parse::<usize>()?)));
        }
    }
    bail!("an answer without a length: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_head_and_as_many_bytes_as_it_says_are_there() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\netag: \"1\"\r\n\r\n{}";
        let head = answer.len() - 2;
        assert_eq!(read(&answer[..head - 1]).unwrap(), None);
        assert_eq!(read(&answer[..head]).unwrap(), Some((201, answer.len())));
        assert_eq!(read(answer).unwrap(), Some((201, answer.len())));
    }

    #[test]
    fn an_answer_whose_end_nobody_could_tell_is_an_error() {
        assert!(read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
