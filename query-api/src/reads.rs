//! How a request reads: through one door. There a statement waits until the projections that it reads, and no others,
//! have come to the position that the request names; and there it waits for its turn, so that no request takes every
//! connection.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use domain::family::Family;
use event_log::position::Position;
use parking_lot::Mutex;
use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::{
    error::{QueryError, Result},
    progress::Progress,
    projection::Projection,
    session::Shared,
};

/// Statements of one request that may be under way at a time.
const AT_ONCE: usize = 4;

/// What one request reads by. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Shared,
    sees: Mutex<Option<Arc<Sees>>>,
    turns: Semaphore,
}

/// What must be seen.
#[derive(Debug)]
struct Sees {
    position: Position,
    /// Until when it is waited for.
    until: Instant,
    began: Instant,
}

/// A connection for one statement, and the turn for it.
#[derive(Debug)]
pub struct Lease<'r> {
    connection: PoolConnection<Postgres>,
    _turn: SemaphorePermit<'r>,
}

impl Reads {
    /// The reads of a request that must see what this position names.
    pub fn new(shared: &Shared, after: Option<Position>) -> Self {
        let reads = Self(Arc::new(Inner {
            shared: shared.clone(),
            sees: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        }));
        if let Some(after) = after {
            reads.must_see(after);
        }
        reads
    }

    /// From now on what is read must hold what this position names, beside what it had to hold before.
    pub fn must_see(&self, mut position: Position) {
        let mut sees = self.0.sees.lock();
        if let Some(before) = &*sees {
            position.merge(&before.position);
        }
        let began = Instant::now();
        *sees = Some(Arc::new(Sees {
            position,
            until: began + self.0.shared.settings.wait_at_most,
            began,
        }));
    }

    /// A connection for this statement, once what it reads is there.
    pub async fn of(&self, sql: &str) -> Result<Lease<'_>> {
        if let Some(sees) = self.sees() {
            let Sees { position, until, began } = &*sees;
            let read = Projection::read_by(sql);
            self.progress().wait_for(position, &read, *began, *until).await?;
        }
        let turn = self.turn().await;
        Ok(Lease {
            connection: self.pool().acquire().await?,
            _turn: turn,
        })
    }

    /// A turn to read the archive of these families, once it holds what the request must see.
    pub async fn of_archive(&self, families: &[Family]) -> Result<SemaphorePermit<'_>> {
        if let Some(sees) = self.sees() {
            let watch = self.0.shared.archive.watch();
            for (shard, offset) in &sees.position.offsets {
                if !families.contains(&shard.family) {
                    continue;
                }
                match timeout_at(sees.until, watch.reached(*shard, *offset)).await {
                    Ok(reached) => reached?,
                    Err(_) => return Err(QueryError::not_yet(*shard, sees.began)),
                }
            }
        }
        Ok(self.turn().await)
    }

    fn sees(&self) -> Option<Arc<Sees>> {
        self.0.sees.lock().clone()
    }

    async fn turn(&self) -> SemaphorePermit<'_> {
        let turn = self.0.turns.acquire().await;
        turn.expect("the semaphore is never closed")
    }

    fn pool(&self) -> &PgPool {
        &self.0.shared.pool
    }

    fn progress(&self) -> &Progress {
        &self.0.shared.progress
    }
}

impl Deref for Lease<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
