//! Commits of several shards, in each shard's order, from checkpoints on. The reader follows the log's end, and when the
//! log does not answer it comes back by itself and reads the heads again. It ends only with what no retry mends.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout};

use crate::{
    chain_reader::{ChainReader, Check, Step, Tally},
    checkpoint::Checkpoint,
    commit::Commit,
    pause::Backoff,
    port::{LogError, Port, RawStream},
    record::{Record, Stored},
    shard::Shard,
};

/// How long an answer may take, and in a bounded read the next record, which is known to be there.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How often, at most, a void record makes a following reader look at the head again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A batch ends with the commit that makes it this large, in bytes: whoever works on it needs several times its size.
pub const BATCH_BYTES: usize = 8 << 20;
/// What a commit weighs beside its records' contents.
const COMMIT_BYTES: usize = 2 << 10;

/// A commit, and where a reader stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The commit. A writer's own record is one too ([`Commit::is_control`]): it moves the checkpoint.
    pub commit: Arc<Commit>,
    /// Its records as they lie in the log; only when hashes are checked ([`Check::Hashes`]).
    pub records: Arc<[Record]>,
    /// The checkpoint to keep together with what was made of the commit.
    pub checkpoint: Checkpoint,
}

impl Read {
    /// What it takes of the memory, about, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let contents: usize = self.commit.events.iter().map(|event| event.value.len()).sum();
        COMMIT_BYTES + contents
    }
}

/// Follows several shards.
pub struct Reader {
    port: Arc<dyn Port>,
    chains: BTreeMap<Shard, ChainReader>,
    raw: Option<RawStream>,
    backoff: Backoff,
    looked: Option<Instant>,
    /// A shard whose head must be looked at again, because a void record came.
    suspect: Option<Shard>,
    /// What stopped it: it goes on reporting that.
    broken: Option<LogError>,
}

impl Reader {
    /// A reader that goes on from these checkpoints, one a shard.
    pub fn new(port: Arc<dyn Port>, checkpoints: Vec<Checkpoint>, check: Check) -> Self {
        let chains = checkpoints
            .into_iter()
            .map(|checkpoint| (checkpoint.shard, ChainReader::new(checkpoint, check)))
            .collect();
        Self {
            port,
            chains,
            raw: None,
            backoff: Backoff::default(),
            looked: None,
            suspect: None,
            broken: None,
        }
    }

    /// Where it stands in a shard.
    pub fn checkpoint(&self, shard: Shard) -> Option<&Checkpoint> {
        self.chains.get(&shard).map(ChainReader::checkpoint)
    }

    /// How many shards it reads.
    pub(crate) fn shards(&self) -> usize {
        self.chains.len()
    }

    /// Whether it reads this checkpoint's shard, and goes on from there.
    pub(crate) fn stands_at(&self, at: &Checkpoint) -> bool {
        self.checkpoint(at.shard)
            .is_some_and(|own| (own.head_offset, own.head) == (at.head_offset, at.head))
    }

    /// What it has seen of a shard.
    pub fn tally(&self, shard: Shard) -> Option<Tally> {
        self.chains.get(&shard).map(ChainReader::tally)
    }

    /// The next commit of any shard; waits for it, through outages of the log. Nothing is lost when the future is
    /// dropped.
    pub async fn next(&mut self) -> Result<Read, LogError> {
        loop {
            if let Some(broken) = &self.broken {
                return Err(broken.clone());
            }
            match self.advance().await {
                Ok(Some(read)) => return Ok(read),
                Ok(None) => {}
                Err(LogError::Unavailable(reason)) => {
                    tracing::warn!(reason, "the log does not answer, trying again");
                    self.disconnect();
                    self.backoff.wait().await;
                }
                Err(error) => {
                    self.disconnect();
                    self.broken = Some(error);
                }
            }
        }
    }

    /// The next commits: waits for one, then takes those that are there already, up to `most` or [`BATCH_BYTES`]. An
    /// error that comes behind a commit is told by the next call.
    pub async fn next_batch(&mut self, most: usize) -> Result<Vec<Read>, LogError> {
        let first = self.next().await?;
        let mut bytes = first.weight();
        let mut batch = vec![first];
        while batch.len() < most
            && bytes < BATCH_BYTES
            && let Some(Ok(read)) = self.next().now_or_never()
        {
            bytes += read.weight();
            batch.push(read);
        }
        Ok(batch)
    }

