//! The audit: walks every chain from its first record, checking every hash, and compares the table of records with it
//! (in Kafka mode the archive, in Postgres mode the log itself): the same hashes at the same offsets, none missing and
//! none too many, and every column that is there to find a record by says what the record says.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use crate::{
    chain::{Hash, genesis, link},
    chain_reader::{ChainReader, Check, Tally},
    checkpoint::Checkpoint,
    commit::StoredEvent,
    log::Log,
    port::LogError,
    reader::read_to,
    row::{Row, partition_of},
    shard::Shard,
};

/// Records that are walked between two comparisons.
const STRETCH: u64 = 20_000;

/// What was found of a shard, and how far the walk has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardReport {
    /// The shard.
    pub shard: Shard,
    /// Records, commits and void records seen.
    pub tally: Tally,
    /// Where the chain stands.
    pub head: Checkpoint,
    /// The end of the log when the walk began.
    pub end: u64,
    /// Valid records that the table holds, all equal to the chain's.
    pub archived: u64,
    /// How long it took.
    pub took: Duration,
}

/// What was found of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Shard by shard.
    pub shards: Vec<ShardReport>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// What was seen of all shards.
    pub fn total(&self) -> Tally {
        let add = |sum: Tally, shard: &ShardReport| Tally {
            records: sum.records + shard.tally.records,
            commits: sum.commits + shard.tally.commits,
            void: sum.void + shard.tally.void,
            foreign: sum.foreign + shard.tally.foreign,
        };
        self.shards.iter().fold(Tally::default(), add)
    }
}

/// Walks the whole log up to where it ends now. The first thing that can not be is the error, with its shard and offset.
pub async fn verify(log: &Log, mut on_progress: impl FnMut(&ShardReport)) -> Result<Report, LogError> {
    let began = Instant::now();
    let mut shards = Vec::new();
    for shard in log.topology().shards() {
        shards.push(walk(log, shard, &mut on_progress).await?);
    }
    Ok(Report {
        shards,
        took: began.elapsed(),
    })
}

async fn walk(log: &Log, shard: Shard, on_progress: &mut impl FnMut(&ShardReport)) -> Result<ShardReport, LogError> {
    let began = Instant::now();
    // The table's checkpoint is looked at first: the log is never behind it.
    let archived = log.archive().checkpoint(shard).await?;
    let port = log.port();
    let end = port.end(shard).await?;
    if end < archived.next {
        let reason = format!(
            "the log ends here, and the table has been given its records up to {}",
            archived.next
        );
        return Err(broken(shard, end, reason));
    }
    let mut chain = ChainReader::new(Checkpoint::start(shard), Check::Hashes);
    let mut table = Table {
        pool: log.archive().pool().clone(),
        archived,
        next: 0,
        last: None,
        compared: 0,
    };
    loop {
        let mut events = Vec::new();
        let upto = end.min(chain.next() + STRETCH);
        read_to(port.as_ref(), &mut chain, upto, |commit| events.extend(commit.events)).await?;
        table.compare(events, chain.checkpoint().next).await?;
        let report = ShardReport {
            shard,
            tally: chain.tally(),
            head: chain.checkpoint().clone(),
            end,
            archived: table.compared,
            took: began.elapsed(),
        };
        on_progress(&report);
        if chain.next() >= end {
            table.ends_at_its_head().await?;
            return Ok(report);
        }
    }
}

/// The table of records, compared as the chain is walked.
struct Table {
    pool: PgPool,
    archived: Checkpoint,
    next: u64,
    last: Option<(u64, Hash)>,
    compared: u64,
}

/// A row with the columns that no hash covers.
#[derive(Debug, sqlx::FromRow)]
struct Indexed {
    #[sqlx(flatten)]
    row: Row,
    stream: String,
    version: i64,
    command: Uuid,
    event_type: String,
    recorded: DateTime<Utc>,
}

