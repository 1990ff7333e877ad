//! The runner: reads the log, applies, commits, tells. Projections that stand at about the same place of the log are run
//! together: a batch is read once for them, and committed in one transaction. One that is far behind, as a new one is, or
//! that fails by itself, goes on alone, so that the others never wait for it; it comes back to them at the next start.
//!
//! A batch is what has arrived, up to a bound. An event that can not be applied is parked (`work.rs`). Whatever else
//! fails, the runner drops what it holds and starts again from the stored checkpoints.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use event_log::{
    checkpoint::Checkpoint,
    feed::{Feed, Rest},
    port::LogError,
    reader::Read,
    shard::{Shard, Topology},
};
use futures::future::{BoxFuture, join_all};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    checkpoint::{self, CheckpointError},
    projection::{Projection, ProjectionError},
    work::{self, Step, Work},
};

/// Where runners announce how far they have come: `projection family partition next_offset`.
pub const PROGRESS_CHANNEL: &str = "stoa_projection";

/// Commits in one batch, at the most.
const MOST_COMMITS: usize = 2_000;
/// A batch of so many commits is applied by all projections at once, each in a transaction of its own: sharing one spares
/// what a transaction costs, which is much beside a small batch only.
const MANY_COMMITS: usize = 500;
/// A projection that is so many records behind another of its runner goes on alone.
const FAR_BEHIND: u64 = 5_000;
/// Between two batches: how much later than the log a read model may be on purpose.
const REST: Rest = Rest {
    times: 1,
    least: Duration::from_millis(4),
    most: Duration::from_millis(100),
};
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

/// Keeps projections up to date.
#[derive(Clone)]
pub struct Runner {
    /// The database of the read models.
    pub pool: PgPool,
    /// The log, as it is read for all projections together.
    pub feed: Feed,
    /// The log's shards.
    pub topology: Topology,
    /// What is kept up to date.
    pub projections: Vec<Arc<dyn Projection>>,
}

/// A projection, and where it stands.
struct Member {
    projection: Arc<dyn Projection>,
    at: BTreeMap<Shard, Checkpoint>,
}

