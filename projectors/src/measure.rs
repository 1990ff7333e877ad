//! What `/metrics` tells of the projections: how many records each is behind, shard by shard, and how many events it has
//! parked. Looked up now and then: a retry in another process changes it too.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use event_log::{feed::Feed, port::LogError};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    checkpoint::{self, CheckpointError},
    parked, registry,
};

/// How often it is looked up.
const EVERY: Duration = Duration::from_secs(5);

/// Why it could not be looked up.
#[derive(Debug, thiserror::Error)]
enum MeasureError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Keeps the figures current until told to stop.
pub(crate) async fn run(pool: PgPool, feed: Feed, stop: CancellationToken) {
    let measuring = async {
        loop {
            if let Err(error) = measure(&pool, &feed).await {
                tracing::debug!(%error, "can not tell how far the projections are");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    stop.run_until_cancelled(measuring).await;
}

async fn measure(pool: &PgPool, feed: &Feed) -> Result<(), MeasureError> {
    let reached = checkpoint::all(pool).await?;
    let mut ends = BTreeMap::new();
    for shard in reached.iter().map(|(_, at)| at.shard).collect::<BTreeSet<_>>() {
        ends.insert(shard, feed.log_end(shard).await?);
    }
    for (name, at) in reached {
        let behind = ends.get(&at.shard).map_or(0, |end| end.saturating_sub(at.next));
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("stoa_projection_behind_records", "projection" => name, "shard" => at.shard.to_string())
            .set(behind as f64);
    }
    let parked: HashMap<String, i64> = parked::count(pool).await?.into_iter().collect();
    for projection in registry::projections() {
        let count = parked.get(projection.name()).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("stoa_projection_parked", "projection" => projection.name()).set(count as f64);
    }
    Ok(())
}
