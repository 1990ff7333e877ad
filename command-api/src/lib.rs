//! The command API: commands over HTTP become commits of the log.
//!
//! A request is read at the edge, taken to its scope's shard, decided there on aggregates that are in memory, appended,
//! and answered when the log has acknowledged it.
//!
//! # Map
//! | file | what it holds |
//! |---|---|
//! | `routes` | the HTTP edge: methods, headers, bodies |
//! | `request` | a command as it is asked for: path, body, key, conditions, time and actor |
//! | `key` | idempotency keys: the command's id, the fingerprint of what was asked |
//! | [`limits`] | bytes and nesting of a body |
//! | `execution` | from request to answer: steps, and what is waited for between them |
//! | `shard` | one step under the shard's lock: gather, decide, append |
//! | `scope_cache` | the aggregates that are in memory |
//! | `seen` | what the log has seen, so that what is new is not looked up |
//! | `beginnings` | streams that begin, until the archive has them |
//! | `loader` | cold loads, many in one statement |
//! | `standing` | who works in which store |
//! | [`receipt`] | the answer to a command that was carried out |
//! | [`problem`] | the answer to one that was not (RFC 9457) |
//! | `bulk` | many commands in one request, streamed |
//! | [`openapi`], [`schemas`] | what is published of all that, from the registry |
//!
//! Paths, bodies and dispatch come from [`domain::registry`]: a new aggregate or command needs nothing here.

mod beginnings;
mod bulk;
mod execution;
mod key;
pub mod limits;
mod loader;
pub mod openapi;
pub mod problem;
pub mod receipt;
mod request;
mod routes;
pub mod schemas;
mod scope_cache;
mod seen;
mod shard;
mod standing;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use auth::Keys;
use axum::Router;
use domain::clock::Clock;
use event_log::{
    limits::Limits,
    log::Log,
    owner::{Owner, Status, WriterIdentity},
    port::LogError,
    shard::Shard as ShardId,
};
use futures::future::{join, join_all, try_join_all};
use limits::BodyLimits;
use loader::Loader;
use seen::Seen;
use shard::Shard;
use standing::Standings;
use tokio::time::sleep;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Between attempts to open a shard.
const OPEN_PAUSE: Duration = Duration::from_millis(200);

/// How a command API is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This node's name, as the log's barriers tell it.
    pub node: String,
    /// How large and deep bodies may be.
    pub body: BodyLimits,
    /// What a writer may have under way.
    pub log: Limits,
    /// Bytes of aggregates kept in memory, about, over all shards.
    pub cache_bytes: usize,
    /// How many lines of one bulk request are under way at once.
    pub bulk_in_flight: usize,
    /// How long a command may wait for its decision; how long its outcome may take is in `log`.
    pub decide_within: Duration,
    /// How long a log that does not answer at start is tried again.
    pub open_within: Duration,
}

impl Settings {
    /// The defaults for a node of this name.
    pub fn new(node: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            body: BodyLimits::default(),
            log: Limits::default(),
            cache_bytes: 256 << 20,
            bulk_in_flight: 512,
            decide_within: Duration::from_secs(10),
            open_within: Duration::from_secs(30),
        }
    }
}

