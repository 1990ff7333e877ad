//! What a batch is for a projection, and how it is committed: rows and checkpoints in one transaction.
//!
//! When nothing is wrong, one transaction does for all projections that take part. When an event can not be applied, each
//! projection gets one of its own, and the one at fault one a shard, of which the event and what waits behind it are
//! left out.

use std::{collections::BTreeMap, slice, sync::Arc};

use event_log::{checkpoint::Checkpoint, reader::Read, shard::Shard};
use sqlx::PgPool;

use crate::{
    apply::{self, Refused},
    batch::Batch,
    checkpoint::{self, Advance},
    parked,
    projection::Projection,
    runner::RunError,
};

/// What is applied of one projection.
pub(crate) struct Work {
    pub projection: Arc<dyn Projection>,
    pub steps: Vec<Step>,
}

/// What is applied in one shard.
pub(crate) struct Step {
    pub from: Checkpoint,
    pub to: Checkpoint,
    pub batch: Batch,
}

impl Work {
    /// What of this is new to a projection that stands at these checkpoints, shard by shard.
    pub fn new(projection: Arc<dyn Projection>, at: &BTreeMap<Shard, Checkpoint>, read: &[Read]) -> Self {
        let mut by_shard: BTreeMap<Shard, (&Checkpoint, Vec<_>)> = BTreeMap::new();
        for Read { commit, checkpoint, .. } in read {
            if at.get(&commit.shard).is_none_or(|at| commit.offset() < at.next) {
                continue;
            }
            let (last, commits) = by_shard.entry(commit.shard).or_insert((checkpoint, Vec::new()));
            *last = checkpoint;
            commits.push(Arc::clone(commit));
        }
        let step = |(shard, (to, commits)): (Shard, (&Checkpoint, Vec<_>))| {
            Some(Step {
                from: at.get(&shard)?.clone(),
                to: to.clone(),
                batch: commits.into_iter().collect(),
            })
        };
        let steps = by_shard.into_iter().filter_map(step).collect();
        Self { projection, steps }
    }

    fn advances(&self) -> impl Iterator<Item = Advance<'_>> {
        self.steps.iter().map(|Step { from, to, .. }| Advance {
            projection: &*self.projection,
            from,
            to,
        })
    }
}

/// Applies all in one transaction, whose first statement advances the checkpoints.
pub(crate) async fn commit_together(pool: &PgPool, work: &[Work]) -> Result<(), RunError> {
    let mut transaction = pool.begin().await?;
    let steps: Vec<Advance<'_>> = work.iter().flat_map(Work::advances).collect();
    let some_parked = checkpoint::advance(&mut transaction, &steps).await?;
    let mut behind = Vec::new();
    for Work { projection, steps } in work {
        let mut batch = Batch::of_all(steps.iter().map(|step| &step.batch));
        if some_parked.contains(projection.name()) {
            let (free, waits) = parked::divide(&mut transaction, &**projection, batch).await?;
            parked::park(&mut transaction, &**projection, &waits).await?;
            batch = free;
            behind.push((projection.name(), waits));
        }
        apply::apply(&**projection, &batch, &mut transaction).await?;
    }
    transaction.commit().await?;
    for (projection, waits) in &behind {
        warn_of(projection, waits);
    }
    Ok(())
}

/// Applies one projection's, and parks what can not be applied.
pub(crate) async fn commit_apart(pool: &PgPool, work: &Work) -> Result<(), RunError> {
    match commit_together(pool, slice::from_ref(work)).await {
        Err(RunError::Projection(error)) if error.is_of_the_events() => {
            for step in work.advances().zip(&work.steps) {
                commit_what_can_be(pool, step).await?;
            }
            Ok(())
        }
        committed => committed,
    }
}

async fn commit_what_can_be(pool: &PgPool, (advance, step): (Advance<'_>, &Step)) -> Result<(), RunError> {
    let projection = advance.projection;
    let mut transaction = pool.begin().await?;
    checkpoint::advance(&mut transaction, slice::from_ref(&advance)).await?;
    let (batch, mut refused) = parked::divide(&mut transaction, projection, step.batch.clone()).await?;
    refused.extend(apply::apply_what_can_be(projection, &batch, &mut transaction).await?);
    parked::park(&mut transaction, projection, &refused).await?;
    transaction.commit().await?;
    warn_of(projection.name(), &refused);
    Ok(())
}

fn warn_of(projection: &'static str, refused: &[Refused]) {
    for Refused { event, reason } in refused {
        tracing::warn!(
            projection,
            shard = %event.shard,
            offset = event.offset,
            stream = event.envelope.stream,
            event_type = &*event.envelope.event_type,
            reason,
            "an event is parked",
        );
    }
}
