//! One writer: contiguity, commits of many parts, limits, the tail, the end.

use std::time::Duration;

use event_log::{
    chain::link,
    chain_reader::Check,
    limits::Limits,
    owner::{AppendError, NotOpen, Outcome},
    port::LogError,
    tail::Tail,
};
use futures::{StreamExt, future::join_all};
use tokio::time::timeout;

use crate::{
    keeper::{
        Keeper, PATIENCE, Seen, append, commands, committed, limits, open, open_from, outcome, read_all, start,
        ten_commits,
    },
    scribe::{SHARD, draft},
};

pub async fn appends_by_one_writer_are_contiguous_and_chained<K: Keeper>() {
    let keeper = K::fresh().await;
    let port = keeper.port().await;
    let owner = open(port.clone(), "one").await;
    let generation = owner.generation();
    let drafts: Vec<_> = (0..1000).map(|number| draft("ord_1", &number.to_string())).collect();
    let sent: Vec<_> = drafts.iter().map(|draft| draft.cause.command).collect();
    let pending: Vec<_> = drafts
        .into_iter()
        .map(|draft| owner.append(generation, vec![draft]).unwrap())
        .collect();
    let offsets = join_all(pending.into_iter().map(committed)).await;
    assert_eq!(offsets, (1..=1000).collect::<Vec<_>>());
    assert_eq!(owner.generation(), generation);

    let (reads, tally) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    assert_eq!(commands(&reads), sent);
    assert_eq!((tally.commits, tally.void), (1001, 0));
    let records = port.read(vec![(SHARD, 0)]).await.unwrap().take(1001);
    let records: Vec<_> = records.map(|stored| stored.unwrap().1.record).collect().await;
    for pair in records.windows(2) {
        let (prev, hash) = pair[1].links().unwrap();
        assert_eq!(pair[0].links().unwrap().1, prev);
        assert_eq!(link(prev, &pair[1]), hash);
    }
    let recorded = |read: &Seen| read.commit.events[0].envelope.recorded;
    assert!(reads.is_sorted_by_key(recorded));
    owner.close().await;
}

pub async fn the_parts_of_a_commit_are_appended_together<K: Keeper>() {
    let keeper = K::fresh().await;
    let port = keeper.port().await;
    let owner = open(port.clone(), "one").await;
    let mut expected = Vec::new();
    for parts in 1..=20 {
        let whole = draft("ord_1", "parts");
        let pending = append(&owner, vec![whole; parts]).await;
        let Outcome::Committed { first, last, .. } = outcome(pending).await else {
            panic!("not committed");
        };
        assert_eq!(last - first + 1, parts as u64);
        expected.push(parts);
    }
    let (reads, _) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    let read = reads.iter().skip(1).map(|read| read.commit.events.len());
    assert_eq!(read.collect::<Vec<_>>(), expected);
    owner.close().await;
}

pub async fn what_is_too_large_is_refused_before_it_is_chained<K: Keeper>() {
    let keeper = K::fresh().await;
    let small = Limits {
        record_bytes: 2000,
        parts: 3,
        ..limits()
    };
    let owner = open_from(keeper.port().await, "one", start(), small).await;
    let generation = owner.generation();
    let large = draft("ord_1", &"x".repeat(2000));
    assert!(matches!(
        owner.append(generation, vec![large]),
        Err(AppendError::TooLarge { limit: 2000, .. })
    ));
    let many = vec![draft("ord_1", "x"); 4];
    assert_eq!(
        owner.append(generation, many).unwrap_err(),
        AppendError::TooManyParts { parts: 4, limit: 3 }
    );
    assert_eq!(owner.append(generation, vec![]).unwrap_err(), AppendError::Empty);
    // The chain is none the worse for it.
    committed(append(&owner, vec![draft("ord_1", "x")]).await).await;
    assert_eq!(owner.generation(), generation);
    owner.close().await;
}

pub async fn a_writer_that_takes_over_goes_on_where_the_other_stood<K: Keeper>() {
    let keeper = K::fresh().await;
    let first = ten_commits(&keeper).await;
    let port = keeper.port().await;
    // Once from the start and once from a checkpoint on the way.
    for from in [start(), first[4].checkpoint.clone()] {
        let next = port.end(SHARD).await.unwrap();
        let owner = open_from(port.clone(), "next", from, limits()).await;
        let offset = committed(append(&owner, vec![draft("ord_1", "next")]).await).await;
        assert_eq!(offset, next + 1);
        owner.close().await;
    }
    let (reads, tally) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    assert_eq!((reads.len(), tally.void), (15, 0));
    assert_eq!(reads[..11], first[..]);
}

