//! One shard's records from any position on, without a gap or a double, for as long as somebody listens.
//!
//! Join the hub first, then read the archive up to its end: whatever was committed before the join is in the archive,
//! whatever came after it comes from the hub, and what comes from both is told apart by its offset. Who wants one scope
//! alone reads its own records from the archive: a quiet chat costs nothing for what a busy shard said beside it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use event_log::{
    archive::{
        Archive,
        history::{Of, Page},
    },
    commit::StoredEvent,
    shard::Shard,
};
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use super::hub::{Following, Hubs, PAGE};
use crate::{error::QueryError, session::in_background};

/// How long a subscriber may go on reading the archive after it fell behind, before it is sent away with its position.
const BEHIND_AT_MOST: Duration = Duration::from_secs(120);

/// Why a shard's stream ended.
#[derive(Debug)]
pub enum Ended {
    /// The subscriber fell behind and did not come back.
    TooSlow,
    /// Something else is wrong.
    Failed(QueryError),
    /// The process stops.
    Stopped,
}

/// One shard's records, in order.
#[derive(Debug)]
pub struct ShardStream {
    archive: Archive,
    shard: Shard,
    /// What alone is read of the archive, if not all of it.
    scope: Option<String>,
    following: Following,
    /// The offset that comes next.
    next: u64,
    /// What was read of the archive and not handed out yet.
    read: VecDeque<Arc<StoredEvent>>,
    /// Whether the archive has to be read before the hub is listened to.
    behind: bool,
    /// Since when it has been behind, if it was not so from the start.
    fell_behind: Option<Instant>,
}

impl ShardStream {
    /// Joins the shard's hub; the records from `next` on will come: all of this scope's, and maybe others of the shard.
    pub fn join(hubs: &Hubs, shard: Shard, scope: Option<String>, next: u64) -> Self {
        Self {
            archive: hubs.archive().clone(),
            following: hubs.follow(shard),
            shard,
            scope,
            next,
            read: VecDeque::new(),
            behind: true,
            fell_behind: None,
        }
    }

    /// The next record. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Result<Arc<StoredEvent>, Ended> {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.next = event.offset + 1;
                return Ok(event);
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            match self.following.recv().await {
                Ok(event) if event.offset >= self.next => {
                    self.next = event.offset + 1;
                    return Ok(event);
                }
                // It came from the archive already.
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => {
                    self.behind = true;
                    self.fell_behind.get_or_insert_with(Instant::now);
                }
                Err(RecvError::Closed) => return Err(Ended::Stopped),
            }
        }
    }

    /// Reads a page of the archive, or finds that there is no more.
    async fn catch_up(&mut self) -> Result<(), Ended> {
        if self.fell_behind.is_some_and(|since| since.elapsed() > BEHIND_AT_MOST) {
            return Err(Ended::TooSlow);
        }
        let page = match self.scope.clone() {
            Some(scope) => self.page_of(scope).await?,
            None => self.page().await?,
        };
        let Some((events, end)) = page else {
            self.behind = false;
            self.fell_behind = None;
            return Ok(());
        };
        self.read.extend(events.into_iter().map(Arc::new));
        if self.read.is_empty() {
            self.next = end;
        }
        Ok(())
    }

    /// The next events of the scope, and the offset behind them.
    async fn page_of(&self, scope: String) -> Result<Option<(Vec<StoredEvent>, u64)>, Ended> {
        let (archive, shard, after) = (self.archive.clone(), self.shard, self.next.checked_sub(1));
        let page = Page {
            after,
            ..Page::first(PAGE)
        };
        let events = in_background(async move { Ok(archive.history(shard, Of::Scope(&scope), page).await?) });
        let events = events.await.map_err(Ended::Failed)?;
        let end = events.last().map(|last| last.offset + 1);
        Ok(end.map(|end| (events, end)))
    }

    /// The next events of the shard, and the offset behind them.
    async fn page(&self) -> Result<Option<(Vec<StoredEvent>, u64)>, Ended> {
        let (archive, shard, after) = (self.archive.clone(), self.shard, self.next.checked_sub(1));
        let commits = in_background(async move { Ok(archive.commits_after(shard, after, PAGE).await?) });
        let commits = commits.await.map_err(Ended::Failed)?;
        let end = commits.last().map(|last| last.offset() + 1);
        let events = commits.into_iter().filter(|commit| !commit.is_control());
        let events = events.flat_map(|commit| commit.events).collect();
        Ok(end.map(|end| (events, end)))
    }
}
