//! Where a reader stands in a shard. A checkpoint stands between commits: what it has passed is decided for good.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    chain::{Hash, genesis},
    shard::Shard,
};

/// Where a reader stands in a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The shard.
    pub shard: Shard,
    /// The offset to read next.
    pub next: u64,
    /// The hash of the last record that extended the chain.
    pub head: Hash,
    /// Its offset; `None` before the first. It is read again on resume, so that a truncated log is noticed.
    pub head_offset: Option<u64>,
    /// The writer's session that it is of, and its number within that session.
    pub session: Option<(Uuid, u64)>,
}

impl Checkpoint {
    /// Before the first record.
    pub fn start(shard: Shard) -> Self {
        Self {
            shard,
            next: 0,
            head: genesis(shard),
            head_offset: None,
            session: None,
        }
    }
}