pub async fn the_tail_holds_what_the_archive_does_not<K: Keeper>() {
    let keeper = K::fresh().await;
    let first = ten_commits(&keeper).await;
    let port = keeper.port().await;
    let archived = first[4].checkpoint.clone();
    let owner = open_from(port, "two", archived.clone(), limits()).await;
    let generation = owner.generation();
    let of = |read: &Seen| read.commit.events[0].envelope.command;

    // What was read while taking over.
    let read = |tail: &Tail| {
        let known = tail.command(of(&first[5])).expect("it is past the archive");
        assert!(known.pending.is_none());
        assert!(tail.command(of(&first[4])).is_none());
        assert_eq!(tail.start(), archived.next);
        assert_eq!(tail.scope_streams("ord_1").collect::<Vec<_>>(), ["ord_1"]);
        tail.events("ord_1", "ord_1", 0).len()
    };
    assert_eq!(owner.tail(generation, read).unwrap(), 6);

    // What is in flight, and how it ends.
    let mut second = draft("ord_1", "second");
    second.version = 7;
    let command = second.cause.command;
    let pending = owner.append(generation, vec![second]).unwrap();
    let known = |tail: &Tail| {
        assert_eq!(tail.events("ord_1", "ord_1", 6).len(), 1);
        tail.command(command).cloned()
    };
    let joined = owner.tail(generation, known).unwrap().unwrap();
    let offset = committed(pending).await;
    assert_eq!(committed(joined.pending.unwrap()).await, offset);
    assert_eq!(joined.commit.offset(), offset);

    // The archive has come to the end: what it has is no longer counted, and kept until it may be forgotten.
    let end = owner.checkpoint().next;
    assert!(owner.tail(generation, Tail::unarchived_bytes).unwrap() > 0);
    owner.forget(end, end);
    owner.archived(end);
    assert_eq!(owner.tail(generation, Tail::unarchived_bytes).unwrap(), 0);
    assert_eq!(
        owner
            .tail(generation, |tail| tail.events("ord_1", "ord_1", 0).len())
            .unwrap(),
        7
    );
    owner.forget(offset, end);
    let left = |tail: &Tail| (tail.start(), tail.events("ord_1", "ord_1", 0).len());
    // The barrier is between them.
    assert_eq!(owner.tail(generation, left).unwrap(), (offset - 1, 1));
    owner.forget(end, end);
    assert_eq!(
        owner
            .tail(generation, |tail| tail.events("ord_1", "ord_1", 0).len())
            .unwrap(),
        0
    );
    assert_eq!(owner.tail(generation, Tail::bytes).unwrap(), 0);
    let stale = NotOpen::Stale { current: generation };
    assert_eq!(owner.tail(generation - 1, |_| ()).unwrap_err(), stale);

    // Past its bound, nothing more is taken.
    owner.close().await;
    let bounded = Limits {
        tail_bytes: 5000,
        grace_bytes: 2000,
        ..limits()
    };
    let owner = open_from(keeper.port().await, "three", owner.checkpoint(), bounded).await;
    let mut taken = 0;
    while let Ok(pending) = owner.append(owner.generation(), vec![draft("ord_1", "more")]) {
        committed(pending).await;
        taken += 1;
        assert!(taken < 100);
    }
    assert!(!owner.has_room());
    let waits = tokio::spawn({
        let owner = owner.clone();
        async move { owner.room().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waits.is_finished());
    let end = owner.checkpoint().next;
    owner.archived(end);
    timeout(PATIENCE, waits).await.unwrap().unwrap();
    committed(append(&owner, vec![draft("ord_1", "more")]).await).await;

    // What is archived is kept as far as it is not too much, and noted.
    let generation = owner.generation();
    let bytes = || owner.tail(generation, Tail::bytes).unwrap();
    assert!(bytes() > 5000);
    owner.forget(0, 0);
    assert!(bytes() > 5000);
    owner.forget(0, end);
    let (all, unarchived) = (bytes(), owner.tail(generation, Tail::unarchived_bytes).unwrap());
    assert!(
        (1000..=2000).contains(&(all - unarchived)),
        "{all} bytes, {unarchived} of them not archived"
    );
    owner.close().await;
}

pub async fn closing_finishes_what_is_in_flight<K: Keeper>() {
    let keeper = K::fresh().await;
    let port = keeper.port().await;
    let owner = open(port.clone(), "one").await;
    let generation = owner.generation();
    let pending: Vec<_> = (0..100)
        .map(|_| owner.append(generation, vec![draft("ord_1", "last")]).unwrap())
        .collect();
    owner.close().await;
    for pending in pending {
        committed(pending).await;
    }
    let refused = owner.append(generation, vec![draft("ord_1", "late")]);
    assert_eq!(refused.unwrap_err(), AppendError::NotOpen(NotOpen::Closed));
    assert_eq!(port.end(SHARD).await.unwrap(), 101);
}

pub async fn a_log_is_not_opened_with_another_partition_count<K: Keeper>() {
    let keeper = K::fresh().await;
    keeper.port().await;
    keeper.open_with(1).await.unwrap();
    let refused = keeper.open_with(2).await;
    assert!(matches!(refused, Err(LogError::Unusable(_))), "{refused:?}");
}
