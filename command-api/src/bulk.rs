//! Many commands in one request: a line of JSON each (NDJSON), a line of result each, in order, both streamed.
//!
//! Lines of different scopes are carried out side by side, as many as [`crate::Settings::bulk_in_flight`]. Lines of one
//! scope are decided strictly in the order of the file: each waits for its turn, which comes when the line before has
//! been decided, not when that is acknowledged.

use std::{borrow::Cow, collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use domain::viewer::Viewer;
use futures::{FutureExt, Stream, StreamExt, stream::FuturesOrdered};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    Service,
    execution::Execution,
    problem::Problem,
    receipt::{Answer, Receipt},
    request::{Condition, Request, Sent},
    routes::closing,
};

/// Results are sent on once there are this many bytes of them, or no other is ready.
const CHUNK: usize = 32 << 10;
/// How many chunks may wait for a client that reads slowly; then no more lines are read.
const CHUNKS: usize = 4;
/// How long a client may take for its last results when the node shuts down.
const FAREWELL: Duration = Duration::from_secs(3);

/// A line as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    actor: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    at: Option<Cow<'a, str>>,
    #[serde(default)]
    if_match: Option<u64>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// What is answered to a line.
#[derive(Debug, Serialize)]
struct Told<'a> {
    line: u64,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a Receipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
}

/// How far a line has come, as the next line of its scope waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Waiting,
    Decided,
    Settled,
}

/// Starts to carry out the lines of a body, and answers with the stream of results.
pub(crate) fn respond(service: Arc<Service>, viewer: Viewer, body: Body) -> Result<Response, Problem> {
    let open = service.enter().ok_or_else(closing)?;
    let (results, answer) = mpsc::channel(CHUNKS);
    let tasks = service.tasks.clone();
    tasks.spawn(async move {
        let _open = open;
        run(&service, &viewer, body, results).await;
    });
    let ndjson = HeaderValue::from_static("application/x-ndjson");
    let answer = ReceiverStream::new(answer).map(Ok::<Bytes, Infallible>);
    Ok((StatusCode::OK, [(CONTENT_TYPE, ndjson)], Body::from_stream(answer)).into_response())
}

async fn run(service: &Service, viewer: &Viewer, body: Body, results: mpsc::Sender<Bytes>) {
    let mut lines = Lines::new(body.into_data_stream(), service.settings.body.bytes);
    let mut flying = FuturesOrdered::new();
    let mut turns = Turns::default();
    let mut reading = true;
    // What is ready for the client; `None` once it has gone, or has had its time.
    let mut ready = Some(BytesMut::new());
    let mut over = None;
    while reading || !flying.is_empty() || ready.as_ref().is_some_and(|ready| !ready.is_empty()) {
        let waiting = ready.as_ref().map_or(0, BytesMut::len);
        tokio::select! {
            biased;
            place = results.reserve(), if waiting > 0 => {
                if let (Ok(place), Some(ready)) = (place, &mut ready) {
                    place.send(ready.split().freeze());
                } else {
                    // A client that has gone gets no results; what it sent before is carried out all the same.
                    (ready, reading) = (None, false);
                }
            }
            // Also for a client that does not take its results: what is under way must come to an end.
            Some(done) = flying.next(), if !flying.is_empty() => {
                if let Some(ready) = &mut ready {
                    write(ready, &done);
                    while ready.len() < CHUNK && let Some(Some(done)) = flying.next().now_or_never() {
                        write(ready, &done);
                    }
                }
            }
            // What was not read has no result; a client that waits to send more must not hold up the shutdown.
            () = service.closing.cancelled(), if over.is_none() => {
                (reading, over) = (false, Some(Instant::now() + FAREWELL));
            }
            // Nor one that does not read.
            () = sleep_until(over.unwrap_or_else(Instant::now)), if over.is_some() && ready.is_some() => ready = None,
            line = lines.next(), if reading && waiting < CHUNK && flying.len() < service.settings.bulk_in_flight => match line {
                Some((number, line)) => {
                    let execution = line.and_then(|line| prepare(service, viewer, &line));
                    let flight = match execution {
                        Err(problem) => futures::future::ready((number, Err(problem))).left_future(),
                        Ok((scope, execution)) => {
                            let (before, mine) = turns.take(scope);
                            carry_out(execution, before, mine).map(move |answer| (number, answer)).right_future()
                        }
                    };
                    flying.push_back(flight);
                }
                None => reading = false,
            },
        }
    }
}

/// Reads a line; tells its scope too.
fn prepare<'s>(service: &'s Service, viewer: &Viewer, line: &Bytes) -> Result<(String, Execution<'s>), Problem> {
    let read: Line<'_> = serde_json::from_slice(line)
        .map_err(|error| Problem::malformed("line-invalid", format!("not a line of a bulk request: {error}")))?;
    let sent = Sent {
        path: &read.path,
        body: read
            .data
            .map_or_else(Bytes::new, |data| line.slice_ref(data.get().as_bytes())),
        viewer: viewer.clone(),
        key: read.key.as_deref(),
        actor: read.actor.as_deref(),
        at: read.at.as_deref(),
        condition: read
            .if_match
            .map_or(Condition::None, |version| Condition::Versions(vec![version])),
        traceparent: None,
    };
    let request = Request::read(sent, service.keys.body_secret(), &service.settings.body)?;
    let scope = request.target.scope.clone();
    Ok((scope, Execution::new(service, request)?.waiting_for_room()))
}

