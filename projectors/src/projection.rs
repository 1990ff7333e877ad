//! What a projection is.

use async_trait::async_trait;
use domain::family::Family;
use event_log::commit::StoredEvent;
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

    /// What an event is applied in order with: its stream, unless rows depend on the order of several streams, and then
    /// their scope. Events of different units may be applied in any order. When one can not be applied, those that come
    /// after it in its unit wait.
    fn unit<'e>(&self, event: &'e StoredEvent) -> &'e str {
        &event.envelope.stream
    }

    /// Changes its tables by these events, in bulk (one statement a table, not a row), inside the transaction that also
    /// advances the checkpoints. The rows are the same however the events are cut into batches.
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
    /// The projection's code gave up on it.
    #[error("the projection panicked: {0}")]
    Panicked(String),
    /// The database did not take the rows.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Classes of SQLSTATE that find fault with the data of a statement: cardinality, data, constraint, a trigger's own
/// exception, and what is larger than the server can hold (a key too long for its index).
const FAULTS_OF_DATA: [&str; 5] = ["21", "22", "23", "P0", "54"];

/// Classes of SQLSTATE that find fault with neither: connection, a server that only reads, serialisation and deadlocks,
/// resources, locks, an operator's intervention, the system.
const FAULTS_OF_NEITHER: [&str; 7] = ["08", "25", "40", "53", "55", "57", "58"];

impl ProjectionError {
    /// Whether other projections may do better: a table that is missing is one projection's, a lost connection is not.
    pub fn is_of_the_projection(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => !error
                .code()
                .is_some_and(|code| FAULTS_OF_NEITHER.iter().any(|class| code.starts_with(class))),
            Self::Database(error) => matches!(
                error,
                sqlx::Error::ColumnDecode { .. }
                    | sqlx::Error::ColumnNotFound(_)
                    | sqlx::Error::Decode(_)
                    | sqlx::Error::Encode(_)
                    | sqlx::Error::TypeNotFound { .. }
            ),
            Self::Event { .. } | Self::Row { .. } | Self::Panicked(_) => true,
        }
    }

    /// Whether the events are at fault: they would fail again, and other events would not. Anything else (a connection
    /// lost, a table missing, a disk full) stops all alike, and passes or is mended.
    pub fn is_of_the_events(&self) -> bool {
        match self {
            Self::Event { .. } | Self::Row { .. } | Self::Panicked(_) | Self::Database(sqlx::Error::Encode(_)) => true,
            Self::Database(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| FAULTS_OF_DATA.iter().any(|class| code.starts_with(class))),
            Self::Database(_) => false,
        }
    }
}