/// The command API of a node: its shards, and what they share.
pub struct Service {
    log: Arc<Log>,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    shards: BTreeMap<ShardId, Shard>,
    loader: Loader,
    standings: Standings,
    /// Requests under way.
    requests: TaskTracker,
    /// Tasks of the node's own, and bulk requests, which outlive their handler.
    tasks: TaskTracker,
    /// No more commands are taken.
    closing: CancellationToken,
    /// The node's own tasks end.
    stop: CancellationToken,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("node", &self.settings.node)
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Takes over every shard of the log, all at once, and serves commands from then on.
    pub async fn open(
        log: Arc<Log>,
        settings: Settings,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, LogError> {
        // A node started later supersedes the one before: that one yields.
        let assignment = clock.now().timestamp_millis().unsigned_abs();
        let owners = log
            .topology()
            .shards()
            .map(|shard| open_owner(&log, shard, &settings, assignment, &clock));
        let owners: Arc<BTreeMap<_, _>> = Arc::new(try_join_all(owners).await?.into_iter().collect());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let seen = Arc::new(Seen::new());
        let watching = watch_archive(Arc::clone(&log), Arc::clone(&seen), Arc::clone(&owners));
        tasks.spawn(stop.clone().run_until_cancelled_owned(watching));
        let loader = Loader::start(&log, &tasks, &stop);
        let cache_bytes = settings.cache_bytes / owners.len().max(1);
        let shards = owners
            .iter()
            .map(|(id, owner)| (*id, Shard::new(Arc::clone(owner), Arc::clone(&seen), cache_bytes)))
            .collect();
        let standings = Standings::new(Arc::clone(&log), loader.clone(), owners);
        Ok(Arc::new(Self {
            log,
            keys,
            clock,
            settings,
            shards,
            loader,
            standings,
            requests: TaskTracker::new(),
            tasks,
            closing: CancellationToken::new(),
            stop,
        }))
    }

    /// `/v1/…` and `/openapi.json`.
    pub fn router(self: &Arc<Self>) -> Router {
        routes::router(Arc::clone(self))
    }

    /// Whether commands can be carried out on every shard.
    pub fn ready(&self) -> bool {
        let open = |shard: &Shard| matches!(*shard.owner.status().borrow(), Status::Open { .. });
        !self.is_closing() && self.shards.values().all(open)
    }

    /// How many scopes have aggregates in memory.
    pub fn scopes_in_memory(&self) -> usize {
        self.shards.values().map(Shard::scopes_in_memory).sum()
    }

    /// Takes no more commands: each is told to come again elsewhere, and bulk requests read no more lines.
    pub fn close_door(&self) {
        self.closing.cancel();
    }

    /// Takes no more commands, finishes those under way, and gives the shards up.
    pub async fn shutdown(&self) {
        self.close_door();
        self.requests.close();
        self.requests.wait().await;
        join_all(self.shards.values().map(|shard| shard.owner.close())).await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Whether the node takes no more commands.
    fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// A request begins, and is waited for at shutdown until the token is dropped.
    fn enter(&self) -> Option<TaskTrackerToken> {
        let token = self.requests.token();
        (!self.is_closing()).then_some(token)
    }
}

async fn open_owner(
    log: &Log,
    shard: ShardId,
    settings: &Settings,
    assignment: u64,
    clock: &Arc<dyn Clock>,
) -> Result<(ShardId, Arc<Owner>), LogError> {
    let identity = WriterIdentity {
        node: settings.node.clone(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        log: log.id(),
        assignment,
    };
    let begun = Instant::now();
    loop {
        let attempt = async {
            let archived = log.archive().checkpoint(shard).await?;
            let (identity, clock, limits) = (identity.clone(), Arc::clone(clock), settings.log.clone());
            Owner::open(log.port(), archived, identity, clock, limits).await
        };
        match attempt.await {
            Ok(owner) => return Ok((shard, owner)),
            // A broker that has just been started, or a topic just made, has no leader for some moments.
            Err(LogError::Unavailable(reason)) if begun.elapsed() < settings.open_within => {
                tracing::warn!(%shard, reason, "the shard can not be opened yet");
                sleep(OPEN_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reads what the archive has seen, and follows every shard's progress for good.
async fn watch_archive(log: Arc<Log>, seen: Arc<Seen>, owners: Arc<BTreeMap<ShardId, Arc<Owner>>>) {
    let follow = |(shard, owner): (&ShardId, &Arc<Owner>)| {
        let progress = log.archive().watch().subscribe(*shard)?;
        Some(seen::follow(Arc::clone(&seen), Arc::clone(owner), progress))
    };
    let follows = join_all(owners.iter().filter_map(follow));
    join(seen::read_archive(&seen, &log), follows).await;
}
