//! What a test may do to a keeper of the log, and how the tests of every subject open, append and read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{clock::SystemClock, family::Family};
use event_log::{
    chain_reader::{ChainReader, Check, Tally},
    checkpoint::Checkpoint,
    commit::{Commit, Draft},
    limits::Limits,
    owner::{Outcome, Owner, Pending, WriterIdentity},
    port::{LogError, Port},
    reader::read_to,
    record::Record,
    shard::Topology,
};
use tokio::time::timeout;
use uuid::Uuid;

use crate::scribe::SHARD;

pub const PATIENCE: Duration = Duration::from_mins(1);

/// What somebody did to the log behind Stoa's back.
#[derive(Debug, Clone, Copy)]
pub enum Tampering {
    /// The value of this record is another.
    ChangeValue(u64),
    /// This record is gone.
    Remove(u64),
    /// This record and the next have changed places.
    Swap(u64),
}

/// A log of its own, and what a test may do to it.
pub trait Keeper: Sized + Send + Sync + 'static {
    /// An empty log with one shard a family, on the shared server.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// An empty log on a server of its own, which can be harmed.
    fn on_own_server() -> impl Future<Output = Self> + Send;

    /// The log as one more node opens it.
    fn port(&self) -> impl Future<Output = Arc<dyn Port>> + Send;

    /// Opens the log with this many partitions a family.
    fn open_with(&self, partitions: u16) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Puts records at the end of the shard as they are, whatever the chain says.
    fn put(&self, records: Vec<Record>) -> impl Future<Output = ()> + Send;

    /// The log after somebody tampered with it.
    fn tampered(&self, tampering: Tampering) -> impl Future<Output = Arc<dyn Port>> + Send;

    /// The log of which only so many records are left.
    fn truncated(&self, keep: u64) -> impl Future<Output = Arc<dyn Port>> + Send;

    /// Kills the server (SIGKILL).
    fn kill(&mut self) -> impl Future<Output = ()> + Send;

    /// Starts it again on what it had on disk.
    fn restart(&mut self) -> impl Future<Output = ()> + Send;

    /// Freezes the server (SIGSTOP): its sockets stay open, nothing answers.
    fn freeze(&mut self) -> impl Future<Output = ()> + Send;

    /// Lets it go on.
    fn thaw(&mut self) -> impl Future<Output = ()> + Send;
}

/// A commit, and where a reader stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub commit: Commit,
    pub checkpoint: Checkpoint,
}

pub fn topology(partitions: u16) -> Topology {
    Topology {
        partitions: BTreeMap::from([(Family::Order, partitions)]),
    }
}

pub fn start() -> Checkpoint {
    Checkpoint::start(SHARD)
}

pub fn identity(node: &str, assignment: u64) -> WriterIdentity {
    WriterIdentity {
        node: node.to_owned(),
        software: "conformance".to_owned(),
        log: Uuid::nil(),
        assignment,
    }
}

pub fn limits() -> Limits {
    Limits {
        report_within: Duration::from_secs(5),
        answer_within: Duration::from_secs(40),
        ..Limits::default()
    }
}

pub async fn open(port: Arc<dyn Port>, node: &str) -> Arc<Owner> {
    open_from(port, node, start(), limits()).await
}

pub async fn open_from(port: Arc<dyn Port>, node: &str, from: Checkpoint, limits: Limits) -> Arc<Owner> {
    Owner::open(port, from, identity(node, 1), Arc::new(SystemClock), limits)
        .await
        .unwrap()
}

/// Appends in the owner's current generation, waiting for it to open.
pub async fn append(owner: &Owner, parts: Vec<Draft>) -> Pending {
    let generation = timeout(PATIENCE, owner.opened()).await.unwrap().unwrap();
    owner.append(generation, parts).unwrap()
}

pub async fn outcome(pending: Pending) -> Outcome {
    timeout(PATIENCE, pending).await.unwrap()
}

/// The offset of a commit that must have been acknowledged.
pub async fn committed(pending: Pending) -> u64 {
    match outcome(pending).await {
        Outcome::Committed { last, .. } => last,
        other => panic!("{other:?}"),
    }
}

/// Reads the shard to its end.
pub async fn read_all(port: &dyn Port, from: Checkpoint, check: Check) -> Result<(Vec<Seen>, Tally), LogError> {
    let mut chain = ChainReader::new(from, check);
    let mut commits: Vec<Commit> = Vec::new();
    let end = port.end(SHARD).await?;
    read_to(port, &mut chain, end, |commit| commits.push(commit)).await?;
    let checkpoints = checkpoints(&commits);
    let reads = commits.into_iter().zip(checkpoints);
    let reads = reads.map(|(commit, checkpoint)| Seen { commit, checkpoint }).collect();
    Ok((reads, chain.tally()))
}

/// Where a reader stands right behind each commit.
fn checkpoints(commits: &[Commit]) -> Vec<Checkpoint> {
    let of = |commit: &Commit| {
        let last = commit.events.last().unwrap();
        Checkpoint {
            shard: SHARD,
            next: last.offset + 1,
            head: last.hash,
            head_offset: Some(last.offset),
            session: Some((last.envelope.session, last.envelope.seq)),
        }
    };
    commits.iter().map(of).collect()
}

/// The events' commands, without the writers' own records.
pub fn commands(reads: &[Seen]) -> Vec<Uuid> {
    let events = reads.iter().filter(|read| !read.commit.is_control());
    events.map(|read| read.commit.events[0].envelope.command).collect()
}

/// Ten commits behind a barrier, appended by an owner that then ended: offsets 0 to 10.
pub async fn ten_commits<K: Keeper>(keeper: &K) -> Vec<Seen> {
    let port = keeper.port().await;
    let owner = open(port.clone(), "first").await;
    for number in 0..10 {
        let pending = append(&owner, vec![crate::scribe::draft("ord_1", &number.to_string())]).await;
        committed(pending).await;
    }
    owner.close().await;
    let (reads, _) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    assert_eq!(reads.len(), 11);
    reads
}
