//! The port: the little that an adapter does. The protocol (chain, sessions, reports, reopening) lies above it, once,
//! and is the same for Kafka and Postgres.

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::sync::oneshot;

use crate::{
    checkpoint::Checkpoint,
    record::{Record, Stored},
    shard::Shard,
};

/// What went wrong in the log's keeper (the broker, the database) or on the way to it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// It does not answer, or answers with an error that may pass.
    #[error("the log does not answer: {0}")]
    Unavailable(String),
    /// The log is not what it must be: wrong partition count, cleanup policy, retention. Nothing goes on before
    /// somebody has mended it.
    #[error("the log can not be used: {0}")]
    Unusable(String),
    /// A reader found what can not be: a changed byte, a missing record, a truncated log.
    #[error("{shard} at offset {offset}: {reason}")]
    Broken {
        /// The shard.
        shard: Shard,
        /// Where the reader stopped.
        offset: u64,
        /// What it found.
        reason: String,
    },
}

/// What became of an append: the offset of its first record, or that nobody knows. A bad report proves nothing: the
/// records may lie in the log all the same, now or later.
pub type Report = Result<u64, LogError>;

/// Raw records of several shards, each shard's in the order of its offsets. It follows the log's end and ends only with
/// an error.
pub type RawStream = BoxStream<'static, Result<(Shard, Stored), LogError>>;

/// A keeper of records.
#[async_trait]
pub trait Port: Send + Sync + 'static {
    /// A fresh session that appends to one shard. Kafka: a producer that has never failed, thrown away once it has.
    async fn appender(&self, shard: Shard) -> Result<Box<dyn Appender>, LogError>;

    /// Every record of these shards, valid or void, from these offsets on. An offset that the log does not have is an
    /// error, never a silent jump.
    async fn read(&self, from: Vec<(Shard, u64)>) -> Result<RawStream, LogError>;

    /// The offset that the next record of the shard will have: all below it is settled.
    async fn end(&self, shard: Shard) -> Result<u64, LogError>;

    /// Settles that the shard's head still is this one, without appending to the chain, where the keeper can tell by
    /// looking (Postgres: the head row). `None`: it can not (Kafka), and a `stoa.writer.checked` record must be appended.
    async fn confirm(&self, at: &Checkpoint) -> Result<Option<bool>, LogError>;
}

/// An open session that appends to one shard. Records go out in the order given.
pub trait Appender: Send {
    /// Appends the records of one commit, already chained. Never blocks and does no I/O: it is called under the shard's
    /// lock. What can not be taken is a bad report. Kafka reports each record's delivery; the commit's report is good
    /// when every one of its records has no error and they lie at consecutive offsets.
    fn append(&mut self, commit: Vec<Record>) -> oneshot::Receiver<Report>;
}
