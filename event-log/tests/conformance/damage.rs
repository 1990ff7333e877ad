//! What stops a reader, with topic, partition and offset.

use std::sync::Arc;

use domain::clock::SystemClock;
use event_log::{
    chain_reader::Check,
    checkpoint::Checkpoint,
    owner::Owner,
    port::{LogError, Port},
    reader::Reader,
};
use tokio::time::timeout;

use crate::{
    keeper::{Keeper, PATIENCE, Tampering, identity, limits, start, ten_commits},
    scribe::SHARD,
};

/// The offset at which a reader stops, and the offsets of the commits that it read before.
async fn stopped_at(port: &Arc<dyn Port>, from: Checkpoint, check: Check) -> (Vec<u64>, u64) {
    let mut reader = Reader::new(port.clone(), vec![from], check);
    let mut read = Vec::new();
    loop {
        match timeout(PATIENCE, reader.next()).await.unwrap() {
            Ok(next) => read.push(next.commit.offset()),
            Err(LogError::Broken { shard, offset, reason }) => {
                assert_eq!(shard, SHARD);
                println!("stopped at {shard} {offset}: {reason}");
                // It does not go on when it is asked again.
                assert!(timeout(PATIENCE, reader.next()).await.unwrap().is_err());
                return (read, offset);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Tampers with the record at offset 5, and reads from the start and from the checkpoint just before.
async fn stops<K: Keeper>(tampering: Tampering, check: Check, at: u64) {
    let keeper = K::fresh().await;
    let before = ten_commits(&keeper).await[4].checkpoint.clone();
    let port = keeper.tampered(tampering).await;
    assert_eq!(stopped_at(&port, start(), check).await, ((0..5).collect(), at));
    assert_eq!(stopped_at(&port, before, check).await, (vec![], at));
}

pub async fn a_changed_byte_stops_the_reader<K: Keeper>() {
    stops::<K>(Tampering::ChangeValue(5), Check::Hashes, 5).await;
}

pub async fn a_removed_record_stops_the_reader<K: Keeper>() {
    stops::<K>(Tampering::Remove(5), Check::Links, 5).await;
}

pub async fn a_swapped_pair_stops_the_reader<K: Keeper>() {
    // The first of the two is void; the second has a lower number of the same session.
    stops::<K>(Tampering::Swap(5), Check::Links, 6).await;
}

pub async fn a_log_truncated_under_a_checkpoint_is_noticed<K: Keeper>() {
    let keeper = K::fresh().await;
    let reads = ten_commits(&keeper).await;
    let port = keeper.truncated(8).await;
    let (read, at) = stopped_at(&port, reads[10].checkpoint.clone(), Check::Links).await;
    assert_eq!((read, at), (vec![], 8));

    // Nor does a writer go on from there.
    let (clock, from) = (Arc::new(SystemClock), reads[10].checkpoint.clone());
    let refused = Owner::open(port.clone(), from, identity("late", 1), clock.clone(), limits()).await;
    assert!(matches!(refused, Err(LogError::Broken { .. })), "{refused:?}");

    // Also when it has grown again since, with something else.
    let owner = Owner::open(
        port.clone(),
        reads[5].checkpoint.clone(),
        identity("next", 1),
        clock,
        limits(),
    );
    let owner = owner.await.unwrap();
    for _ in 0..5 {
        let pending = crate::keeper::append(&owner, vec![crate::scribe::draft("ord_1", "else")]).await;
        crate::keeper::committed(pending).await;
    }
    owner.close().await;
    let (read, at) = stopped_at(&port, reads[10].checkpoint.clone(), Check::Links).await;
    assert_eq!((read, at), (vec![], 10));
}
