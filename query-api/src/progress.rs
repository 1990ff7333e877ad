//! How far the projections have come, shard by shard: for queries that must see what was written, and for subscriptions,
//! whose items wait until a query would see them.
//!
//! Runners announce each batch on a channel of Postgres; the stored checkpoints are the truth, and are looked at when
//! somebody waits and no announcement comes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::family::Family;
use event_log::{position::Position, shard::Shard};
use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    error::{QueryError, Result},
    session::in_background,
};

/// Where runners announce how far they have come: `projection family partition next_offset`.
const CHANNEL: &str = "stoa_projection";
/// How long a waiter relies on announcements before it looks at the checkpoints itself.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the listener stays away after it lost its connection.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// The projections of each family that has any, by the names of their checkpoints.
pub const PROJECTIONS: [(Family, &[&str]); 3] = [
    (Family::Listing, &["category", "store", "listing", "stock"]),
    (Family::Order, &["order-summary", "payment", "store-statistics"]),
    (Family::Chat, &["conversation"]),
];

/// By shard, by projection: the offset that it reads next.
type Reached = BTreeMap<Shard, BTreeMap<String, u64>>;

/// How far the projections have come. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress {
    pool: PgPool,
    reached: Arc<watch::Sender<Reached>>,
}

impl Progress {
    /// Reads the checkpoints, and listens from then on.
    pub async fn start(
        pool: PgPool,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> std::result::Result<Self, sqlx::Error> {
        let progress = Self {
            pool,
            reached: Arc::new(watch::Sender::new(Reached::new())),
        };
        progress.look().await?;
        let listening = progress.clone();
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(async move { listening.listen().await }),
        );
        Ok(progress)
    }

    /// The offset below which everything of the shard is in the tables of all its family's projections. A family without
    /// projections has nothing to wait for.
    pub fn settled(&self, shard: Shard) -> u64 {
        let names = PROJECTIONS
            .iter()
            .find(|(family, _)| *family == shard.family)
            .map_or(&[][..], |(_, names)| names);
        let reached = self.reached.borrow();
        let next = |name: &&str| {
            reached
                .get(&shard)
                .and_then(|found| found.get(*name))
                .copied()
                .unwrap_or(0)
        };
        names.iter().map(next).min().unwrap_or(u64::MAX)
    }

    /// Wakes whenever a projection has come further.
    pub fn watch(&self) -> Watching {
        Watching {
            progress: self.clone(),
            changes: self.reached.subscribe(),
        }
    }

    /// Waits until every projection has passed this record.
    pub async fn passed(&self, shard: Shard, offset: u64) -> Result<()> {
        let mut watching = self.watch();
        while self.settled(shard) <= offset {
            watching.changed(LOOK_EVERY).await?;
        }
        Ok(())
    }

    /// Waits until every projection has passed this position, for so long at the most.
    pub async fn wait_for(&self, position: &Position, within: Duration) -> Result<()> {
        let began = Instant::now();
        let mut watching = self.watch();
        loop {
            let behind = position
                .offsets
                .iter()
                .find(|(shard, offset)| self.settled(**shard) <= **offset);
            let Some((shard, _)) = behind else { return Ok(()) };
            let Some(left) = within.checked_sub(began.elapsed()) else {
                return Err(QueryError::NotYet {
                    shard: shard.to_string(),
                    waited_ms: began.elapsed().as_millis(),
                });
            };
            watching.changed(left).await?;
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

/// A waiter's view of the projections.
#[derive(Debug)]
pub struct Watching {
    progress: Progress,
    changes: watch::Receiver<Reached>,
}

impl Watching {
    /// Waits until some projection has come further, for so long at the most; looks for itself when nobody tells.
    pub async fn changed(&mut self, within: Duration) -> Result<()> {
        if timeout(within.min(LOOK_EVERY), self.changes.changed()).await.is_err() {
            let progress = self.progress.clone();
            in_background(async move { Ok(progress.look().await?) }).await?;
        }
        Ok(())
    }
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