impl Table {
    /// Compares the valid events of a stretch of the chain, which ends at `upto`, with the rows of that stretch.
    async fn compare(&mut self, events: Vec<StoredEvent>, upto: u64) -> Result<(), LogError> {
        let (shard, upto) = (self.archived.shard, upto.min(self.archived.next));
        let mut events = events.into_iter().filter(|event| event.offset < upto);
        loop {
            let rows = self.rows(upto).await?;
            if rows.is_empty() {
                break;
            }
            for indexed in rows {
                let offset = indexed.row.offset.cast_unsigned();
                match events.next() {
                    Some(event) if event.offset == offset => {
                        same(&event, indexed)?;
                        self.last = Some((offset, event.hash));
                    }
                    Some(event) if event.offset < offset => return Err(missing(shard, event.offset)),
                    _ => {
                        return Err(broken(
                            shard,
                            offset,
                            "the table has a record that is not valid in the log",
                        ));
                    }
                }
                self.next = offset + 1;
                self.compared += 1;
            }
        }
        match events.next() {
            Some(event) => Err(missing(shard, event.offset)),
            None => Ok(()),
        }
    }

    async fn rows(&self, upto: u64) -> Result<Vec<Indexed>, LogError> {
        let rows = sqlx::query_as(
            r#"select family, partition, "offset", scope, headers, value, prev, hash,
                      stream, version, command, event_type, recorded from log_record
               where family = $1 and partition = $2 and "offset" >= $3 and "offset" < $4
               order by "offset" limit 2000"#,
        )
        .bind(self.archived.shard.family.topic())
        .bind(partition_of(self.archived.shard))
        .bind(self.next.cast_signed())
        .bind(upto.cast_signed())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// Whether the checkpoint that the table is kept with names the last of its records.
    async fn ends_at_its_head(&self) -> Result<(), LogError> {
        let shard = self.archived.shard;
        let (offset, head) = self.last.unzip();
        if offset != self.archived.head_offset || head.unwrap_or_else(|| genesis(shard)) != self.archived.head {
            let reason = format!(
                "the table's last record is not the head that its checkpoint names, {}",
                self.archived.head
            );
            return Err(broken(shard, self.archived.next, reason));
        }
        match self.beyond().await? {
            Some(offset) => Err(broken(shard, offset, "the table has a record beyond its checkpoint")),
            None => Ok(()),
        }
    }

    /// A record that lies where the table's checkpoint, as it is now, has not come to: who keeps the table writes both
    /// in one transaction.
    async fn beyond(&self) -> Result<Option<u64>, LogError> {
        let (offset,): (Option<i64>,) = sqlx::query_as(
            r#"select min(r."offset") from log_head h
               join log_record r on (r.family, r.partition) = (h.family, h.partition) and r."offset" >= h.next_offset
               where h.family = $1 and h.partition = $2"#,
        )
        .bind(self.archived.shard.family.topic())
        .bind(partition_of(self.archived.shard))
        .fetch_one(&self.pool)
        .await?;
        Ok(offset.map(i64::cast_unsigned))
    }
}

/// Whether the row is the record that the chain holds, and will be found by what the record says.
fn same(event: &StoredEvent, indexed: Indexed) -> Result<(), LogError> {
    let Indexed {
        row,
        stream,
        version,
        command,
        event_type,
        recorded,
    } = indexed;
    let envelope = &event.envelope;
    let found_by = [
        ("stream", stream == envelope.stream),
        ("version", version.cast_unsigned() == envelope.version),
        ("command", command == envelope.command),
        ("event_type", event_type == envelope.event_type),
        ("recorded", recorded == envelope.recorded),
    ];
    let (shard, stored) = row.stored()?;
    let links = stored.record.links();
    if links.is_none_or(|(prev, hash)| hash != event.hash || link(prev, &stored.record) != hash) {
        return Err(broken(
            shard,
            stored.offset,
            "the table's record is not that of the log",
        ));
    }
    match found_by.iter().find(|(_, same)| !same) {
        Some((column, _)) => {
            let reason = format!("the column {column} of the table does not say what the record says");
            Err(broken(shard, stored.offset, reason))
        }
        None => Ok(()),
    }
}

fn missing(shard: Shard, offset: u64) -> LogError {
    broken(shard, offset, "the record is missing in the table")
}

fn broken(shard: Shard, offset: u64, reason: impl Into<String>) -> LogError {
    LogError::Broken {
        shard,
        offset,
        reason: reason.into(),
    }
}
