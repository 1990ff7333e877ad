//! The projector role: the projections' runner and what measures them, tasks that are owned and joined.

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
    /// Starts the projections, in one runner.
    pub fn start(pool: &PgPool, feed: &Feed, topology: &Topology) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let runner = Runner {
            pool: pool.clone(),
            feed: feed.clone(),
            topology: topology.clone(),
            projections: registry::projections(),
        };
        tasks.spawn(runner.run(stop.clone()));
        tasks.spawn(measure::run(pool.clone(), feed.clone(), stop.clone()));
        Self { tasks, stop }
    }

    /// Drops the batches that are under way (their transactions roll back) and waits for the tasks to end.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.join_all().await;
    }
}
