//! How far each shard's records have come into the database, kept current in memory: one LISTEN connection a process,
//! and a look at the heads from time to time, for a notification may be lost with its connection.
//!
//! Whoever commits records tells the watch of its own process at once; other processes learn it by NOTIFY. That is sent
//! on a connection of its own and never within the appending transaction: NOTIFY holds a lock of the whole database
//! until its transaction has been flushed to disk, so that the appends of all shards would queue behind each other.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    port::LogError,
    row::shard_of,
    shard::{Shard, Topology},
};

/// The channel. A payload is `family/partition/next offset`.
const CHANNEL: &str = "stoa_log";
/// How long a lost notification may go unnoticed.
const POLL: Duration = Duration::from_secs(1);
/// A connection to a server that is gone may stay open, and never answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between attempts to reach the database again.
const PAUSE: Duration = Duration::from_millis(200);

/// How far each shard's records have come into the database: the offset of the next record. In Kafka mode that is how
/// far the archiver has come. Cheap to clone; the last clone ends its tasks.
#[derive(Debug, Clone)]
pub struct ArchiveWatch {
    heads: Arc<Heads>,
    _tasks: Arc<[AbortOnDropHandle<()>; 2]>,
}

#[derive(Debug)]
struct Heads {
    next: BTreeMap<Shard, watch::Sender<u64>>,
    unannounced: Mutex<BTreeMap<Shard, u64>>,
    announce: Notify,
}

impl ArchiveWatch {
    /// Reads where the shards stand and watches them from there.
    pub async fn start(pool: &PgPool, topology: &Topology) -> Result<Self, LogError> {
        let heads = Arc::new(Heads {
            next: topology.shards().map(|shard| (shard, watch::Sender::new(0))).collect(),
            unannounced: Mutex::default(),
            announce: Notify::new(),
        });
        let listener = listen(pool).await?;
        heads.look(pool).await?;
        let listening = tokio::spawn(follow(pool.clone(), listener, heads.clone()));
        let announcing = tokio::spawn(announce(pool.clone(), heads.clone()));
        Ok(Self {
            heads,
            _tasks: Arc::new([AbortOnDropHandle::new(listening), AbortOnDropHandle::new(announcing)]),
        })
    }

    /// The offset of the shard's next record, as far as this process knows; 0 for a shard that the log does not have.
    pub fn next(&self, shard: Shard) -> u64 {
        self.heads.next.get(&shard).map_or(0, |next| *next.borrow())
    }

    /// Follows one shard's next offset; `None` when the log has no such shard.
    pub fn subscribe(&self, shard: Shard) -> Option<watch::Receiver<u64>> {
        Some(self.heads.next.get(&shard)?.subscribe())
    }

    /// Waits until the record at this offset is in the database. Without an end of its own: give it a deadline.
    pub async fn reached(&self, shard: Shard, offset: u64) -> Result<(), LogError> {
        let mut next = self
            .subscribe(shard)
            .ok_or_else(|| LogError::Unusable(format!("the log has no shard {shard}")))?;
        match next.wait_for(|next| *next > offset).await {
            Ok(_) => Ok(()),
            Err(_) => Err(LogError::Unavailable("the watch has ended".to_owned())),
        }
    }

    /// Tells that records below `next` have been committed: this process at once, the others by NOTIFY.
    pub(crate) fn committed(&self, shard: Shard, next: u64) {
        self.heads.advance(shard, next);
        self.heads.unannounced.lock().insert(shard, next);
        self.heads.announce.notify_one();
    }
}

impl Heads {
    fn advance(&self, shard: Shard, to: u64) {
        if let Some(next) = self.next.get(&shard) {
            next.send_if_modified(|next| {
                let moved = to > *next;
                *next = to.max(*next);
                moved
            });
        }
    }

    /// Reads the heads. One that lies before what was known before the look went back: the log was truncated or
    /// restored. Its readers are woken, and find out.
    async fn look(&self, pool: &PgPool) -> Result<(), LogError> {
        let known: BTreeMap<Shard, u64> = self.next.iter().map(|(shard, next)| (*shard, *next.borrow())).collect();
        let heads = sqlx::query_as("select family, partition, next_offset from log_head").fetch_all(pool);
        let late = |_| LogError::Unavailable("the database does not answer in time".to_owned());
        let rows: Vec<(String, i16, i64)> = timeout(PATIENCE, heads).await.map_err(late)??;
        for (family, partition, next) in rows {
            let shard = shard_of(&family, partition)?;
            let next = next.cast_unsigned();
            if known.get(&shard).is_some_and(|known| next < *known) {
                tracing::error!(%shard, next, "the log went back");
                if let Some(sender) = self.next.get(&shard) {
                    sender.send_replace(next);
                }
            } else {
                self.advance(shard, next);
            }
        }
        Ok(())
    }
}

async fn listen(pool: &PgPool) -> Result<PgListener, LogError> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Takes notifications in, and looks at the heads every [`POLL`] and whenever the connection has been lost, until the
/// pool is closed.
async fn follow(pool: PgPool, mut listener: PgListener, heads: Arc<Heads>) {
    while !pool.is_closed() {
        let poll = Instant::now() + POLL;
        while let Ok(received) = timeout_at(poll, listener.try_recv()).await {
            match received {
                Ok(Some(notification)) => {
                    if let Some((shard, next)) = parse(notification.payload()) {
                        heads.advance(shard, next);
                    } else {
                        tracing::warn!(payload = notification.payload(), "a notification that is not ours");
                    }
                }
                // The listener connects again at the next call; what came meanwhile is found by looking.
                Ok(None) => break,
                Err(_) if pool.is_closed() => return,
                Err(error) => {
                    tracing::warn!(%error, "the database does not answer");
                    sleep(PAUSE).await;
                    break;
                }
            }
        }
        if let Err(error) = heads.look(&pool).await
            && !pool.is_closed()
        {
            tracing::warn!(%error, "the heads can not be read");
            sleep(PAUSE).await;
        }
    }
}

fn parse(payload: &str) -> Option<(Shard, u64)> {
    let mut parts = payload.split('/');
    let (family, partition, next) = (parts.next()?, parts.next()?, parts.next()?);
    let shard = shard_of(family, partition.parse().ok()?).ok()?;
    Some((shard, next.parse().ok()?))
}

/// Sends what was committed to the other processes: all shards that moved since the last time in one transaction.
async fn announce(pool: PgPool, heads: Arc<Heads>) {
    loop {
        heads.announce.notified().await;
        let moved = std::mem::take(&mut *heads.unannounced.lock());
        let payloads: Vec<String> = moved.iter().map(|(shard, next)| format!("{shard}/{next}")).collect();
        if payloads.is_empty() {
            continue;
        }
        let sent = sqlx::query("select pg_notify($1, payload) from unnest($2::text[]) as payload")
            .bind(CHANNEL)
            .bind(payloads)
            .execute(&pool)
            .await;
        if let Err(error) = sent {
            // The others find it when they look.
            tracing::warn!(%error, "a notification could not be sent");
        }
    }
}
