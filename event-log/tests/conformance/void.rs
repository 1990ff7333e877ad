//! What readers do not see, and what stops none of them.

use std::sync::Arc;

use event_log::{chain::Hash, chain_reader::Check, port::Port, reader::Reader, record::Record};
use tokio::time::timeout;

use crate::{
    keeper::{Keeper, PATIENCE, Seen, append, commands, committed, open, read_all, start, ten_commits},
    scribe::{SHARD, Scribe, draft, foreign},
};

pub async fn a_record_in_flight_that_lands_after_the_barrier_is_void<K: Keeper>() {
    let keeper = K::fresh().await;
    let first = ten_commits(&keeper).await;
    let port = keeper.port().await;
    // A session that is open, with a commit that its appender has not sent yet.
    let (mut sleeper, barrier) = Scribe::open(&first[10].checkpoint);
    let mut appender = port.appender(SHARD).await.unwrap();
    appender.append(vec![barrier]).await.unwrap().unwrap();
    let late = sleeper.whole();

    let owner = open(keeper.port().await, "next").await;
    let before = committed(append(&owner, vec![draft("ord_1", "before")]).await).await;
    let end = port.end(SHARD).await.unwrap();
    let landed = appender.append(vec![late.clone()]).await.unwrap().is_ok();
    let inserted = port.end(SHARD).await.unwrap() - end;
    // Kafka takes it, and it is void. Postgres inserts nothing.
    assert_eq!(inserted, u64::from(landed));
    let after = committed(append(&owner, vec![draft("ord_1", "after")]).await).await;
    assert!(after > before);
    owner.close().await;

    let (reads, tally) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    assert_eq!(tally.void, inserted);
    let hash = late.links().unwrap().1;
    assert!(reads.iter().all(|read| read.commit.events[0].hash != hash));
    assert_eq!(commands(&reads).len(), 12);
}

/// Void records of three kinds between valid ones: the commits that readers must see.
async fn littered<K: Keeper>(keeper: &K) -> Vec<Seen> {
    let first = ten_commits(keeper).await;
    let mut sleeper = Scribe::on(first[3].checkpoint.head);
    for number in 0..5 {
        let mut litter: Vec<Record> = vec![foreign(), Scribe::on(Hash([number; 32])).whole()];
        litter.extend(sleeper.commit(2));
        keeper.put(litter).await;
        let owner = open(keeper.port().await, "between").await;
        for parts in 1..3 {
            let whole = draft("ord_1", "between");
            committed(append(&owner, vec![whole; parts]).await).await;
        }
        owner.close().await;
    }
    let port = keeper.port().await;
    let (reads, tally) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    assert_eq!((tally.void, tally.foreign), (20, 5));
    assert_eq!(commands(&reads).len(), 20);
    assert_eq!(reads[..11], first[..]);
    reads
}

pub async fn void_and_foreign_records_and_a_sleeping_writer_stop_nobody<K: Keeper>() {
    let keeper = K::fresh().await;
    let port = keeper.port().await;
    let owner = open(port.clone(), "one").await;
    let generation = owner.generation();
    committed(append(&owner, vec![draft("ord_1", "before")]).await).await;
    // Rejected between two accepted ones, while the writer is at it.
    keeper.put(vec![foreign(), Scribe::on(Hash([9; 32])).whole()]).await;
    let pending = owner.append(generation, vec![draft("ord_1", "between")]).unwrap();
    // It is chained on the head all the same; only its report could not prove it.
    committed(pending).await;
    committed(append(&owner, vec![draft("ord_1", "after")]).await).await;
    assert!(owner.generation() > generation);
    owner.close().await;
    let (reads, tally) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    assert_eq!((commands(&reads).len(), tally.void), (3, 2));

    littered(&K::fresh().await).await;
}

pub async fn a_commit_cut_short_is_void<K: Keeper>() {
    let keeper = K::fresh().await;
    let first = ten_commits(&keeper).await;
    let (mut cut, barrier) = Scribe::open(&first[10].checkpoint);
    let mut parts = cut.commit(3);
    parts.truncate(2);
    // What is chained on the missing part is void with it.
    let after = {
        let mut scribe = cut.clone();
        scribe.whole()
    };
    let port = keeper.port().await;
    port.appender(SHARD)
        .await
        .unwrap()
        .append(vec![barrier])
        .await
        .unwrap()
        .unwrap();
    keeper.put(parts).await;
    keeper.put(vec![after]).await;

    let owner = open(keeper.port().await, "next").await;
    committed(append(&owner, vec![draft("ord_1", "next")]).await).await;
    owner.close().await;
    let (reads, tally) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    assert_eq!((commands(&reads).len(), tally.void), (11, 3));
}

pub async fn resuming_from_every_position_gives_the_same_suffix<K: Keeper>() {
    let keeper = K::fresh().await;
    let reads = Arc::new(littered(&keeper).await);
    let port: Arc<dyn Port> = keeper.port().await;
    let from = std::iter::once(start()).chain(reads.iter().map(|read| read.checkpoint.clone()));
    let mut resumed = Vec::new();
    for (seen, checkpoint) in from.enumerate() {
        let (port, reads) = (port.clone(), reads.clone());
        resumed.push(tokio::spawn(async move {
            let mut reader = Reader::new(port, vec![checkpoint], Check::Hashes);
            for expected in &reads[seen..] {
                let read = timeout(PATIENCE, reader.next()).await.unwrap().unwrap();
                assert_eq!(*read.commit, expected.commit);
            }
        }));
    }
    for resumed in resumed {
        resumed.await.unwrap();
    }
}
