//! One reading of the log for everybody in a process: each record is fetched, parsed and checked once, however many
//! projections follow it.
//!
//! A task reads every shard from the archive's checkpoint on and keeps the latest commits, each shard's in a ring.
//! A [`Follower`] that stands within the ring takes from there; one that stands before it reads for itself until it has
//! come up to it. So one that fills from the log's start costs the others nothing.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use domain::family::Family;
use futures::future::select_all;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

pub use crate::pause::Rest;
use crate::{
    chain_reader::Check,
    checkpoint::Checkpoint,
    log::Log,
    pause::Backoff,
    port::{LogError, Port},
    reader::{BATCH_BYTES, Read, Reader},
    shard::Shard,
};

/// Bytes that the ring of one shard keeps, about.
const RING_BYTES: usize = 4 << 20;
/// Commits that the feed takes at once.
const BATCH: usize = 1_000;

/// The reading that a process shares. Cheap to clone; it ends with the last clone and the last follower.
#[derive(Clone)]
pub struct Feed {
    rings: Arc<Rings>,
    check: Check,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed")
            .field("check", &self.check)
            .finish_non_exhaustive()
    }
}

struct Rings {
    port: Arc<dyn Port>,
    by_shard: BTreeMap<Shard, Mutex<Ring>>,
    /// Moves when a shard of the family has something new.
    moved: BTreeMap<Family, watch::Sender<()>>,
}

/// The latest commits of a shard.
struct Ring {
    /// Where a reader stands before the first of them.
    start: Checkpoint,
    reads: VecDeque<Read>,
    bytes: usize,
    broken: Option<LogError>,
}

/// What a ring has for somebody who stands at a checkpoint.
enum Found {
    /// What comes next, as far as it has come.
    Next(Vec<Read>),
    /// The ring begins later.
    Behind,
}

impl Feed {
    /// Reads from the archive's checkpoints on. An archiver wants [`Check::Hashes`], projections alone [`Check::Links`].
    pub async fn start(log: &Log, check: Check) -> Result<Self, LogError> {
        let mut by_shard = BTreeMap::new();
        for shard in log.topology().shards() {
            let start = log.archive().checkpoint(shard).await?;
            by_shard.insert(shard, Mutex::new(Ring::new(start)));
        }
        let families = by_shard.keys().map(|shard| (shard.family, watch::Sender::new(())));
        let rings = Arc::new(Rings {
            port: log.port(),
            moved: families.collect(),
            by_shard,
        });
        let task = AbortOnDropHandle::new(tokio::spawn(fill(Arc::clone(&rings), check)));
        Ok(Self {
            rings,
            check,
            _task: Arc::new(task),
        })
    }

    /// Where the log ends now, whatever of it has been read.
    pub async fn log_end(&self, shard: Shard) -> Result<u64, LogError> {
        self.rings.port.end(shard).await
    }

    /// Follows the shards of these checkpoints. Many small batches cost more than they are worth: what comes while a
    /// follower rests after a batch is taken with the next one.
    pub fn follow(&self, checkpoints: Vec<Checkpoint>, rest: Rest) -> Follower {
        let at: BTreeMap<Shard, Checkpoint> = checkpoints.into_iter().map(|at| (at.shard, at)).collect();
        let moved = &self.rings.moved;
        let mut families: Vec<Family> = at.keys().map(|shard| shard.family).collect();
        families.dedup();
        Follower {
            news: families
                .iter()
                .filter_map(|family| Some(moved.get(family)?.subscribe()))
                .collect(),
            feed: self.clone(),
            at,
            catching_up: None,
            turn: 0,
            rest,
            handed_out: None,
            rests_until: None,
        }
    }
}

/// Follows several shards of a [`Feed`].
pub struct Follower {
    feed: Feed,
    at: BTreeMap<Shard, Checkpoint>,
    news: Vec<watch::Receiver<()>>,
    /// Reads the shards that it is behind in, by itself.
    catching_up: Option<Reader>,
    /// The shard that the next batch begins with, counted on and on: a busy one must not keep the others out.
    turn: usize,
    rest: Rest,
    /// When the last batch was handed out, if there was nothing more then.
    handed_out: Option<Instant>,
    rests_until: Option<Instant>,
}

/// What a batch may still take.
struct Room {
    commits: usize,
    bytes: usize,
}

impl Room {
    fn is_left(&self) -> bool {
        self.commits > 0 && self.bytes > 0
    }

    fn take(&mut self, read: &Read) {
        self.commits = self.commits.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(read.weight());
    }
}

