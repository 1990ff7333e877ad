//! The archive read along the log: commits after an offset, pages of one stream's or scope's events, and where the
//! shards stood at a time.

use chrono::{DateTime, Utc};

use super::Archive;
use crate::{
    commit::{Commit, StoredEvent},
    port::LogError,
    position::Position,
    row::{Row, page, partition_of, shard_of},
    shard::Shard,
};

/// Whose events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// One aggregate's.
    Stream(&'a str),
    /// All aggregates' of the scope.
    Scope(&'a str),
}

/// Which of them. Both bounds are offsets and excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only those after it.
    pub after: Option<u64>,
    /// Only those before it.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// The newest of them instead of the oldest. The answer is in the order of the log either way.
    pub from_end: bool,
}

impl Page {
    /// The oldest `limit`.
    pub const fn first(limit: u32) -> Self {
        Self {
            after: None,
            before: None,
            limit,
            from_end: false,
        }
    }

    /// Everything up to an offset, included: the state as of a position.
    pub const fn until(offset: u64) -> Self {
        Self {
            after: None,
            before: Some(offset + 1),
            limit: u32::MAX,
            from_end: false,
        }
    }
}

impl Archive {
    /// Whole commits after an offset, oldest first, with `limit` records or a little more: a commit is never cut. The
    /// writers' own records are among them ([`Commit::is_control`]), so that a reader's offset moves on. Empty at the
    /// archive's end.
    pub async fn commits_after(&self, shard: Shard, after: Option<u64>, limit: u32) -> Result<Vec<Commit>, LogError> {
        let mut commits: Vec<Commit> = Vec::new();
        let mut open: Vec<StoredEvent> = Vec::new();
        let mut next = after.map_or(0, |after| after + 1);
        let mut limit = i64::from(limit.max(1));
        loop {
            let records = page(&self.pool, shard, next, limit).await?;
            if records.is_empty() {
                break;
            }
            for stored in records {
                next = stored.offset + 1;
                let event = StoredEvent::of(shard, &stored).map_err(|error| LogError::Broken {
                    shard,
                    offset: stored.offset,
                    reason: error.to_string(),
                })?;
                let ends = event.envelope.part.is_last();
                open.push(event);
                if ends {
                    let events = std::mem::take(&mut open);
                    commits.push(Commit { shard, events });
                }
            }
            match open.last() {
                None => break,
                // The page ended within a commit: fetch what is missing of it.
                Some(last) => limit = i64::from(last.envelope.part.of - last.envelope.part.number),
            }
        }
        Ok(commits)
    }

    /// A page of one stream's or scope's events, in the order of the log.
    pub async fn history(&self, shard: Shard, of: Of<'_>, page: Page) -> Result<Vec<StoredEvent>, LogError> {
        let query = match (of, page.from_end) {
            (Of::Stream(_), false) => {
                r#"select family, partition, "offset", scope, headers, value, prev, hash from log_record
                   where stream = $1 and scope is not null and family = $2 and partition = $3
                     and "offset" > $4 and "offset" < $5 order by "offset" limit $6"#
            }
            (Of::Stream(_), true) => {
                r#"select family, partition, "offset", scope, headers, value, prev, hash from log_record
                   where stream = $1 and scope is not null and family = $2 and partition = $3
                     and "offset" > $4 and "offset" < $5 order by "offset" desc limit $6"#
            }
            (Of::Scope(_), false) => {
                r#"select family, partition, "offset", scope, headers, value, prev, hash from log_record
                   where scope = $1 and family = $2 and partition = $3
                     and "offset" > $4 and "offset" < $5 order by "offset" limit $6"#
            }
            (Of::Scope(_), true) => {
                r#"select family, partition, "offset", scope, headers, value, prev, hash from log_record
                   where scope = $1 and family = $2 and partition = $3
                     and "offset" > $4 and "offset" < $5 order by "offset" desc limit $6"#
            }
        };
        let (Of::Stream(name) | Of::Scope(name)) = of;
        let rows: Vec<Row> = sqlx::query_as(query)
            .bind(name)
            .bind(shard.family.topic())
            .bind(partition_of(shard))
            .bind(page.after.map_or(-1, u64::cast_signed))
            .bind(page.before.map_or(i64::MAX, u64::cast_signed))
            .bind(i64::from(page.limit))
            .fetch_all(&self.pool)
            .await?;
        let mut events = rows.into_iter().map(Row::event).collect::<Result<Vec<_>, _>>()?;
        if page.from_end {
            events.reverse();
        }
        Ok(events)
    }

    /// The shard and scope that a stream's first event lies in; `None` when the archive holds no event of it.
    pub async fn locate(&self, stream: &str) -> Result<Option<(Shard, String)>, LogError> {
        let found: Option<(String, i16, String)> = sqlx::query_as(
            r#"select family, partition, scope from log_record where stream = $1 and scope is not null
               order by "offset" limit 1"#,
        )
        .bind(stream)
        .fetch_optional(&self.pool)
        .await?;
        found
            .map(|(family, partition, scope)| Ok((shard_of(&family, partition)?, scope)))
            .transpose()
    }

    /// The last records that had been recorded at a time, shard by shard. Recorded times never go back within a shard,
    /// so it is found by bisection, which needs no index of its own.
    pub async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, LogError> {
        let rows: Vec<(String, i16, i64)> = sqlx::query_as(
            r#"with recursive search as (
                   select family, partition, 0::bigint as low, next_offset as high from log_head
                   union all
                   select s.family, s.partition,
                          case when probe.recorded <= $1 then probe."offset" + 1 else s.low end,
                          case when probe.recorded <= $1 then s.high else (s.low + s.high) / 2 end
                   from search s left join lateral (
                       select r."offset", r.recorded from log_record r
                       where r.family = s.family and r.partition = s.partition
                         and r."offset" >= (s.low + s.high) / 2 and r."offset" < s.high
                       order by r."offset" limit 1
                   ) probe on true
                   where s.low < s.high
               )
               select family, partition, low from search where low >= high and low > 0"#,
        )
        .bind(time)
        .fetch_all(&self.pool)
        .await?;
        let mut position = Position::start(self.log);
        for (family, partition, low) in rows {
            position.advance(shard_of(&family, partition)?, low.cast_unsigned() - 1);
        }
        Ok(position)
    }
}
