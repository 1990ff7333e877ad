//! Two writers on one shard, neither of which knows of the other.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::clock::SystemClock;
use event_log::{
    chain_reader::Check,
    commit::Commit,
    owner::{AppendError, Closed, Outcome, Owner},
    port::Port,
    reader::Reader,
};
use futures::future::join_all;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    keeper::{Keeper, PATIENCE, identity, limits, open, read_all, start},
    scribe::{SHARD, draft},
};

/// Commits that the two writers together must get acknowledged.
const ENOUGH: u64 = 4000;
/// Commits that a writer keeps in flight.
const IN_FLIGHT: usize = 64;
/// After so many batches a writer pauses: in Kafka one that never does can hold another off for long, whose barriers all
/// come too late.
const BATCHES: usize = 6;
const PAUSE: Duration = Duration::from_millis(600);

/// What ends a race: enough was acknowledged, and each writer has cut the other off, however slow the machine.
#[derive(Default)]
struct Race {
    acknowledged: AtomicU64,
    cut_off: AtomicU64,
}

impl Race {
    fn is_over(&self) -> bool {
        let acknowledged = self.acknowledged.load(Ordering::Relaxed);
        acknowledged >= ENOUGH && self.cut_off.load(Ordering::Relaxed) == 2 || acknowledged >= 10 * ENOUGH
    }
}

struct Told {
    acknowledged: Vec<(Uuid, u64)>,
    void: Vec<Uuid>,
    generations: u64,
}

/// Writes until the race is over.
async fn write(owner: Arc<Owner>, race: Arc<Race>) -> Told {
    let mut told = Told {
        acknowledged: Vec::new(),
        void: Vec::new(),
        generations: 0,
    };
    let mut batches = 0;
    while !race.is_over() {
        let generation = timeout(PATIENCE, owner.opened()).await.unwrap().unwrap();
        if generation > 1 && told.generations <= 1 {
            race.cut_off.fetch_add(1, Ordering::Relaxed);
        }
        told.generations = generation;
        let mut flying = Vec::with_capacity(IN_FLIGHT);
        for number in 0..IN_FLIGHT {
            let whole = draft("ord_1", "raced");
            let command = whole.cause.command;
            match owner.append(generation, vec![whole; 1 + number % 3]) {
                Ok(pending) => flying.push((command, pending)),
                Err(AppendError::NotOpen(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let outcomes = flying
            .into_iter()
            .map(|(command, pending)| async move { (command, pending.await) });
        for (command, outcome) in timeout(PATIENCE, join_all(outcomes)).await.unwrap() {
            match outcome {
                Outcome::Committed { last, .. } => {
                    race.acknowledged.fetch_add(1, Ordering::Relaxed);
                    told.acknowledged.push((command, last));
                }
                Outcome::Void => told.void.push(command),
                Outcome::Unknown(error) => panic!("{error}"),
            }
        }
        batches += 1;
        if batches % BATCHES == 0 {
            sleep(PAUSE).await;
        }
    }
    told
}

/// Follows the log until it has read the commit that ends it.
async fn follow(port: Arc<dyn Port>, last: Uuid) -> Vec<Commit> {
    let mut reader = Reader::new(port, vec![start()], Check::Links);
    let mut reads = Vec::new();
    loop {
        let batch = timeout(PATIENCE, reader.next_batch(100)).await.unwrap().unwrap();
        reads.extend(batch.into_iter().map(|read| Arc::unwrap_or_clone(read.commit)));
        if reads.last().unwrap().events[0].envelope.command == last {
            return reads;
        }
    }
}

pub async fn two_writers_racing_on_one_shard_lose_nothing_acknowledged_and_show_nothing_refused<K: Keeper>() {
    let keeper = K::fresh().await;
    let end = draft("ord_1", "end");
    let following = tokio::spawn(follow(keeper.port().await, end.cause.command));
    let race = Arc::new(Race::default());
    let (left, right) = tokio::join!(async { open(keeper.port().await, "left").await }, async {
        open(keeper.port().await, "right").await
    });
    let (told_left, told_right) = tokio::join!(
        tokio::spawn(write(left.clone(), race.clone())),
        tokio::spawn(write(right.clone(), race.clone()))
    );
    let (told_left, told_right) = (told_left.unwrap(), told_right.unwrap());
    left.close().await;
    right.close().await;
    let last = open(keeper.port().await, "last").await;
    crate::keeper::committed(crate::keeper::append(&last, vec![end]).await).await;
    last.close().await;

    let port = keeper.port().await;
    let (reads, tally) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    let followed = following.await.unwrap();
    assert!(
        reads.iter().map(|read| &read.commit).eq(&followed),
        "two readers disagree"
    );
    println!(
        "{} and {} acknowledged, {} and {} void to their writers, generations {} and {}, {tally:?}",
        told_left.acknowledged.len(),
        told_right.acknowledged.len(),
        told_left.void.len(),
        told_right.void.len(),
        told_left.generations,
        told_right.generations,
    );
    let mut seen: HashMap<Uuid, u64> = HashMap::new();
    for read in &reads {
        let command = read.commit.events[0].envelope.command;
        assert_eq!(
            seen.insert(command, read.commit.offset()),
            None,
            "{command} is there twice"
        );
    }
    for told in [&told_left, &told_right] {
        for (command, offset) in &told.acknowledged {
            assert_eq!(seen.get(command), Some(offset), "{command} was acknowledged");
        }
        for command in &told.void {
            assert!(!seen.contains_key(command), "{command} was refused");
        }
    }
    // Everything that was sent has been told: nothing else is in the log.
    let events = reads.iter().filter(|read| !read.commit.is_control()).count();
    assert_eq!(events, told_left.acknowledged.len() + told_right.acknowledged.len() + 1);
    // It was a race: each cut the other off.
    assert!(told_left.generations > 1 && told_right.generations > 1);
}

pub async fn a_writer_with_a_lower_assignment_yields<K: Keeper>() {
    let keeper = K::fresh().await;
    let port = keeper.port().await;
    let low = open(port.clone(), "low").await;
    let clock = Arc::new(SystemClock);
    let high = Owner::open(keeper.port().await, start(), identity("high", 2), clock, limits()).await;
    let high = high.unwrap();
    let cut_off = low.append(low.generation(), vec![draft("ord_1", "cut off")]).unwrap();
    assert!(matches!(crate::keeper::outcome(cut_off).await, Outcome::Void));
    let ended = timeout(PATIENCE, low.opened()).await.unwrap();
    assert_eq!(ended, Err(Closed::Superseded { assignment: 2 }));
    let end = port.end(SHARD).await.unwrap();
    let kept = crate::keeper::append(&high, vec![draft("ord_1", "kept")]).await;
    assert!(crate::keeper::committed(kept).await >= end);
    low.close().await;
    high.close().await;
}
