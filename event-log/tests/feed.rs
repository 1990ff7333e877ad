//! One reading for many followers, on a real Postgres.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets an error has failed; the lint exempts test functions only"
)]

#[path = "postgres_adapter/fixture.rs"]
mod fixture;

use std::time::Duration;

use event_log::{
    chain::Hash,
    chain_reader::Check,
    checkpoint::Checkpoint,
    feed::{Feed, Follower, Rest},
    log::{Log, LogSettings},
    port::{Appender, LogError},
    reader::{BATCH_BYTES, Read},
    shard::Shard,
};
use fixture::{Hand, ORDERS, database};
use tokio::time::timeout;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_mins(1);
/// More than a ring keeps.
const MANY: usize = 4_000;

async fn append(hand: &mut Hand, appender: &mut dyn Appender, commits: usize) {
    for report in hand.append(appender, commits).await {
        report.unwrap();
    }
}

async fn read(follower: &mut Follower, commits: usize, most: usize) -> Vec<Read> {
    let mut seen = Vec::new();
    while seen.len() < commits {
        seen.extend(timeout(PATIENCE, follower.next_batch(most)).await.unwrap().unwrap());
    }
    seen
}

fn commands(reads: &[Read]) -> Vec<Uuid> {
    reads
        .iter()
        .map(|read| read.commit.events[0].envelope.command)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_follower_reads_each_commit_once_and_in_order_wherever_it_begins() {
    let log = Log::open(LogSettings::new(database().await)).await.unwrap();
    let (mut hand, mut appender) = (Hand::new(ORDERS), log.port().appender(ORDERS).await.unwrap());
    append(&mut hand, appender.as_mut(), 50).await;

    let feed = Feed::start(&log, Check::Hashes).await.unwrap();
    let now = log.archive().checkpoint(ORDERS).await.unwrap();
    let mut from_the_start = feed.follow(vec![Checkpoint::start(ORDERS)], Rest::NONE);
    let mut from_now_on = feed.follow(
        vec![now],
        Rest {
            times: 2,
            least: Duration::from_millis(20),
            most: Duration::from_millis(50),
        },
    );
    let mut slow = feed.follow(vec![Checkpoint::start(ORDERS)], Rest::NONE);
    assert_eq!(read(&mut slow, 3, 3).await.len(), 3);

    let ((), early, late) = tokio::join!(
        append(&mut hand, appender.as_mut(), MANY),
        read(&mut from_the_start, 50 + MANY, 7),
        read(&mut from_now_on, MANY, 500),
    );
    assert_eq!(commands(&early), hand.commands);
    assert_eq!(commands(&late), hand.commands[50..]);
    assert!(early.iter().all(|read| read.records.len() == read.commit.events.len()));
    // The ring has moved on from where this one stands.
    assert_eq!(commands(&read(&mut slow, 50 + MANY - 3, 300).await), hand.commands[3..]);

    let resumed_at = 50 + MANY - 10;
    let mut resumed = feed.follow(vec![early[resumed_at - 1].checkpoint.clone()], Rest::NONE);
    assert_eq!(
        commands(&read(&mut resumed, 10, 100).await),
        hand.commands[resumed_at..]
    );
    append(&mut hand, appender.as_mut(), 1).await;
    for follower in [&mut from_the_start, &mut from_now_on, &mut slow, &mut resumed] {
        assert_eq!(commands(&read(follower, 1, 100).await), hand.commands[50 + MANY..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_bounded_in_bytes_too_and_no_shard_keeps_another_out() {
    const EACH: usize = 1 << 20;
    const COMMITS: usize = 12;
    let log = Log::open(LogSettings::new(database().await)).await.unwrap();
    let shards = [ORDERS, Shard { partition: 1, ..ORDERS }];
    let feed = Feed::start(&log, Check::Links).await.unwrap();
    // These are further back than the ring of a shard reaches.
    for shard in shards {
        let (mut hand, mut appender) = (Hand::new(shard), log.port().appender(shard).await.unwrap());
        hand.padding = EACH;
        append(&mut hand, appender.as_mut(), COMMITS).await;
    }
    let mut follower = feed.follow(shards.map(Checkpoint::start).to_vec(), Rest::NONE);
    let mut seen = 0;
    while seen < shards.len() * COMMITS {
        let batch = timeout(PATIENCE, follower.next_batch(1_000)).await.unwrap().unwrap();
        seen += batch.len();
        // One bound for what the rings have, one for what has to be read again.
        assert!(batch.len() <= 2 * (BATCH_BYTES / EACH), "{} commits", batch.len());
    }
    let at = follower.checkpoints();
    for shard in shards {
        let (mut hand, mut appender) = (Hand::new(shard), log.port().appender(shard).await.unwrap());
        hand.head = log.archive().checkpoint(shard).await.unwrap().head;
        append(&mut hand, appender.as_mut(), 5).await;
    }
    // The feed has come to the end of both.
    read(&mut follower, 5 * shards.len(), 1_000).await;
    // With room for one commit, each shard has its turn.
    let mut follower = feed.follow(at, Rest::NONE);
    let first = read(&mut follower, 4, 1).await;
    let of = |shard| first.iter().filter(|read| read.commit.shard == shard).count();
    assert!(shards.map(of).into_iter().all(|commits| commits > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_the_log_does_not_have_is_told_apart() {
    let log = Log::open(LogSettings::new(database().await)).await.unwrap();
    let feed = Feed::start(&log, Check::Links).await.unwrap();
    let (mut hand, mut appender) = (Hand::new(ORDERS), log.port().appender(ORDERS).await.unwrap());
    append(&mut hand, appender.as_mut(), 5).await;
    let mut follower = feed.follow(vec![Checkpoint::start(ORDERS)], Rest::NONE);
    let mut strange = read(&mut follower, 5, 5).await[2].checkpoint.clone();
    strange.head = Hash([7; 32]);
    let mut lost = feed.follow(vec![strange], Rest::NONE);
    match timeout(PATIENCE, lost.next_batch(5)).await.unwrap() {
        Err(LogError::Broken { shard, offset, .. }) => assert_eq!((shard, offset), (ORDERS, 2)),
        other => panic!("{other:?}"),
    }
}
