//! What the log has seen: every stream, scope and command, in a Bloom filter (Bloom 1970, double hashing after Kirsch and
//! Mitzenmacher 2006). What it does not have is new for certain, so that a new order or a new key costs no look at the
//! archive; what it may have is looked up there.
//!
//! It covers the archive up to the tail of each shard: [`follow`] adds what settles before the tail forgets it, from the
//! start on, and whoever decides looks at the tail first. Before the archive has been read once ([`read_archive`], which
//! begins when the tails do) it can not tell ([`Seen::is_ready`]): until then everything is looked up.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use event_log::{
    archive::names::{Name, NamesRead},
    commit::Commit,
    log::Log,
    owner::Owner,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use uuid::Uuid;

use crate::{beginnings::Beginnings, request::Request, scope_cache::Missing};

/// Bits that one name sets: with 13 bits a name, at ten million names, one in five hundred unknown ones is looked up.
const PROBES: u64 = 6;
/// 2^27 bits are 16 MiB.
const BITS: u64 = 1 << 27;
/// Between attempts to read the archive at start.
const PAUSE: Duration = Duration::from_secs(1);
/// The tail reaches back at least this long, which a load must not outlast: each that does is done again.
const GRACE: Duration = Duration::from_secs(2);
/// How often, at most, an owner is told how far the archive has come.
const PACE: Duration = Duration::from_millis(20);
/// Commits that are noted at once.
const SLICE: usize = 256;

/// What the log has seen.
pub(crate) struct Seen {
    words: Vec<AtomicU64>,
    hasher: RandomState,
    ready: AtomicBool,
    pub beginnings: Beginnings,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

impl Seen {
    pub fn new() -> Self {
        let words = BITS / u64::from(u64::BITS);
        Self {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            ready: AtomicBool::new(false),
            beginnings: Beginnings::default(),
        }
    }

    /// Whether the archive has been read: before that, nothing is known to be new.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Notes a stream that begins; `false` where it begins in another scope at this moment.
    pub fn stream_begins(&self, stream: &str, scope: &str, command: Uuid) -> bool {
        // In this order: whoever finds the name new has not begun it before this one did.
        let begins = self.beginnings.begin(stream, scope, command);
        self.add(self.hasher.hash_one(stream));
        begins
    }

    /// Whether all that a command would look up in the archive is new: its key, and what is missing in memory.
    pub fn nothing_of(&self, request: &Request, missing: &Missing) -> bool {
        let new = |hash| !self.may_have(hash);
        self.is_ready()
            && (request.key.is_none() || new(self.hasher.hash_one(request.id)))
            && missing
                .streams
                .iter()
                .all(|stream| new(self.hasher.hash_one(stream.as_str())))
            && (!missing.whole || new(self.of_scope(&request.target.scope)))
    }

    fn take(&self, name: Name<'_>) {
        self.add(match name {
            Name::Stream(stream) => self.hasher.hash_one(stream),
            Name::Scope(scope) => self.of_scope(scope),
            Name::Command(command) => self.hasher.hash_one::<Uuid>(command),
        });
    }

    fn take_commit(&self, commit: &Commit) {
        for event in &commit.events {
            self.take(Name::Stream(&event.envelope.stream));
            self.take(Name::Command(event.envelope.command));
            if let Some(scope) = &event.scope {
                self.take(Name::Scope(scope));
            }
        }
    }

    /// A scope often has the name of its first stream, and is another thing.
    fn of_scope(&self, scope: &str) -> u64 {
        self.hasher.hash_one(("scope", scope))
    }

    fn add(&self, hash: u64) {
        for (word, bit) in self.probes(hash) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    fn may_have(&self, hash: u64) -> bool {
        self.probes(hash)
            .all(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    fn probes(&self, hash: u64) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let step = hash.rotate_left(32) | 1;
        (0..PROBES).map(move |probe| {
            let bit = hash.wrapping_add(step.wrapping_mul(probe)) % BITS;
            let word = usize::try_from(bit / u64::from(u64::BITS)).expect("the filter fits memory");
            (&self.words[word], 1 << (bit % u64::from(u64::BITS)))
        })
    }
}

/// Reads the archive's names once, for as long as it takes.
pub(crate) async fn read_archive(seen: &Seen, log: &Log) {
    let mut read = NamesRead::default();
    while read != NamesRead::All {
        match log.archive().names(read.clone(), |name| seen.take(name)).await {
            Ok(further) => read = further,
            Err(error) => {
                tracing::warn!(%error, "the archive's names can not be read on yet");
                sleep(PAUSE).await;
            }
        }
    }
    seen.ready.store(true, Ordering::Release);
}

/// Lets an owner's tail shrink as the archive comes on, having noted what it is about to forget.
pub(crate) async fn follow(seen: Arc<Seen>, owner: Arc<Owner>, mut progress: watch::Receiver<u64>) {
    let (mut noted, mut before, mut until) = (0, 0, 0);
    let mut tick = Instant::now() + GRACE;
    let mut begun = VecDeque::new();
    loop {
        let next = *progress.borrow_and_update();
        // While the shard is being reopened nothing is noted, and so nothing may be forgotten.
        note(&seen, &owner, &mut noted, &mut begun);
        owner.archived(next);
        if Instant::now() >= tick {
            // What the archive had the time before: a load that read it since then still fits.
            (until, before) = (before, next);
            tick = Instant::now() + GRACE;
            seen.beginnings.forget_unseen();
        }
        owner.forget(until.min(noted), noted);
        while let Some((_, stream)) = begun.pop_front_if(|(offset, _)| *offset < until) {
            seen.beginnings.is_archived(&stream);
        }
        sleep(PACE).await;
        if let Ok(Err(_)) = timeout_at(tick, progress.changed()).await {
            return;
        }
    }
}

/// Notes what has settled since `noted`, slice by slice, and moves that on; tells the streams that began there.
fn note(seen: &Seen, owner: &Owner, noted: &mut u64, begun: &mut VecDeque<(u64, String)>) {
    loop {
        let settled = owner.tail(owner.generation(), |tail| {
            (tail.settled_from(*noted, SLICE), tail.settled())
        });
        let Ok((commits, settled)) = settled else {
            return;
        };
        for commit in &commits {
            seen.take_commit(commit);
            for event in commit.events.iter().filter(|event| event.envelope.version == 1) {
                let (stream, scope) = (&event.envelope.stream, event.scope.as_deref());
                seen.beginnings.has_begun(stream, scope.unwrap_or_default());
                begun.push_back((event.offset, stream.clone()));
            }
        }
        match commits.last() {
            Some(last) if commits.len() == SLICE => *noted = last.offset() + 1,
            _ => {
                *noted = settled.max(*noted);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id;

    use super::*;

    #[test]
    fn what_was_added_is_never_missed_and_almost_nothing_else_is_found() {
        let seen = Seen::new();
        let known: Vec<Uuid> = (0..20_000).map(|_| id::generate()).collect();
        for command in &known {
            seen.take(Name::Command(*command));
        }
        assert!(known.iter().all(|command| seen.may_have(seen.hasher.hash_one(command))));
        let found = (0..20_000)
            .filter(|_| seen.may_have(seen.hasher.hash_one(id::generate())))
            .count();
        assert!(found < 5, "{found} of 20,000 unknown names were taken for known ones");
        seen.take(Name::Scope("ord_1"));
        assert!(!seen.may_have(seen.hasher.hash_one("ord_1")), "a scope is not a stream");
    }
}