impl Runner {
    /// Runs until told to stop. A failure is logged and counted, and tried again.
    pub fn run(mut self, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut alone = JoinSet::new();
            while !self.projections.is_empty() {
                let Some(leaving) = stop.run_until_cancelled(self.follow_through_failures()).await else {
                    break;
                };
                let (leaving, staying) = self
                    .projections
                    .into_iter()
                    .partition::<Vec<_>, _>(|projection| leaving.contains(&projection.name()));
                for projection in leaving {
                    tracing::info!(projection = projection.name(), "the projection goes on alone");
                    let projections = vec![projection];
                    let (pool, feed, topology) = (self.pool.clone(), self.feed.clone(), self.topology.clone());
                    let runner = Self {
                        pool,
                        feed,
                        topology,
                        projections,
                    };
                    alone.spawn(runner.run(stop.clone()));
                }
                self.projections = staying;
            }
            alone.join_all().await;
        })
    }

    /// Goes on until projections have to leave: which.
    async fn follow_through_failures(&self) -> Vec<&'static str> {
        let mut pause = FIRST_PAUSE;
        loop {
            let mut advanced = false;
            let error = match self.follow(&mut advanced).await {
                Ok(leaving) => return leaving,
                Err(error) => error,
            };
            if advanced {
                pause = FIRST_PAUSE;
            }
            for projection in &self.projections {
                let name = projection.name();
                metrics::counter!("stoa_projection_failures_total", "projection" => name).increment(1);
            }
            let names: Vec<_> = self.projections.iter().map(|projection| projection.name()).collect();
            tracing::error!(projections = names.join(" "), %error, "stopped, trying again in {pause:?}");
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    async fn follow(&self, advanced: &mut bool) -> Result<Vec<&'static str>, RunError> {
        let mut members = Vec::with_capacity(self.projections.len());
        for projection in &self.projections {
            let stored = checkpoint::load(&self.pool, &**projection, &self.topology).await?;
            members.push(Member {
                projection: projection.clone(),
                at: stored.into_iter().map(|found| (found.shard, found)).collect(),
            });
        }
        let behind = far_behind(&members);
        if !behind.is_empty() {
            return Ok(behind);
        }
        let mut follower = self.feed.follow(lowest(&members), REST);
        loop {
            let read = match follower.next_batch(MOST_COMMITS).await {
                Ok(read) => read,
                Err(error) => return self.readers_of_what_is_broken(error),
            };
            let failed = self.commit(&mut members, &read).await?;
            *advanced = true;
            if !failed.is_empty() {
                return Ok(failed);
            }
        }
    }

    /// A shard whose chain is broken stops those that read it, and not the others.
    fn readers_of_what_is_broken(&self, error: LogError) -> Result<Vec<&'static str>, RunError> {
        match &error {
            LogError::Broken { shard, .. } if self.projections.len() > 1 => {
                tracing::error!(%error, "those that read the shard can not go on with the others");
                let reads = |projection: &&Arc<dyn Projection>| projection.families().contains(&shard.family);
                Ok(self
                    .projections
                    .iter()
                    .filter(reads)
                    .map(|found| found.name())
                    .collect())
            }
            _ => Err(error.into()),
        }
    }

    /// Applies a batch and tells of it: which projections failed by themselves.
    async fn commit(&self, members: &mut [Member], read: &[Read]) -> Result<Vec<&'static str>, RunError> {
        let work = members
            .iter()
            .map(|Member { projection, at }| Work::new(projection.clone(), at, read))
            .filter(|work| !work.steps.is_empty());
        let work: Vec<Work> = work.collect();
        let mut failed = Vec::new();
        if work.len() < 2 || read.len() >= MANY_COMMITS {
            failed = self.commit_apart(&work).await?;
        } else if let Err(error) = work::commit_together(&self.pool, &work).await {
            match error {
                RunError::Projection(_) => failed = self.commit_apart(&work).await?,
                other => return Err(other),
            }
        }
        let mut told = Vec::new();
        for Work { projection, steps } in work.iter().filter(|work| !failed.contains(&work.projection.name())) {
            let name = projection.name();
            let events: usize = steps.iter().map(|step| step.batch.len()).sum();
            metrics::counter!("stoa_projection_events_total", "projection" => name).increment(events as u64);
            let member = members.iter_mut().find(|member| member.projection.name() == name);
            for Step { to, .. } in steps {
                told.push(format!("{name} {} {} {}", to.shard.family, to.shard.partition, to.next));
            }
            if let Some(member) = member {
                member
                    .at
                    .extend(steps.iter().map(|step| (step.to.shard, step.to.clone())));
            }
        }
        self.tell(told).await?;
        Ok(failed)
    }

    /// Applies each projection's in transactions of its own, all at once: which failed where others may not.
    async fn commit_apart(&self, work: &[Work]) -> Result<Vec<&'static str>, RunError> {
        let committed = join_all(work.iter().map(|work| work::commit_apart(&self.pool, work))).await;
        let mut failed = Vec::new();
        for (work, committed) in work.iter().zip(committed) {
            match committed {
                Err(RunError::Projection(error)) if self.projections.len() > 1 && error.is_of_the_projection() => {
                    let name = work.projection.name();
                    metrics::counter!("stoa_projection_failures_total", "projection" => name).increment(1);
                    tracing::error!(projection = name, %error, "the projection can not go on with the others");
                    failed.push(name);
                }
                committed => committed?,
            }
        }
        Ok(failed)
    }

    /// Wakes those who wait for projections. They are told after the commit and not within it: a transaction that
    /// notifies takes a lock of the whole server's at its commit.
    async fn tell(&self, reached: Vec<String>) -> Result<(), sqlx::Error> {
        sqlx::query("select pg_notify($1, message) from unnest($2::text[]) as message")
            .bind(PROGRESS_CHANNEL)
            .bind(reached)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// The projections that are so far behind others that those would wait for them.
fn far_behind(members: &[Member]) -> Vec<&'static str> {
    let mut front: BTreeMap<Shard, u64> = BTreeMap::new();
    for at in members.iter().flat_map(|member| member.at.values()) {
        let furthest = front.entry(at.shard).or_default();
        *furthest = at.next.max(*furthest);
    }
    let is_far = |at: &Checkpoint| front.get(&at.shard).is_some_and(|front| front - at.next > FAR_BEHIND);
    let far = members.iter().filter(|member| member.at.values().any(is_far));
    far.map(|member| member.projection.name()).collect()
}

/// From where all of them can be served, shard by shard.
fn lowest(members: &[Member]) -> Vec<Checkpoint> {
    let mut lowest: BTreeMap<Shard, Checkpoint> = BTreeMap::new();
    for at in members.iter().flat_map(|member| member.at.values()) {
        let found = lowest.entry(at.shard).or_insert_with(|| at.clone());
        if at.next < found.next {
            *found = at.clone();
        }
    }
    lowest.into_values().collect()
}