    /// Takes one record.
    async fn advance(&mut self) -> Result<Option<Read>, LogError> {
        if let Some(shard) = self.suspect {
            self.look_again(shard).await?;
            self.suspect = None;
        }
        if self.raw.is_none() {
            self.raw = Some(self.connect().await?);
        }
        let Some(raw) = &mut self.raw else {
            return Ok(None);
        };
        let (shard, stored) = raw
            .next()
            .await
            .unwrap_or_else(|| Err(LogError::Unavailable("the stream of records has ended".into())))?;
        let Some(chain) = self.chains.get_mut(&shard) else {
            return Ok(None);
        };
        let step = chain.accept(&stored)?;
        self.backoff.reset();
        let checkpoint = chain.checkpoint().clone();
        measure(shard, &step);
        if step.void > 0 && self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_AGAIN_AFTER) {
            self.looked = Some(Instant::now());
            self.suspect = Some(shard);
        }
        Ok(step.commit.map(|commit| Read {
            commit: Arc::new(commit),
            records: step.records.into(),
            checkpoint,
        }))
    }

    async fn connect(&mut self) -> Result<RawStream, LogError> {
        let mut from = Vec::with_capacity(self.chains.len());
        for (shard, chain) in &self.chains {
            reaches(chain.checkpoint(), in_time(self.port.end(*shard)).await?)?;
            from.push((*shard, chain.next()));
        }
        in_time(self.port.read(from)).await
    }

    /// Reads the head of a shard again. A log that was replaced under a reader that never lost its connection shows as
    /// void records only.
    async fn look_again(&mut self, shard: Shard) -> Result<(), LogError> {
        let Some(chain) = self.chains.get(&shard) else {
            return Ok(());
        };
        let mut again = chain.resumed();
        let end = again.checkpoint().head_offset.map_or(0, |offset| offset + 1);
        read_to(self.port.as_ref(), &mut again, end, |_| ()).await
    }

    fn disconnect(&mut self) {
        self.raw = None;
        for chain in self.chains.values_mut() {
            *chain = chain.resumed();
        }
    }
}

/// Reads a shard up to `end`, which the caller knows to be there: for takeovers and audits.
pub async fn read_to(
    port: &dyn Port,
    chain: &mut ChainReader,
    end: u64,
    mut each: impl FnMut(Commit),
) -> Result<(), LogError> {
    let shard = chain.checkpoint().shard;
    if chain.next() >= end {
        return Ok(());
    }
    let mut raw = in_time(port.read(vec![(shard, chain.next())])).await?;
    while chain.next() < end {
        let stored = next_raw(&mut raw).await?;
        let step = chain.accept(&stored)?;
        measure(shard, &step);
        if let Some(commit) = step.commit {
            each(commit);
        }
    }
    Ok(())
}

/// Whether a log that ends here still has all that the checkpoint has passed.
pub(crate) fn reaches(checkpoint: &Checkpoint, end: u64) -> Result<(), LogError> {
    if end >= checkpoint.next {
        return Ok(());
    }
    Err(LogError::Broken {
        shard: checkpoint.shard,
        offset: end,
        reason: format!(
            "the log ends here, and was read up to {}: it was truncated",
            checkpoint.next
        ),
    })
}

async fn next_raw(raw: &mut RawStream) -> Result<Stored, LogError> {
    let next = raw.next().map(|item| {
        item.unwrap_or_else(|| Err(LogError::Unavailable("the stream of records has ended".into())))
            .map(|(_, stored)| stored)
    });
    in_time(next).await
}

/// A frozen server keeps its sockets open and says nothing.
async fn in_time<T>(answer: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
    timeout(ANSWER_WITHIN, answer)
        .await
        .map_err(|_| LogError::Unavailable("no answer in time".into()))?
}

fn measure(shard: Shard, step: &Step) {
    if step.void > 0 {
        let origin = if step.foreign { "foreign" } else { "session" };
        metrics::counter!("stoa_log_void_records_total", "shard" => shard.to_string(), "origin" => origin)
            .increment(step.void);
    }
}
