//! The archive: snapshots, pages, positions.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::TimeDelta;
use domain::id;
use event_log::{
    archive::{
        history::{Of, Page},
        load::LoadRequest,
    },
    port::LogError,
    position::Position,
    shard::Shard,
};
use futures::TryStreamExt;

use crate::{
    fixture::{Hand, ORDERS, start_of_time},
    log,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_load_during_appends_is_of_one_snapshot() {
    let log = log().await;
    let done = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (log, done) = (log.clone(), done.clone());
        async move {
            let mut hand = Hand::new(ORDERS);
            let mut appender = log.port().appender(ORDERS).await.unwrap();
            for _ in 0..300 {
                let report = appender.append(hand.commit(2));
                report.await.unwrap().unwrap();
            }
            done.store(true, Ordering::Release);
        }
    });
    let streams = ["ord_1-0".to_owned(), "ord_1-1".to_owned()];
    let mut seen = Vec::new();
    while !done.load(Ordering::Acquire) {
        let loaded = log.archive().load(ORDERS, "ord_1", &streams, &[]).await.unwrap();
        let counts = streams
            .each_ref()
            .map(|s| loaded.streams.get(s).map_or(0, |events| events.len()) as u64);
        assert_eq!(
            counts,
            [loaded.next / 2; 2],
            "both halves of each commit below the checkpoint"
        );
        seen.push(loaded.next);
    }
    writing.await.unwrap();
    assert!(seen.is_sorted());
    seen.dedup();
    assert!(seen.len() > 3, "the loads saw the log move: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_are_answered_at_once_each_with_its_own() {
    let log = log().await;
    let other = Shard { partition: 1, ..ORDERS };
    let mut hands = [Hand::new(ORDERS), Hand::new(other)];
    hands[1].scope = "ord_2".to_owned();
    for (hand, shard) in hands.iter_mut().zip([ORDERS, other]) {
        let mut appender = log.port().appender(shard).await.unwrap();
        for _ in 0..3 {
            appender.append(hand.commit(2)).await.unwrap().unwrap();
        }
    }
    let unknown = id::generate();
    let request = |shard, scope: &str, streams: &[&str], commands: &[_]| LoadRequest {
        shard,
        scope: scope.to_owned(),
        streams: streams.iter().map(ToString::to_string).collect(),
        whole_scope: streams.is_empty(),
        commands: commands.to_vec(),
    };
    let loaded = log
        .archive()
        .load_many(vec![
            request(ORDERS, "ord_1", &["ord_1-1", "ord_9"], &[hands[0].commands[1], unknown]),
            request(other, "ord_2", &[], &[hands[0].commands[0]]),
            request(other, "ord_1", &["ord_1-1"], &[]),
        ])
        .await
        .unwrap();
    let loaded: Vec<_> = loaded.into_iter().map(Result::unwrap).collect();
    assert_eq!(loaded.iter().map(|l| l.next).collect::<Vec<_>>(), [6, 6, 6]);
    let versions: Vec<_> = loaded[0].streams["ord_1-1"]
        .iter()
        .map(|e| e.envelope.version)
        .collect();
    assert_eq!(versions, [1, 2, 3]);
    assert_eq!(loaded[0].streams.len(), 1);
    let parts = &loaded[0].commands[&hands[0].commands[1]];
    assert_eq!(parts.iter().map(|e| e.offset).collect::<Vec<_>>(), [2, 3]);
    assert!(!loaded[0].commands.contains_key(&unknown));
    assert_eq!(loaded[1].streams.len(), 2, "the whole scope");
    assert!(
        loaded[1].commands.is_empty(),
        "a command of another shard is not this one's"
    );
    assert!(
        loaded[2].streams.is_empty(),
        "a stream of another shard is not this one's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_the_same_stream_share_it_and_one_that_can_not_be_read_fails_its_own_alone() {
    let log = log().await;
    let other = Shard { partition: 1, ..ORDERS };
    for (shard, scope) in [(ORDERS, "ord_1"), (other, "ord_2")] {
        let mut hand = Hand::new(shard);
        hand.scope = scope.to_owned();
        let mut appender = log.port().appender(shard).await.unwrap();
        hand.append(appender.as_mut(), 3).await;
    }
    let request = |shard, scope: &str| LoadRequest {
        shard,
        scope: scope.to_owned(),
        streams: vec![format!("{scope}-0")],
        whole_scope: false,
        commands: Vec::new(),
    };
    sqlx::query("update log_record set headers = '\\x00' where stream = 'ord_2-0' and \"offset\" = 0")
        .execute(log.archive().pool())
        .await
        .unwrap();
    let requests = vec![
        request(ORDERS, "ord_1"),
        request(other, "ord_2"),
        request(ORDERS, "ord_1"),
    ];
    let mut loaded = log.archive().load_many(requests).await.unwrap();
    let mut stream = |index: usize| {
        loaded
            .swap_remove(index)
            .map(|mut loaded| loaded.streams.remove("ord_1-0"))
    };
    let (last, bad, first) = (stream(2), stream(1), stream(0));
    assert!(matches!(bad, Err(LogError::Broken { offset: 0, .. })), "{bad:?}");
    let (first, last) = (first.unwrap().unwrap(), last.unwrap().unwrap());
    assert!(!first.is_empty() && Arc::ptr_eq(&first, &last));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_commits_are_never_cut_within_a_commit() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    for parts in [1, 5, 2, 7, 1] {
        appender.append(hand.commit(parts)).await.unwrap().unwrap();
    }
    let (mut after, mut commits) = (None, Vec::new());
    loop {
        let page = log.archive().commits_after(ORDERS, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.offset());
        commits.extend(page.iter().map(|commit| commit.events.len()));
    }
    assert_eq!(commits, [1, 5, 2, 7, 1]);
    let records: Vec<_> = log.archive().records(ORDERS, 4).try_collect().await.unwrap();
    assert_eq!(records.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_paged_from_either_end() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    for _ in 0..5 {
        appender.append(hand.commit(2)).await.unwrap().unwrap();
    }
    let archive = log.archive();
    let offsets = |of, page| async move {
        let events = archive.history(ORDERS, of, page).await.unwrap();
        events.iter().map(|event| event.offset).collect::<Vec<_>>()
    };
    let (stream, scope) = (Of::Stream("ord_1-1"), Of::Scope("ord_1"));
    assert_eq!(offsets(stream, Page::first(2)).await, [1, 3]);
    let next = Page {
        after: Some(3),
        ..Page::first(2)
    };
    assert_eq!(offsets(stream, next).await, [5, 7]);
    let last = Page {
        from_end: true,
        ..Page::first(3)
    };
    assert_eq!(offsets(scope, last).await, [7, 8, 9]);
    let before = Page {
        before: Some(7),
        from_end: true,
        ..Page::first(2)
    };
    assert_eq!(offsets(scope, before).await, [5, 6]);
    assert_eq!(offsets(stream, Page::until(5)).await, [1, 3, 5]);
    assert_eq!(
        archive.locate("ord_1-1").await.unwrap(),
        Some((ORDERS, "ord_1".to_owned()))
    );
    assert_eq!(archive.locate("ord_7").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_by_time_is_that_of_the_last_record_recorded_by_then() {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    hand.append(appender.as_mut(), 37).await;
    // Kafka's archive has gaps where void records lie.
    sqlx::query("delete from log_record where \"offset\" in (11, 12)")
        .execute(log.archive().pool())
        .await
        .unwrap();
    let at = |seconds| log.archive().position_at(start_of_time() + TimeDelta::seconds(seconds));
    // The commit of version n was recorded at second n and lies at offset n - 1.
    assert_eq!(at(0).await.unwrap(), Position::start(log.id()));
    for seconds in 1..=37_u32 {
        let found = at(seconds.into()).await.unwrap().offsets[&ORDERS];
        let expected = u64::from(seconds) - 1;
        // Within a gap, any position of it says the same.
        let same = if (10..=12).contains(&expected) {
            10..=12
        } else {
            expected..=expected
        };
        assert!(same.contains(&found), "{seconds}: {found}");
    }
    assert_eq!(at(1000).await.unwrap(), log.archive().position().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_tells_how_far_the_archive_has_come() {
    let log = log().await;
    let watch = log.archive().watch().clone();
    let waiting = tokio::spawn({
        let watch = watch.clone();
        async move { watch.reached(ORDERS, 2).await }
    });
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    hand.append(appender.as_mut(), 3).await;
    waiting.await.unwrap().unwrap();
    assert_eq!(watch.next(ORDERS), 3);
    assert!(
        watch
            .subscribe(Shard {
                partition: 77,
                ..ORDERS
            })
            .is_none()
    );
}
