//! The projector role: every projection's runner, each a task that is owned and joined.

use event_log::{feed::Feed, shard::Topology};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{measure, registry, runner::Runner};

/// Runs every projection.
#[derive(Debug)]
pub struct Projectors {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Projectors {
    /// Starts a runner for each projection.
    pub fn start(pool: &PgPool, feed: &Feed, topology: &Topology) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for projection in registry::projections() {
            let runner = Runner {
                pool: pool.clone(),
                feed: feed.clone(),
                topology: topology.clone(),
                projection,
            };
            tasks.spawn(runner.run(stop.clone()));
        }
        tasks.spawn(measure::run(pool.clone(), feed.clone(), stop.clone()));
        Self { tasks, stop }
    }

    /// Drops the batches that are under way (their transactions roll back) and waits for the tasks to end.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.join_all().await;
    }
}
