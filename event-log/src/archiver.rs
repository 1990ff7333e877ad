//! The archiver: copies the valid records of a log in Kafka into the archive, checking every hash on the way. Records
//! and checkpoint are one statement, which begins by advancing the checkpoint where it still is what this archiver read
//! from: each record is copied exactly once, at any crash and with any number of archivers.
//!
//! That statement is an insert by `unnest` and not a COPY: a COPY needs a transaction of three round trips around it,
//! and what arrives is copied at once, so that the batches are small when it matters how long they take.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use sqlx::{PgPool, Row};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    archive::{head, watch::ArchiveWatch},
    checkpoint::Checkpoint,
    feed::{Feed, Rest},
    log::Log,
    pause::Backoff,
    port::LogError,
    reader::Read,
    row::{Columns, partition_of},
    shard::Shard,
};

/// Commits of one statement, at most: what has arrived by then, never waited for.
const BATCH: usize = 2000;

/// Between two statements.
const REST: Rest = Rest {
    times: 1,
    least: Duration::from_millis(2),
    most: Duration::from_millis(50),
};

/// How long nothing comes before all is taken to be archived.
const QUIET: Duration = Duration::from_secs(1);

const COPY: &str = r#"
    with advanced as (
        update log_head as h
        set next_offset = a.next_offset, head = a.head, head_offset = a.head_offset, session = a.session, seq = a.seq
        from unnest($1::text[], $2::int2[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bigint[],
                    $8::uuid[], $9::bigint[])
             as a (family, partition, old_next, old_head, next_offset, head, head_offset, session, seq)
        where h.family = a.family and h.partition = a.partition and h.next_offset = a.old_next and h.head = a.old_head
        returning h.family, h.partition
    ), inserted as (
        insert into log_record (family, partition, "offset", scope, stream, version, command, event_type, recorded,
                                headers, value, prev, hash)
        select r.*
        from unnest($10::text[], $11::int2[], $12::bigint[], $13::text[], $14::text[], $15::bigint[], $16::uuid[],
                    $17::text[], $18::timestamptz[], $19::bytea[], $20::bytea[], $21::bytea[], $22::bytea[])
             as r (family, partition, "offset", scope, stream, version, command, event_type, recorded, headers, value,
                   prev, hash)
        where (r.family, r.partition) in (select family, partition from advanced)
    )
    select count(*) from advanced"#;

/// How an archiver is doing, for whoever wants to know whether the archive comes on. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ArchiverHealth {
    state: Arc<Mutex<Health>>,
}

#[derive(Debug, Default)]
struct Health {
    failing: Option<LogError>,
    broken: BTreeSet<Shard>,
    ended: bool,
}

impl ArchiverHealth {
    /// Why nothing is archived now, if so: the log or the database does not answer or can not be used, or the archiver
    /// has ended.
    pub fn trouble(&self) -> Option<String> {
        let health = self.state.lock();
        match &health.failing {
            Some(error) => Some(error.to_string()),
            None => health.ended.then(|| "the archiver has ended".to_owned()),
        }
    }

    /// The shards that were given up, for their chains are broken.
    pub fn broken(&self) -> Vec<Shard> {
        self.state.lock().broken.iter().copied().collect()
    }
}

/// However it ends, a panic included.
struct Ending(ArchiverHealth);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.state.lock().ended = true;
    }
}

/// Copies a log into its archive.
pub struct Archiver {
    feed: Feed,
    pool: PgPool,
    watch: ArchiveWatch,
    shards: BTreeSet<Shard>,
    backoff: Backoff,
    health: Ending,
}

impl Archiver {
    /// The archiver of this log, which is kept in Kafka, on a feed that checks hashes, into the database of
    /// this pool. (A log in Postgres is its own archive.)
    pub fn new(log: &Log, feed: Feed, pool: PgPool) -> Self {
        Self {
            feed,
            pool,
            watch: log.archive().watch().clone(),
            shards: log.topology().shards().collect(),
            backoff: Backoff::default(),
            health: Ending(ArchiverHealth::default()),
        }
    }

    /// How it is doing, from now on.
    pub fn health(&self) -> ArchiverHealth {
        self.health.0.clone()
    }

