//! Refusals write nothing: what makes them current is a confirmation.

use event_log::{chain_reader::Check, envelope::CHECKED};
use tokio::time::timeout;

use crate::{
    keeper::{Keeper, PATIENCE, append, committed, open, read_all, start},
    scribe::{SHARD, draft},
};

pub async fn a_refusal_is_confirmed_when_nobody_else_wrote<K: Keeper>() {
    let keeper = K::fresh().await;
    let port = keeper.port().await;
    let owner = open(port.clone(), "one").await;
    let generation = owner.generation();
    for _ in 0..3 {
        let waiting: Vec<_> = (0..100).map(|_| owner.confirm(generation).unwrap()).collect();
        for confirmation in waiting {
            timeout(PATIENCE, confirmation).await.unwrap().unwrap();
        }
    }
    // One look settles all that wait: at most two for each hundred.
    let appended = port.end(SHARD).await.unwrap() - 1;
    assert!(appended <= 6, "{appended} records for three rounds");
    assert_eq!(owner.generation(), generation);
    owner.close().await;
    let (reads, _) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    let checks = reads.iter().skip(1);
    assert!(checks.clone().all(|read| read.commit.is_control()));
    assert!(
        checks
            .clone()
            .all(|read| read.commit.events[0].envelope.event_type == CHECKED)
    );
}

pub async fn a_refusal_is_confirmed_by_a_commit_sent_after_it<K: Keeper>() {
    let keeper = K::fresh().await;
    let port = keeper.port().await;
    let owner = open(port.clone(), "one").await;
    let generation = owner.generation();
    // In flight before the decision: that proves nothing about it.
    let before = owner.append(generation, vec![draft("ord_1", "before")]).unwrap();
    let confirmation = owner.confirm(generation).unwrap();
    let after = owner.append(generation, vec![draft("ord_1", "after")]).unwrap();
    timeout(PATIENCE, confirmation).await.unwrap().unwrap();
    committed(before).await;
    committed(after).await;
    assert_eq!(port.end(SHARD).await.unwrap(), 3, "no check was needed");

    let before = owner.append(generation, vec![draft("ord_1", "before")]).unwrap();
    let confirmation = owner.confirm(generation).unwrap();
    timeout(PATIENCE, confirmation).await.unwrap().unwrap();
    committed(before).await;
    owner.close().await;
}

pub async fn a_refusal_of_a_writer_that_was_cut_off_is_not_confirmed<K: Keeper>() {
    let keeper = K::fresh().await;
    let old = open(keeper.port().await, "old").await;
    let generation = old.generation();
    let new = open(keeper.port().await, "new").await;
    committed(append(&new, vec![draft("ord_1", "unseen by the old one")]).await).await;
    let confirmation = old.confirm(generation).unwrap();
    assert!(timeout(PATIENCE, confirmation).await.unwrap().is_err());
    // It reopens by itself, and then has seen what the other wrote.
    let current = timeout(PATIENCE, old.opened()).await.unwrap().unwrap();
    assert!(current > generation);
    assert_eq!(
        old.tail(current, |tail| tail.events("ord_1", "ord_1", 0).len())
            .unwrap(),
        1
    );
    old.close().await;
    new.close().await;
}
