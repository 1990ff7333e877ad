//! The runner: reads the log, applies, commits, tells. One task for each projection, over the shards of its families.
//!
//! A batch is what has arrived, up to a bound: one transaction a batch, whose first statements advance the checkpoints by
//! compare-and-set. Whatever fails, the task drops what it holds and starts again from the stored checkpoints.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use event_log::{
    checkpoint::Checkpoint,
    feed::Feed,
    port::LogError,
    reader::Read,
    shard::{Shard, Topology},
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    batch::Batch,
    checkpoint::{self, CheckpointError},
    projection::{Projection, ProjectionError},
};

/// Where runners announce how far they have come: `projection family partition next_offset`.
pub const PROGRESS_CHANNEL: &str = "stoa_projection";

/// Commits in one batch, at the most.
const MOST_COMMITS: usize = 2_000;
/// How often a batch is begun, at most, when little comes: how much later than the log a read model may be on purpose.
const PACE: Duration = Duration::from_millis(20);
/// The first pause after a failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Why a projection does not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The log can not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The checkpoint could not be read or advanced.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A batch could not be applied.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Keeps one projection up to date.
pub struct Runner {
    /// The database of the read models.
    pub pool: PgPool,
    /// The log, as it is read for all projections together.
    pub feed: Feed,
    /// The log's shards.
    pub topology: Topology,
    /// What is kept up to date.
    pub projection: Arc<dyn Projection>,
}

impl Runner {
    /// Runs until told to stop. A failure is logged and counted, and the projection tries again; the others go on.
    pub async fn run(self, stop: CancellationToken) {
        let name = self.projection.name();
        let mut pause = FIRST_PAUSE;
        loop {
            let mut advanced = false;
            let followed = stop.run_until_cancelled(self.follow(&mut advanced)).await;
            let Some(Err(error)) = followed else { return };
            if advanced {
                pause = FIRST_PAUSE;
            }
            metrics::counter!("stoa_projection_failures_total", "projection" => name).increment(1);
            tracing::error!(projection = name, %error, "the projection stopped, trying again in {pause:?}");
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    async fn follow(&self, advanced: &mut bool) -> Result<std::convert::Infallible, RunError> {
        let stored = checkpoint::load(&self.pool, &*self.projection, &self.topology).await?;
        let mut follower = self.feed.follow(stored.clone(), PACE);
        let mut at: BTreeMap<Shard, Checkpoint> = stored.into_iter().map(|found| (found.shard, found)).collect();
        loop {
            let read = follower.next_batch(MOST_COMMITS).await?;
            self.commit(&mut at, read).await?;
            *advanced = true;
        }
    }

    /// Applies a batch and advances the checkpoints, in one transaction.
    async fn commit(&self, at: &mut BTreeMap<Shard, Checkpoint>, read: Vec<Read>) -> Result<(), RunError> {
        let mut by_shard: BTreeMap<Shard, (Checkpoint, Vec<_>)> = BTreeMap::new();
        for Read { commit, checkpoint, .. } in read {
            let (last, commits) = by_shard
                .entry(commit.shard)
                .or_insert_with(|| (checkpoint.clone(), Vec::new()));
            *last = checkpoint;
            commits.push(commit);
        }
        let mut transaction = self.pool.begin().await?;
        for (shard, (next, _)) in &by_shard {
            if let Some(current) = at.get(shard) {
                checkpoint::advance(&mut transaction, &*self.projection, current, next).await?;
            }
        }
        let mut events = 0;
        let mut reached = Vec::with_capacity(by_shard.len());
        for (shard, (next, commits)) in by_shard {
            let batch = Batch::new(shard, commits);
            if !batch.is_empty() {
                self.projection.apply(&batch, &mut transaction).await?;
            }
            events += batch.len();
            reached.push(next);
        }
        transaction.commit().await?;
        metrics::counter!("stoa_projection_events_total", "projection" => self.projection.name())
            .increment(events as u64);
        self.tell(&reached).await?;
        at.extend(reached.into_iter().map(|next| (next.shard, next)));
        Ok(())
    }

    /// Wakes those who wait for the projection. It is told after the commit and not within it: a transaction that
    /// notifies takes a lock of the whole server's at its commit.
    async fn tell(&self, reached: &[Checkpoint]) -> Result<(), sqlx::Error> {
        let name = self.projection.name();
        let told: Vec<String> = reached
            .iter()
            .map(|Checkpoint { shard, next, .. }| format!("{name} {} {} {next}", shard.family, shard.partition))
            .collect();
        sqlx::query("select pg_notify($1, message) from unnest($2::text[]) as message")
            .bind(PROGRESS_CHANNEL)
            .bind(told)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
