//! Hubs: one for each shard that somebody follows. It reads the shard's new records from the archive once, however many
//! follow, and hands them to all through a bounded channel.
//!
//! A follower that falls behind by more than the channel holds loses nothing: it is told, and reads the archive itself
//! until it is back. So memory is bounded by the channels, and nobody waits for the slowest.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use event_log::{archive::Archive, commit::StoredEvent, port::LogError, shard::Shard};
use parking_lot::Mutex;
use tokio::{
    sync::broadcast,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Records that a follower may be behind before it reads the archive for itself.
const CHANNEL: usize = 1024;
/// Records that one look at the archive takes.
pub const PAGE: u32 = 500;
/// How long a hub waits for the archive's watch before it sees whether anybody still follows.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a hub waits after the archive could not be read.
const PAUSE: Duration = Duration::from_millis(200);

/// New records of a shard, as a hub hands them out.
pub type Following = broadcast::Receiver<Arc<StoredEvent>>;

/// What a shard's records are handed out by, for as long as somebody listens.
type Handout = Weak<broadcast::Sender<Arc<StoredEvent>>>;

/// The hubs of a process.
#[derive(Debug, Clone)]
pub struct Hubs {
    archive: Archive,
    hubs: Arc<Mutex<BTreeMap<Shard, Handout>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Hubs {
    /// No hub yet.
    pub fn new(archive: Archive, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            archive,
            hubs: Arc::default(),
            tasks,
            stop,
        }
    }

    /// Follows a shard: what is committed from now on comes, and a little of what was just before may.
    pub fn follow(&self, shard: Shard) -> Following {
        let mut hubs = self.hubs.lock();
        if let Some(hub) = hubs.get(&shard).and_then(Weak::upgrade) {
            return hub.subscribe();
        }
        // The hub begins where the archive is known to be. Whoever joins reads the archive from their own position to its
        // end after this, so that nothing lies between.
        let (sender, following) = broadcast::channel(CHANNEL);
        let sender = Arc::new(sender);
        hubs.insert(shard, Arc::downgrade(&sender));
        drop(hubs);
        let next = self.archive.watch().next(shard);
        let hub = Hub {
            archive: self.archive.clone(),
            shard,
            next,
            sender,
        };
        let ended = self.stop.clone().run_until_cancelled_owned(hub.run(self.hubs.clone()));
        self.tasks.spawn(ended);
        following
    }

    /// The archive that the hubs read.
    pub const fn archive(&self) -> &Archive {
        &self.archive
    }
}

struct Hub {
    archive: Archive,
    shard: Shard,
    next: u64,
    sender: Arc<broadcast::Sender<Arc<StoredEvent>>>,
}

type Registered = Arc<Mutex<BTreeMap<Shard, Weak<broadcast::Sender<Arc<StoredEvent>>>>>>;

impl Hub {
    /// Runs until nobody follows.
    async fn run(mut self, registered: Registered) {
        let Some(mut head) = self.archive.watch().subscribe(self.shard) else {
            return;
        };
        loop {
            let next = self.next;
            // An error means that the watch has ended with the process; the time-out, that it is time to look around.
            let _ = timeout(LOOK_EVERY, head.wait_for(|head| *head > next)).await;
            if let Err(error) = self.hand_out().await {
                tracing::warn!(shard = %self.shard, %error, "new records can not be read, trying again");
                sleep(PAUSE).await;
            }
            // Under the lock nobody joins between the look and the end.
            let mut hubs = registered.lock();
            if self.sender.receiver_count() == 0 {
                hubs.remove(&self.shard);
                return;
            }
        }
    }

    async fn hand_out(&mut self) -> Result<(), LogError> {
        loop {
            let commits = self
                .archive
                .commits_after(self.shard, self.next.checked_sub(1), PAGE)
                .await?;
            let Some(last) = commits.last() else { return Ok(()) };
            self.next = last.offset() + 1;
            for event in commits
                .into_iter()
                .filter(|commit| !commit.is_control())
                .flat_map(|commit| commit.events)
            {
                // Fails when nobody follows, which is seen to afterwards.
                let _ = self.sender.send(Arc::new(event));
            }
        }
    }
}
