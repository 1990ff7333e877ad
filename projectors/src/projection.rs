//! What a projection is.

use async_trait::async_trait;
use domain::family::Family;
use sqlx::PgConnection;

use crate::batch::Batch;

/// A read model: tables, and how events change them.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Its name, and that of its checkpoints: `listing`.
    fn name(&self) -> &'static str;

    /// Raised when the same events would give other rows: the next version starts from the beginning of the log.
    fn version(&self) -> i32 {
        1
    }

    /// The topics that it reads.
    fn families(&self) -> &'static [Family];

    /// Its tables, all of them.
    fn tables(&self) -> Vec<&'static str>;

    /// Changes its tables by the events of one shard, in bulk (one statement a table, not a row), inside the transaction
    /// that also advances the checkpoint.
    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError>;
}

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// An event can not be read by this version of the software.
    #[error("{shard} at offset {offset}: {source}")]
    Event {
        /// The shard.
        shard: event_log::shard::Shard,
        /// The event's offset.
        offset: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A row of the projection's own does not hold what it wrote.
    #[error("the row {id:?} of the projection {projection:?} can not be read: {source}")]
    Row {
        /// The projection.
        projection: &'static str,
        /// The row.
        id: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The database did not take the rows.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