/// Carries a line out when its turn has come.
async fn carry_out(
    mut execution: Execution<'_>,
    mut before: Option<watch::Receiver<Turn>>,
    mine: watch::Sender<Turn>,
) -> Result<Answer, Problem> {
    if let Err(problem) = execution.warm().await {
        reached(&mut before, Turn::Decided).await;
        return execution.finish(Err(problem));
    }
    reached(&mut before, Turn::Decided).await;
    let mut decided = execution.decide().await;
    mine.send_replace(Turn::Decided);
    loop {
        if let Some(answer) = execution.settle(decided).await {
            mine.send_replace(Turn::Settled);
            return execution.finish(answer);
        }
        // It came to nothing, and so did all that was chained on it: what comes again comes in the same order.
        reached(&mut before, Turn::Settled).await;
        decided = execution.decide().await;
    }
}

/// Waits until the line before has come so far. One that ended early is as good as settled.
async fn reached(before: &mut Option<watch::Receiver<Turn>>, turn: Turn) {
    if let Some(before) = before {
        let _ = before.wait_for(|reached| *reached >= turn).await;
    }
}

/// The last line of each scope that may still be under way.
#[derive(Debug, Default)]
struct Turns {
    last: HashMap<String, watch::Receiver<Turn>>,
}

impl Turns {
    /// How many scopes are remembered before those that are done with are forgotten.
    const MANY: usize = 4096;

    fn take(&mut self, scope: String) -> (Option<watch::Receiver<Turn>>, watch::Sender<Turn>) {
        if self.last.len() >= Self::MANY {
            self.last
                .retain(|_, turn| turn.has_changed().is_ok() && *turn.borrow() < Turn::Settled);
        }
        let (mine, turn) = watch::channel(Turn::Waiting);
        (self.last.insert(scope, turn), mine)
    }
}

fn write(chunk: &mut BytesMut, (line, answer): &(u64, Result<Answer, Problem>)) {
    let result = match answer {
        Ok(answer) => Told {
            line: *line,
            status: answer.receipt.status().as_u16(),
            replayed: Some(answer.replayed),
            receipt: Some(&answer.receipt),
            problem: None,
        },
        Err(problem) => Told {
            line: *line,
            status: problem.status.as_u16(),
            replayed: None,
            receipt: None,
            problem: Some(problem),
        },
    };
    let text = serde_json::to_vec(&result).expect("a result is plain data with string keys");
    chunk.extend_from_slice(&text);
    chunk.extend_from_slice(b"\n");
}

/// The lines of a body, numbered from 1. Empty ones count and have no result.
struct Lines<S> {
    body: S,
    buffer: BytesMut,
    searched: usize,
    number: u64,
    limit: usize,
    /// In a line that is too long: all up to its end is passed over.
    skipping: bool,
    ended: bool,
}

impl<S, E> Lines<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    fn new(body: S, limit: usize) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
            searched: 0,
            number: 0,
            limit,
            skipping: false,
            ended: false,
        }
    }

    /// The next line that is not empty, or why it is none. Dropping the future loses nothing.
    async fn next(&mut self) -> Option<(u64, Result<Bytes, Problem>)> {
        loop {
            if let Some(line) = self.complete() {
                self.number += 1;
                if std::mem::take(&mut self.skipping) || line.len() > self.limit {
                    return Some((self.number, Err(self.too_long())));
                }
                if !line.iter().all(u8::is_ascii_whitespace) {
                    return Some((self.number, Ok(line)));
                }
                continue;
            }
            if self.ended {
                return None;
            }
            if self.buffer.len() > self.limit {
                self.skipping = true;
                self.buffer.clear();
                self.searched = 0;
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                // Cut short: the last line may be half of one, and is not carried out.
                Some(Err(_)) => {
                    self.buffer.clear();
                    self.skipping = false;
                    self.ended = true;
                }
                None => self.ended = true,
            }
        }
    }

    /// A line that the buffer holds whole; the last one may lack its end.
    fn complete(&mut self) -> Option<Bytes> {
        if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
            let mut line = self.buffer.split_to(self.searched + end + 1);
            line.truncate(line.len() - 1);
            self.searched = 0;
            return Some(line.freeze());
        }
        self.searched = self.buffer.len();
        if self.ended && (self.skipping || !self.buffer.is_empty()) {
            self.searched = 0;
            return Some(self.buffer.split().freeze());
        }
        None
    }

    fn too_long(&self) -> Problem {
        let detail = format!("a line of more than {} bytes", self.limit);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "line-too-long", detail).with("limit", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn lines_are_found_whatever_the_chunks_and_long_ones_are_passed_over() {
        let text = "one\n\ntwo\r\nmuch too long for this\nthree";
        for size in 1..=text.len() {
            let chunks: Vec<Result<Bytes, Infallible>> = text
                .as_bytes()
                .chunks(size)
                .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                .collect();
            let mut lines = Lines::new(stream::iter(chunks), 8);
            let mut found = Vec::new();
            while let Some((number, line)) = lines.next().await {
                found.push((
                    number,
                    line.map(|line| String::from_utf8_lossy(&line).trim().to_owned()).ok(),
                ));
            }
            let some = |text: &str| Some(text.to_owned());
            assert_eq!(
                found,
                [(1, some("one")), (3, some("two")), (4, None), (5, some("three"))],
                "in chunks of {size}"
            );
        }
    }
}