    /// Copies until it is told to stop. A shard whose chain is broken is given up, loudly, and the others go on; the
    /// error is what ended the last one. A log or a database that can not be used is tried again: once somebody has
    /// mended it, the archive must come on without a restart, for commands wait for it.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), LogError> {
        metrics::gauge!("stoa_archiver_broken_shards").set(0.0);
        let mut given_up = 0_u32;
        loop {
            let Some(outcome) = stop.run_until_cancelled(self.follow()).await else {
                return Ok(());
            };
            let Err(error) = outcome;
            match &error {
                LogError::Broken { shard, .. } => {
                    tracing::error!(%error, %shard, "the chain is broken: this shard is no longer archived");
                    self.shards.remove(shard);
                    self.health.0.state.lock().broken.insert(*shard);
                    given_up += 1;
                    metrics::gauge!("stoa_archiver_broken_shards").set(given_up);
                    if self.shards.is_empty() {
                        return Err(error);
                    }
                }
                LogError::Unusable(_) | LogError::Unavailable(_) => {
                    if matches!(error, LogError::Unusable(_)) {
                        tracing::error!(%error, "nothing is archived before this is mended");
                    } else {
                        tracing::warn!(%error, "archiving goes on from the archive's checkpoint");
                    }
                    self.health.0.state.lock().failing = Some(error);
                    let pause = self.backoff.wait();
                    if stop.run_until_cancelled(pause).await.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Copies from the archive's checkpoints on.
    async fn follow(&mut self) -> Result<Infallible, LogError> {
        let mut archived = BTreeMap::new();
        for shard in &self.shards {
            archived.insert(*shard, head(&self.pool, *shard).await?);
        }
        let checkpoints = archived.values().cloned().collect();
        let mut follower = self.feed.follow(checkpoints, REST);
        loop {
            let Ok(batch) = timeout(QUIET, follower.next_batch(BATCH)).await else {
                // The heads could be read, and there is nothing to copy.
                self.health.0.state.lock().failing = None;
                continue;
            };
            let batch = batch?;
            self.copy(&mut archived, batch).await?;
            self.health.0.state.lock().failing = None;
            self.backoff.reset();
        }
    }

    /// Copies a batch in one statement. After an error nobody knows whether it was: the archive's checkpoints tell.
    async fn copy(&self, archived: &mut BTreeMap<Shard, Checkpoint>, batch: Vec<Read>) -> Result<(), LogError> {
        let (mut families, mut partitions, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
        let mut columns = Columns::default();
        let mut reached: BTreeMap<Shard, Checkpoint> = BTreeMap::new();
        for read in batch {
            let shard = read.commit.shard;
            for (event, record) in read.commit.events.iter().zip(read.records.iter()) {
                let pushed = columns.push_read(record, event.scope.clone(), event.envelope.clone());
                pushed.map_err(|error| LogError::Broken {
                    shard,
                    offset: event.offset,
                    reason: error.to_string(),
                })?;
                families.push(shard.family.topic());
                partitions.push(partition_of(shard));
                offsets.push(event.offset.cast_signed());
            }
            reached.insert(shard, read.checkpoint);
        }
        let from: Vec<&Checkpoint> = reached.keys().filter_map(|shard| archived.get(shard)).collect();
        let to: Vec<&Checkpoint> = reached.values().collect();
        let records = columns.len() as u64;
        let query = sqlx::query(COPY)
            .bind(to.iter().map(|to| to.shard.family.topic()).collect::<Vec<_>>())
            .bind(to.iter().map(|to| partition_of(to.shard)).collect::<Vec<_>>())
            .bind(from.iter().map(|from| from.next.cast_signed()).collect::<Vec<_>>())
            .bind(from.iter().map(|from| from.head.0).collect::<Vec<_>>())
            .bind(to.iter().map(|to| to.next.cast_signed()).collect::<Vec<_>>())
            .bind(to.iter().map(|to| to.head.0).collect::<Vec<_>>())
            .bind(optional(&to, |to| to.head_offset.map(u64::cast_signed)))
            .bind(optional(&to, |to| to.session.map(|(session, _)| session)))
            .bind(optional(&to, |to| to.session.map(|(_, seq)| seq.cast_signed())))
            .bind(families)
            .bind(partitions)
            .bind(offsets);
        let advanced: i64 = columns.bind(query).fetch_one(&self.pool).await?.try_get(0)?;
        if usize::try_from(advanced) != Ok(reached.len()) {
            return Err(LogError::Unavailable("another archiver was faster".to_owned()));
        }
        metrics::counter!("stoa_archiver_records_total").increment(records);
        for (shard, checkpoint) in reached {
            self.watch.committed(shard, checkpoint.next);
            archived.insert(shard, checkpoint);
        }
        Ok(())
    }
}

fn optional<T>(checkpoints: &[&Checkpoint], of: impl Fn(&Checkpoint) -> Option<T>) -> Vec<Option<T>> {
    checkpoints.iter().map(|checkpoint| of(checkpoint)).collect()
}
