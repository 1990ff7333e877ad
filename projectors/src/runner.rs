//! The runner: reads the log, applies, commits, tells. One task for each projection, over the shards of its families.
//!
//! A batch is what has arrived, up to a bound: one transaction a batch, in which a shard's checkpoint is advanced by
//! compare-and-set before anything of the shard is applied. An event that can not be applied is parked. Whatever else
//! fails, the task drops what it holds and starts again from the stored checkpoints.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use event_log::{
    checkpoint::Checkpoint,
    feed::Feed,
    port::LogError,
    reader::Read,
    shard::{Shard, Topology},
};
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::{
    apply::{self, Refused},
    batch::Batch,
    checkpoint::{self, CheckpointError},
    parked,
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

    /// Applies what was read and advances the checkpoints: in one transaction for all shards, or, when an event of it can
    /// not be applied, in one a shard, of which that event and what waits behind it are left out.
    async fn commit(&self, at: &mut BTreeMap<Shard, Checkpoint>, read: Vec<Read>) -> Result<(), RunError> {
        let steps = steps(at, read);
        match self.commit_together(&steps).await {
            Err(RunError::Projection(error)) if error.is_of_the_events() => {
                for step in &steps {
                    self.commit_alone(step).await?;
                }
            }
            committed => committed?,
        }
        let events: usize = steps.iter().map(|step| step.batch.len()).sum();
        metrics::counter!("stoa_projection_events_total", "projection" => self.projection.name())
            .increment(events as u64);
        let reached: Vec<Checkpoint> = steps.into_iter().map(|step| step.to).collect();
        self.tell(&reached).await?;
        at.extend(reached.into_iter().map(|next| (next.shard, next)));
        Ok(())
    }

    async fn commit_together(&self, steps: &[Step]) -> Result<(), RunError> {
        let mut transaction = self.pool.begin().await?;
        let mut behind = Vec::new();
        for step in steps {
            let (batch, waits) = self.advance(&mut transaction, step).await?;
            apply::apply(&*self.projection, &batch, &mut transaction).await?;
            parked::park(&mut transaction, &*self.projection, step.to.shard, &waits).await?;
            behind.extend(waits);
        }
        transaction.commit().await?;
        self.warn_of(&behind);
        Ok(())
    }

    async fn commit_alone(&self, step: &Step) -> Result<(), RunError> {
        let mut transaction = self.pool.begin().await?;
        let (batch, mut refused) = self.advance(&mut transaction, step).await?;
        refused.extend(apply::apply_what_can_be(&*self.projection, &batch, &mut transaction).await?);
        parked::park(&mut transaction, &*self.projection, step.to.shard, &refused).await?;
        transaction.commit().await?;
        self.warn_of(&refused);
        Ok(())
    }

    /// Advances the checkpoint: what of the batch is to be applied, and what waits behind events that are parked already.
    async fn advance(
        &self,
        transaction: &mut PgConnection,
        step: &Step,
    ) -> Result<(Batch, Vec<Refused>), CheckpointError> {
        let some_parked = checkpoint::advance(transaction, &*self.projection, &step.from, &step.to).await?;
        let batch = step.batch.clone();
        if !some_parked {
            return Ok((batch, Vec::new()));
        }
        Ok(parked::divide(transaction, &*self.projection, batch).await?)
    }

    fn warn_of(&self, refused: &[Refused]) {
        for Refused { event, reason } in refused {
            tracing::warn!(
                projection = self.projection.name(),
                shard = %event.shard,
                offset = event.offset,
                stream = event.envelope.stream,
                event_type = &*event.envelope.event_type,
                reason,
                "an event is parked",
            );
        }
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

/// What is applied in one shard.
struct Step {
    from: Checkpoint,
    to: Checkpoint,
    batch: Batch,
}

/// What was read, shard by shard.
fn steps(at: &BTreeMap<Shard, Checkpoint>, read: Vec<Read>) -> Vec<Step> {
    let mut by_shard: BTreeMap<Shard, (Checkpoint, Vec<_>)> = BTreeMap::new();
    for Read { commit, checkpoint, .. } in read {
        let (last, commits) = by_shard
            .entry(commit.shard)
            .or_insert_with(|| (checkpoint.clone(), Vec::new()));
        *last = checkpoint;
        commits.push(commit);
    }
    let step = |(shard, (to, commits)): (Shard, (Checkpoint, Vec<_>))| {
        let from = at.get(&shard)?.clone();
        let batch = Batch::new(shard, commits);
        Some(Step { from, to, batch })
    };
    by_shard.into_iter().filter_map(step).collect()
}