impl Follower {
    /// Where it stands.
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        self.at.values().cloned().collect()
    }

    /// The next commits, each shard's in order: waits for one, then takes what is there, about `most` or [`BATCH_BYTES`].
    /// Nothing is lost when the future is dropped.
    pub async fn next_batch(&mut self, most: usize) -> Result<Vec<Read>, LogError> {
        if let Some(handed_out) = self.handed_out {
            let now = Instant::now();
            let until = *self.rests_until.get_or_insert(now + self.rest.after(now - handed_out));
            sleep_until(until).await;
        }
        loop {
            for news in &mut self.news {
                news.mark_unchanged();
            }
            let mut batch = Vec::new();
            let mut behind = Vec::new();
            let mut room = Room {
                commits: most,
                bytes: BATCH_BYTES,
            };
            let shards = self.at.len();
            for at in self.at.values().cycle().skip(self.turn).take(shards) {
                match self.feed.rings.after(at, &mut room)? {
                    Found::Next(reads) => batch.extend(reads),
                    Found::Behind => behind.push(at.clone()),
                }
            }
            if behind.is_empty() {
                self.catching_up = None;
            } else {
                // What a ring no longer has is in the log: there is something to come.
                batch.extend(self.catch_up(behind, most).await?);
            }
            if !batch.is_empty() {
                self.turn = (self.turn + 1) % shards.max(1);
                let is_all = room.is_left() && self.catching_up.is_none();
                self.handed_out = is_all.then(Instant::now);
                self.rests_until = None;
                for read in &batch {
                    self.at.insert(read.commit.shard, read.checkpoint.clone());
                }
                return Ok(batch);
            }
            if self.news.is_empty() {
                std::future::pending::<()>().await;
            }
            let (news, ..) = select_all(self.news.iter_mut().map(|news| Box::pin(news.changed()))).await;
            news.map_err(|_| LogError::Unavailable("the feed has ended".to_owned()))?;
        }
    }

    async fn catch_up(&mut self, behind: Vec<Checkpoint>, most: usize) -> Result<Vec<Read>, LogError> {
        let goes_on = |reader: &Reader| behind.iter().all(|at| reader.stands_at(at)) && reader.shards() == behind.len();
        if !self.catching_up.as_ref().is_some_and(goes_on) {
            let port = Arc::clone(&self.feed.rings.port);
            self.catching_up = Some(Reader::new(port, behind, self.feed.check));
        }
        match &mut self.catching_up {
            Some(reader) => reader.next_batch(most).await,
            None => Ok(Vec::new()),
        }
    }
}

impl Rings {
    fn after(&self, at: &Checkpoint, room: &mut Room) -> Result<Found, LogError> {
        let ring = self.by_shard.get(&at.shard);
        let ring = ring.ok_or_else(|| LogError::Unusable(format!("the log has no shard {}", at.shard)))?;
        ring.lock().after(at, room)
    }
}

impl Ring {
    fn new(start: Checkpoint) -> Self {
        Self {
            start,
            reads: VecDeque::new(),
            bytes: 0,
            broken: None,
        }
    }

    /// Where the feed stands.
    fn end(&self) -> &Checkpoint {
        self.reads.back().map_or(&self.start, |read| &read.checkpoint)
    }

    fn push(&mut self, read: Read) {
        self.bytes += read.weight();
        self.reads.push_back(read);
        while self.bytes > RING_BYTES
            && let Some(oldest) = self.reads.pop_front()
        {
            self.bytes -= oldest.weight();
            self.start = oldest.checkpoint;
        }
    }

    /// What follows a checkpoint, as far as there is room for it. One that stands beyond the ring, as a projection may when the archive is younger than
    /// its rows, waits until the ring has come there.
    fn after(&self, at: &Checkpoint, room: &mut Room) -> Result<Found, LogError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        if at.head_offset < self.start.head_offset {
            return Ok(Found::Behind);
        }
        if at.head_offset > self.end().head_offset {
            return Ok(Found::Next(Vec::new()));
        }
        let passed = self
            .reads
            .partition_point(|read| read.checkpoint.head_offset <= at.head_offset);
        let before = passed.checked_sub(1).and_then(|last| self.reads.get(last));
        let found = before.map_or(&self.start, |read| &read.checkpoint);
        if (found.head_offset, found.head) != (at.head_offset, at.head) {
            return Err(LogError::Broken {
                shard: at.shard,
                offset: at.head_offset.unwrap_or_default(),
                reason: format!(
                    "the head was {} and the log has another: it was truncated or replaced",
                    at.head
                ),
            });
        }
        let mut found = Vec::new();
        for read in self.reads.range(passed..) {
            if !room.is_left() {
                break;
            }
            room.take(read);
            found.push(read.clone());
        }
        Ok(Found::Next(found))
    }
}

/// Reads into the rings. A shard whose chain is broken tells its followers so, and the others go on.
async fn fill(rings: Arc<Rings>, check: Check) {
    let mut backoff = Backoff::default();
    loop {
        let sound = rings.by_shard.values().map(|ring| ring.lock());
        let sound = sound
            .filter(|ring| ring.broken.is_none())
            .map(|ring| ring.end().clone());
        let sound: Vec<Checkpoint> = sound.collect();
        if sound.is_empty() {
            return;
        }
        let mut reader = Reader::new(Arc::clone(&rings.port), sound, check);
        let error = loop {
            match reader.next_batch(BATCH).await {
                Ok(batch) => rings.take(batch),
                Err(error) => break error,
            }
            backoff.reset();
        };
        tracing::error!(%error, "the log can not be read on");
        if let LogError::Broken { shard, .. } = &error
            && let Some(ring) = rings.by_shard.get(shard)
        {
            ring.lock().broken = Some(error.clone());
            rings.tell(shard.family);
        } else {
            backoff.wait().await;
        }
    }
}

impl Rings {
    fn take(&self, batch: Vec<Read>) {
        let mut families = Vec::new();
        for read in batch {
            let shard = read.commit.shard;
            if let Some(ring) = self.by_shard.get(&shard) {
                ring.lock().push(read);
            }
            if !families.contains(&shard.family) {
                families.push(shard.family);
            }
        }
        for family in families {
            self.tell(family);
        }
    }

    fn tell(&self, family: Family) {
        if let Some(moved) = self.moved.get(&family) {
            moved.send_replace(());
        }
    }
}
