//! The test's own broker. While it holds, what is sent waits until the test lets it land, loses it, and reports what it
//! likes; else everything lands and is reported at once.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use event_log::{
    checkpoint::Checkpoint,
    port::{Appender, LogError, Port, RawStream, Report},
    record::{Record, Stored},
    shard::Shard,
};
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::sleep,
};

use crate::scribe::SHARD;

#[derive(Clone, Default)]
pub struct Broker {
    state: Arc<Mutex<State>>,
    sent: Arc<Notify>,
}

#[derive(Default)]
struct State {
    log: Vec<Record>,
    holds: bool,
    held: VecDeque<Held>,
    /// Lands behind the next that lands by itself.
    late: Vec<Record>,
    /// What one reader gets before the broker is away, and how long each record takes.
    slow: Option<(usize, Duration)>,
}

/// A commit on its way, and whom to tell.
pub struct Held {
    records: Vec<Record>,
    report: oneshot::Sender<Report>,
    broker: Broker,
}

impl Held {
    pub fn report(self, report: Report) {
        // An owner that has given the session up does not listen.
        let _ = self.report.send(report);
    }

    /// Reported as failed; it lands behind what is sent next.
    pub fn fail_and_land_behind_next(self, error: LogError) {
        self.broker.state.lock().late.extend(self.records);
        let _ = self.report.send(Err(error));
    }
}

impl Broker {
    pub fn hold(&self) {
        self.state.lock().holds = true;
    }

    /// Is read slowly from now on, and each reader gets no more than so many records.
    pub fn read_slowly(&self, records: usize, each: Duration) {
        self.state.lock().slow = Some((records, each));
    }

    /// Everything that waits lands and is reported, and so does what comes.
    pub fn release(&self) {
        let mut state = self.state.lock();
        state.holds = false;
        while let Some(held) = state.held.pop_front() {
            let offset = state.land(held.records);
            let _ = held.report.send(Ok(offset));
        }
    }

    /// Puts a record into the log; its offset.
    pub fn put(&self, record: Record) -> u64 {
        self.state.lock().land(vec![record])
    }

    /// The first commit that waits lands.
    pub fn land(&self) -> Held {
        let mut state = self.state.lock();
        let held = state.held.pop_front().expect("a commit was sent");
        state.land(held.records.clone());
        held
    }

    /// The first commit that waits lands, but for a record that comes behind its first part.
    pub fn land_around(&self, between: Record) -> Held {
        let mut state = self.state.lock();
        let held = state.held.pop_front().expect("a commit was sent");
        let mut records = held.records.clone();
        records.insert(1, between);
        state.land(records);
        held
    }

    /// How many records the log holds.
    pub fn len(&self) -> usize {
        self.state.lock().log.len()
    }

    /// The first commit that waits is lost.
    pub fn lose(&self) -> Held {
        self.state.lock().held.pop_front().expect("a commit was sent")
    }

    /// The next commit that is sent.
    pub async fn next_sent(&self) -> Held {
        loop {
            if let Some(held) = self.state.lock().held.pop_front() {
                return held;
            }
            self.sent.notified().await;
        }
    }
}

impl State {
    fn land(&mut self, records: Vec<Record>) -> u64 {
        let first = self.log.len() as u64;
        self.log.extend(records);
        let late = std::mem::take(&mut self.late);
        self.log.extend(late);
        first
    }
}

struct Session(Broker);

impl Appender for Session {
    fn append(&mut self, records: Vec<Record>) -> oneshot::Receiver<Report> {
        let (report, receiver) = oneshot::channel();
        let mut state = self.0.state.lock();
        if state.holds {
            let broker = self.0.clone();
            state.held.push_back(Held {
                records,
                report,
                broker,
            });
            self.0.sent.notify_one();
        } else {
            let first = state.land(records);
            report.send(Ok(first)).expect("the receiver is here");
        }
        receiver
    }
}

#[async_trait]
impl Port for Broker {
    async fn appender(&self, _: Shard) -> Result<Box<dyn Appender>, LogError> {
        Ok(Box::new(Session(self.clone())))
    }

    async fn read(&self, from: Vec<(Shard, u64)>) -> Result<RawStream, LogError> {
        let records: Vec<_> = (0..).zip(self.state.lock().log.clone()).collect();
        let from = from.first().map_or(0, |(_, offset)| *offset);
        let read = records.into_iter().filter(move |(offset, _)| *offset >= from);
        let read = read.map(|(offset, record)| Ok((SHARD, Stored { offset, record })));
        let Some((records, each)) = self.state.lock().slow else {
            return Ok(stream::iter(read).chain(stream::pending()).boxed());
        };
        let read = stream::iter(read).take(records).then(move |record| async move {
            sleep(each).await;
            record
        });
        let away = stream::iter([Err(LogError::Unavailable("the broker is away".to_owned()))]);
        Ok(read.chain(away).boxed())
    }

    async fn end(&self, _: Shard) -> Result<u64, LogError> {
        Ok(self.state.lock().log.len() as u64)
    }

    async fn confirm(&self, _: &Checkpoint) -> Result<Option<bool>, LogError> {
        Ok(None)
    }
}
