//! Records from an offset on, and then those that come: pages of the table until it is read, then whenever the shard's
//! head has moved.

use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::in_time;
use crate::{
    archive::{head, watch::ArchiveWatch},
    port::LogError,
    record::Stored,
    row::page,
    shard::Shard,
};

/// Records that one query fetches.
const PAGE: i64 = 500;

struct Follower {
    pool: PgPool,
    shard: Shard,
    next: u64,
    head: watch::Receiver<u64>,
    answer_within: Duration,
}

/// Every record of the shard from this offset on. An offset beyond the log's end is an error.
pub(super) async fn follow(
    pool: PgPool,
    watch: &ArchiveWatch,
    shard: Shard,
    from: u64,
    answer_within: Duration,
) -> Result<impl Stream<Item = Result<(Shard, Stored), LogError>> + Send + use<>, LogError> {
    let head = watch
        .subscribe(shard)
        .ok_or_else(|| LogError::Unusable(format!("the log has no shard {shard}")))?;
    let follower = Follower {
        pool,
        shard,
        next: from,
        head,
        answer_within,
    };
    follower.check().await?;
    let pages = stream::try_unfold(follower, |mut follower| async move {
        let records = follower.more().await?;
        Ok::<_, LogError>(Some((stream::iter(records).map(Ok), follower)))
    });
    Ok(pages.try_flatten())
}

impl Follower {
    /// The next records; waits until there are some.
    async fn more(&mut self) -> Result<Vec<(Shard, Stored)>, LogError> {
        loop {
            // Marked before the page is read: a move after that is seen below.
            self.head.mark_unchanged();
            let records = self.page(PAGE).await?;
            if let Some(last) = records.last() {
                self.next = last.offset + 1;
                return Ok(records.into_iter().map(|stored| (self.shard, stored)).collect());
            }
            self.check().await?;
            if self.head.changed().await.is_err() {
                return Err(LogError::Unavailable("the watch of the log has ended".to_owned()));
            }
        }
    }

    /// Asks in a task of its own. Of the streams that a reader merges only one is awaited at a time; the others would
    /// keep the connections of their half-done queries, while what the reader does next waits for a connection.
    async fn ask<T: Send + 'static>(
        &self,
        answer: impl Future<Output = Result<T, LogError>> + Send + 'static,
    ) -> Result<T, LogError> {
        let asked = AbortOnDropHandle::new(tokio::spawn(in_time(self.answer_within, answer)));
        asked
            .await
            .map_err(|_| LogError::Unavailable("the query was cut off".to_owned()))?
    }

    async fn page(&self, limit: i64) -> Result<Vec<Stored>, LogError> {
        let (pool, shard, next) = (self.pool.clone(), self.shard, self.next);
        self.ask(async move { page(&pool, shard, next, limit).await }).await
    }

    /// Nothing was found at `next`: is that the log's end? Records and head are committed together, so a head beyond it
    /// without a record there is a record that somebody took out.
    async fn check(&self) -> Result<(), LogError> {
        let (pool, shard) = (self.pool.clone(), self.shard);
        let end = self.ask(async move { head(&pool, shard).await }).await?.next;
        let broken = |reason: String| LogError::Broken {
            shard: self.shard,
            offset: self.next,
            reason,
        };
        if end < self.next {
            return Err(broken(format!("the log ends at {end}, before it")));
        }
        if end > self.next && self.page(1).await?.is_empty() {
            return Err(broken(format!("there is no record, and the log ends at {end}")));
        }
        Ok(())
    }
}
