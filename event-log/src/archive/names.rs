//! Every stream, scope and command that the archive holds, by name alone: read once, so that what is not among them is
//! known to be new without asking again. Each comes from an index in that index's order, page by page: what was read
//! stays read when the database does not answer for a while.

use sqlx::Row;
use uuid::Uuid;

use super::Archive;
use crate::port::LogError;

/// Names that one query fetches.
const PAGE: i64 = 10_000;

/// The name of something that is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// A stream that has an event.
    Stream(&'a str),
    /// A scope that has a stream.
    Scope(&'a str),
    /// A command that was carried out.
    Command(Uuid),
}

/// How far the names have been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamesRead {
    /// The streams up to this one.
    Streams(String),
    /// All streams, and the scopes up to this one.
    Scopes(String),
    /// All streams and scopes, and the commands up to this one.
    Commands(Uuid),
    /// All that there were.
    All,
}

impl Default for NamesRead {
    fn default() -> Self {
        Self::Streams(String::new())
    }
}

impl Archive {
    /// Hands over the next page of names, and tells how far that goes.
    pub async fn names(&self, read: NamesRead, mut take: impl FnMut(Name<'_>) + Send) -> Result<NamesRead, LogError> {
        let page = match &read {
            NamesRead::Streams(last) => {
                sqlx::query("select distinct stream from log_record where stream > $1 order by stream limit $2")
                    .bind(last)
            }
            NamesRead::Scopes(last) => {
                sqlx::query("select distinct scope from log_record where scope > $1 order by scope limit $2").bind(last)
            }
            NamesRead::Commands(last) => sqlx::query(
                "select distinct command from log_record where command > $1 and scope is not null
                 order by command limit $2",
            )
            .bind(last),
            NamesRead::All => return Ok(read),
        };
        let rows = page.bind(PAGE).fetch_all(&self.pool).await?;
        let full = i64::try_from(rows.len()) == Ok(PAGE);
        let last = rows.last();
        Ok(match read {
            NamesRead::Streams(_) => {
                for row in &rows {
                    take(Name::Stream(row.try_get(0)?));
                }
                match last {
                    Some(last) if full => NamesRead::Streams(last.try_get(0)?),
                    _ => NamesRead::Scopes(String::new()),
                }
            }
            NamesRead::Scopes(_) => {
                for row in &rows {
                    take(Name::Scope(row.try_get(0)?));
                }
                match last {
                    Some(last) if full => NamesRead::Scopes(last.try_get(0)?),
                    _ => NamesRead::Commands(Uuid::nil()),
                }
            }
            NamesRead::Commands(_) => {
                for row in &rows {
                    take(Name::Command(row.try_get(0)?));
                }
                match last {
                    Some(last) if full => NamesRead::Commands(last.try_get(0)?),
                    _ => NamesRead::All,
                }
            }
            NamesRead::All => read,
        })
    }
}
