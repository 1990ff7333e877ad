//! How far the projections have come, shard by shard: for queries that must see what was written, and for subscriptions,
//! whose items wait until a query would see them.
//!
//! Runners announce each batch on a channel of Postgres; the stored checkpoints are the truth. While anybody waits, one
//! task looks at them from time to time, for all: an announcement may be lost.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::family::Family;
use event_log::{position::Position, shard::Shard};
use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    error::{QueryError, Result},
    projection::Projection,
};

/// Where runners announce how far they have come: `projection family partition next_offset`.
const CHANNEL: &str = "stoa_projection";
/// How long announcements are relied on before the checkpoints are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the listener stays away after it lost its connection.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// By shard, by projection: the offset that it reads next.
type Reached = BTreeMap<Shard, BTreeMap<String, u64>>;

/// How far the projections have come. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress {
    pool: PgPool,
    reached: Arc<watch::Sender<Reached>>,
    /// How many wait.
    waiting: Arc<watch::Sender<usize>>,
}

impl Progress {
    /// Reads the checkpoints, and keeps up with them from then on.
    pub async fn start(
        pool: PgPool,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> std::result::Result<Self, sqlx::Error> {
        let progress = Self {
            pool,
            reached: Arc::new(watch::Sender::new(Reached::new())),
            waiting: Arc::new(watch::Sender::new(0)),
        };
        progress.look().await?;
        let (listening, looking) = (progress.clone(), progress.clone());
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(async move { listening.listen().await }),
        );
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(async move { looking.look_while_somebody_waits().await }),
        );
        Ok(progress)
    }

    /// Waits until these projections have passed this record; those of other families never read it.
    pub async fn passed(&self, shard: Shard, offset: u64, projections: &[Projection]) -> Result<()> {
        if self.next(shard, projections) > offset {
            return Ok(());
        }
        let _waits = Waits::begin(&self.waiting);
        let mut reached = self.reached.subscribe();
        let passed = reached
            .wait_for(|reached| next(reached, shard, projections) > offset)
            .await;
        passed.map(|_| ()).map_err(|_| QueryError::Stopping)
    }

    /// Waits until these projections have passed this position, which was first asked for at `began`.
    pub async fn wait_for(
        &self,
        position: &Position,
        projections: &[Projection],
        began: Instant,
        until: Instant,
    ) -> Result<()> {
        for (shard, offset) in &position.offsets {
            match timeout_at(until, self.passed(*shard, *offset, projections)).await {
                Ok(passed) => passed?,
                Err(_) => return Err(QueryError::not_yet(*shard, began)),
            }
        }
        Ok(())
    }

    fn next(&self, shard: Shard, projections: &[Projection]) -> u64 {
        next(&self.reached.borrow(), shard, projections)
    }

    async fn look_while_somebody_waits(&self) {
        let mut waiting = self.waiting.subscribe();
        while waiting.wait_for(|waiting| *waiting > 0).await.is_ok() {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the checkpoints of projections can not be read, trying again");
            }
        }
    }

    /// Reads the stored checkpoints.
    async fn look(&self) -> std::result::Result<(), sqlx::Error> {
        let rows: Vec<(String, String, i16, i64)> =
            sqlx::query_as("select projection, family, partition, next_offset from projection_checkpoint")
                .fetch_all(&self.pool)
                .await?;
        self.reached.send_if_modified(|reached| {
            let advance = |changed, (projection, family, partition, next): (String, String, i16, i64)| {
                advance(
                    reached,
                    projection,
                    &family,
                    partition.cast_unsigned(),
                    next.cast_unsigned(),
                ) || changed
            };
            rows.into_iter().fold(false, advance)
        });
        Ok(())
    }

    async fn listen(&self) {
        loop {
            if let Err(error) = self.follow().await {
                tracing::warn!(%error, "lost the announcements of projections, trying again");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    async fn follow(&self) -> std::result::Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        self.look().await?;
        // None: the connection was lost and made again, and announcements may have been missed.
        while let Some(announced) = listener.try_recv().await? {
            let mut words = announced.payload().split(' ');
            let told = (|| {
                let projection = words.next()?.to_owned();
                Some((
                    projection,
                    words.next()?,
                    words.next()?.parse().ok()?,
                    words.next()?.parse().ok()?,
                ))
            })();
            if let Some((projection, family, partition, next)) = told {
                self.reached
                    .send_if_modified(|reached| advance(reached, projection, family, partition, next));
            }
        }
        Ok(())
    }
}

/// Somebody waits, until this is dropped.
struct Waits<'w>(&'w watch::Sender<usize>);

impl<'w> Waits<'w> {
    fn begin(waiting: &'w watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

/// The offset below which everything of the shard is in the tables of those of these projections that read it.
fn next(reached: &Reached, shard: Shard, projections: &[Projection]) -> u64 {
    let reading = projections
        .iter()
        .filter(|projection| projection.family() == shard.family);
    let next = |projection: &Projection| {
        reached
            .get(&shard)
            .and_then(|found| found.get(projection.name()))
            .copied()
            .unwrap_or(0)
    };
    reading.map(next).min().unwrap_or(u64::MAX)
}

/// Notes it, and says whether it is news.
fn advance(reached: &mut Reached, projection: String, family: &str, partition: u16, next: u64) -> bool {
    let Ok(family) = family.parse::<Family>() else {
        return false;
    };
    let known = reached
        .entry(Shard { family, partition })
        .or_default()
        .entry(projection)
        .or_insert(0);
    let news = next > *known;
    *known = next.max(*known);
    news
}
