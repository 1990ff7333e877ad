//! The rule by which readers believe, record by record: what is void, what stops a reader, and what stops nobody.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "chain_rule/interleavings.rs"]
mod interleavings;
#[path = "chain_rule/scribe.rs"]
mod scribe;

use bytes::Bytes;
use event_log::{
    chain::{Hash, genesis},
    chain_reader::{ChainReader, Check, Step},
    checkpoint::Checkpoint,
    commit::Commit,
    envelope::Part,
    limits::MAX_IN_FLIGHT,
    port::LogError,
    record::{Record, Stored},
};
use scribe::{SHARD, Scribe, draft, foreign};

fn start() -> Checkpoint {
    Checkpoint::start(SHARD)
}

/// Reads a log from a checkpoint on.
fn read(log: &[Record], from: Checkpoint, check: Check) -> (ChainReader, Vec<Commit>, Option<LogError>) {
    let mut reader = ChainReader::new(from, check);
    let mut commits = Vec::new();
    for offset in reader.next().. {
        let Some(record) = log.get(usize::try_from(offset).unwrap()) else {
            break;
        };
        match reader.accept(&Stored {
            offset,
            record: record.clone(),
        }) {
            Ok(step) => commits.extend(step.commit),
            Err(error) => return (reader, commits, Some(error)),
        }
    }
    (reader, commits, None)
}

fn offsets(commits: &[Commit]) -> Vec<u64> {
    commits.iter().map(Commit::offset).collect()
}

/// The offsets at which commits end, read from the start without being stopped.
fn commits(log: &[Record]) -> Vec<u64> {
    let (_, commits, error) = read(log, start(), Check::Hashes);
    assert!(error.is_none(), "{error:?}");
    offsets(&commits)
}

fn stops(log: &[Record], from: Checkpoint, check: Check, at: u64) -> String {
    match read(log, from, check).2 {
        Some(LogError::Broken { shard, offset, reason }) => {
            assert_eq!((shard, offset), (SHARD, at), "{reason}");
            reason
        }
        other => panic!("not stopped: {other:?}"),
    }
}

fn written(records: u16) -> (Scribe, Vec<Record>) {
    let mut scribe = Scribe::on(genesis(SHARD));
    let log = (0..records).map(|_| scribe.whole()).collect();
    (scribe, log)
}

#[test]
fn records_chained_on_the_head_extend_the_chain() {
    let (_, log) = written(3);
    assert_eq!(commits(&log), [0, 1, 2]);
}

#[test]
fn a_record_rejected_between_two_accepted_ones_is_void_and_stops_nobody() {
    let (mut scribe, mut log) = written(2);
    log.push(Scribe::on(Hash([7; 32])).whole());
    log.push(scribe.whole());
    assert_eq!(commits(&log), [0, 1, 3]);
}

#[test]
fn a_foreign_record_is_void_and_counted() {
    let (mut scribe, mut log) = written(1);
    log.push(foreign());
    log.push(scribe.whole());
    let (reader, commits, _) = read(&log, start(), Check::Hashes);
    assert_eq!(offsets(&commits), [0, 2]);
    let tally = reader.tally();
    assert_eq!((tally.records, tally.commits, tally.void, tally.foreign), (3, 2, 1, 1));
}

#[test]
fn a_writer_asleep_since_before_the_checkpoint_stops_nobody() {
    let (mut sleeper, mut log) = written(3);
    let (awake, barrier) = Scribe::open(read(&log, start(), Check::Links).0.checkpoint());
    log.push(barrier);
    let mut awake = awake;
    log.push(awake.whole());
    let checkpoint = read(&log, start(), Check::Links).0.checkpoint().clone();
    log.extend(sleeper.commit(2));
    log.push(awake.whole());
    assert_eq!(commits(&log), [0, 1, 2, 3, 4, 7]);
    let (_, rest, error) = read(&log, checkpoint, Check::Hashes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(offsets(&rest), [7]);
}

#[test]
fn a_checkpoint_stands_between_commits() {
    let (mut scribe, mut log) = written(1);
    log.extend(scribe.commit(3).into_iter().take(2));
    let (reader, _, _) = read(&log, start(), Check::Links);
    assert_eq!((reader.next(), reader.checkpoint().next), (3, 1));
}

#[test]
fn the_parts_of_a_commit_are_accepted_together() {
    let (mut scribe, mut log) = written(1);
    log.extend(scribe.commit(3));
    log.push(scribe.whole());
    let (_, commits, _) = read(&log, start(), Check::Hashes);
    assert_eq!(offsets(&commits), [0, 3, 4]);
    assert_eq!(commits[1].events.len(), 3);
}

#[test]
fn a_void_record_between_the_parts_of_a_commit_does_not_cut_it() {
    let (mut scribe, mut log) = written(1);
    let parts = scribe.commit(2);
    log.extend([parts[0].clone(), foreign(), parts[1].clone()]);
    assert_eq!(commits(&log), [0, 3]);
}

#[test]
fn a_commit_cut_short_is_void_and_so_is_what_is_chained_on_it() {
    let (mut scribe, mut log) = written(1);
    let head = read(&log, start(), Check::Links).0.checkpoint().clone();
    let parts = scribe.commit(3);
    log.extend([parts[0].clone(), parts[1].clone()]);
    let after = scribe.whole();
    let (mut other, barrier) = Scribe::open(&head);
    log.extend([after, barrier, parts[2].clone(), other.whole()]);
    // The last part lands after what was chained on it: its session's numbers go back, and it is void.
    let (reader, commits, error) = read(&log, start(), Check::Hashes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(offsets(&commits), [0, 4, 6]);
    assert_eq!(reader.tally().void, 4);
}

#[test]
fn records_that_were_sent_a_second_time_are_void_and_stop_nobody() {
    let (mut scribe, mut log) = written(10);
    // librdkafka resends what was not acknowledged to it, in the same order, and goes on.
    log.extend(log[5..].to_vec());
    log.push(scribe.whole());
    let (reader, commits, error) = read(&log, start(), Check::Hashes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(offsets(&commits), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15]);
    assert_eq!(reader.tally().void, 5);
    for at in 0..log.len() {
        let checkpoint = read(&log[..at], start(), Check::Links).0.checkpoint().clone();
        let (_, rest, error) = read(&log, checkpoint, Check::Links);
        assert!(error.is_none(), "from {at}: {error:?}");
        assert_eq!(rest.last().unwrap().offset(), 15);
    }
}

#[test]
fn parts_that_were_sent_a_second_time_before_the_last_one_came_are_void_and_the_commit_is_whole() {
    for sent in 1..4 {
        let (mut scribe, mut log) = written(2);
        let parts = scribe.commit(4);
        log.extend_from_slice(&parts[..sent]);
        // From the record before on.
        log.push(log[1].clone());
        log.extend(parts);
        log.push(scribe.whole());
        let (reader, commits, error) = read(&log, start(), Check::Hashes);
        assert!(error.is_none(), "{sent} parts sent: {error:?}");
        let last = log.len() as u64 - 1;
        assert_eq!(offsets(&commits), [0, 1, last - 1, last]);
        assert_eq!(commits[2].events.len(), 4);
        assert_eq!(reader.tally().void, 1 + sent as u64);
    }
}

#[test]
fn what_is_sent_again_and_again_is_no_more_than_a_writer_had_in_flight() {
    let (mut scribe, mut log) = written(3);
    let again = log.clone();
    for _ in 0..MAX_IN_FLIGHT {
        log.extend_from_slice(&again);
    }
    log.push(scribe.whole());
    assert_eq!(commits(&log), [0, 1, 2, log.len() as u64 - 1]);
}

#[test]
fn an_offset_without_a_record_stops_nobody_where_the_chain_goes_on_behind_it() {
    let (mut scribe, mut log) = written(2);
    let mut sleeper = Scribe::on(log[0].links().unwrap().1);
    log.push(sleeper.whole());
    log.push(Record::default());
    log.push(sleeper.whole());
    log.push(Scribe::on(Hash([7; 32])).whole());
    let parts = scribe.commit(2);
    log.extend([parts[0].clone(), Record::default(), parts[1].clone()]);
    log.extend([Record::default(), Record::default()]);
    let (mut next, barrier) = Scribe::open(read(&log, start(), Check::Links).0.checkpoint());
    log.extend([barrier, next.whole()]);
    let (reader, commits, error) = read(&log, start(), Check::Hashes);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(offsets(&commits), [0, 1, 8, 11, 12]);
    assert_eq!((reader.tally().void, reader.tally().foreign), (7, 4));
}

#[test]
fn a_record_that_is_gone_stops_every_reader_where_it_was() {
    let (mut scribe, mut log) = written(4);
    log.extend(scribe.commit(3));
    let (mut next, barrier) = Scribe::open(read(&log, start(), Check::Links).0.checkpoint());
    log.extend([barrier, next.whole(), next.whole()]);
    for gone in 0..log.len() - 1 {
        let mut log = log.clone();
        log[gone] = Record::default();
        let gone = gone as u64;
        let checkpoint = match read(&log, start(), Check::Links) {
            (reader, _, Some(LogError::Broken { offset, reason, .. })) => {
                // A barrier that names a head which is gone stops the reader itself.
                assert!(
                    offset == gone || reason.contains("barrier"),
                    "{gone}: {offset}: {reason}"
                );
                reader.checkpoint().clone()
            }
            (_, read, error) => panic!("{gone} is gone: {:?} {error:?}", offsets(&read)),
        };
        // Nor does it go on when it comes back.
        assert!(read(&log, checkpoint, Check::Links).2.is_some(), "{gone} is gone");
    }
}

#[test]
fn an_in_flight_record_that_lands_after_the_barrier_is_void() {
    let (mut scribe, mut log) = written(1);
    let late = scribe.whole();
    let (mut other, barrier) = Scribe::open(read(&log, start(), Check::Links).0.checkpoint());
    log.extend([barrier, late, other.whole()]);
    assert_eq!(commits(&log), [0, 1, 3]);
}

#[test]
fn a_barrier_that_another_record_came_before_is_void() {
    let (mut scribe, mut log) = written(1);
    let (_, barrier) = Scribe::open(read(&log, start(), Check::Links).0.checkpoint());
    log.extend([scribe.whole(), barrier, scribe.whole()]);
    assert_eq!(commits(&log), [0, 1, 3]);
}

#[test]
fn content_that_does_not_match_its_hash_stops_who_checks_hashes() {
    let (_, mut log) = written(3);
    log[1].value = Some(Bytes::from_static(b"{}"));
    assert!(stops(&log, start(), Check::Hashes, 1).contains("hash"));
    let before = read(&log[..1], start(), Check::Hashes).0.checkpoint().clone();
    stops(&log, before, Check::Hashes, 1);
    // Hot readers compare `prev` and take the record's own hash on trust.
    assert!(read(&log, start(), Check::Links).2.is_none());
}

#[test]
fn a_changed_void_record_stops_who_checks_hashes() {
    let (_, mut log) = written(1);
    let mut void = Scribe::on(Hash([7; 32])).whole();
    void.value = None;
    log.push(void);
    stops(&log, start(), Check::Hashes, 1);
}

#[test]
fn a_record_whose_own_hash_is_a_lie_stops_who_checks_and_is_believed_by_who_does_not() {
    let (_, mut log) = written(2);
    let lie = Bytes::from(vec![9; 32]);
    let last = log[1].headers.len() - 1;
    log[1].headers[last].1 = Some(lie);
    log.push(Scribe::on(Hash([9; 32])).whole());
    stops(&log, start(), Check::Hashes, 1);
    assert_eq!(offsets(&read(&log, start(), Check::Links).1), [0, 1, 2]);
}

#[test]
fn an_offset_that_is_not_the_next_stops_every_reader() {
    let (_, log) = written(3);
    let mut reader = ChainReader::new(start(), Check::Links);
    let stored = |offset: u64| Stored {
        offset,
        record: log[usize::try_from(offset).unwrap()].clone(),
    };
    reader.accept(&stored(0)).unwrap();
    assert!(matches!(
        reader.accept(&stored(2)),
        Err(LogError::Broken { offset: 1, .. })
    ));
}

#[test]
fn a_swapped_pair_stops_every_reader_also_one_that_starts_just_before() {
    let (_, mut log) = written(6);
    let before = read(&log[..3], start(), Check::Links).0.checkpoint().clone();
    log.swap(3, 4);
    assert!(stops(&log, start(), Check::Links, 4).contains("comes after number"));
    stops(&log, before, Check::Links, 4);
}

#[test]
fn a_swapped_pair_around_a_checkpoint_stops_the_reader_that_resumes_there() {
    let (_, mut log) = written(6);
    let between = read(&log[..4], start(), Check::Links).0.checkpoint().clone();
    log.swap(3, 4);
    assert!(stops(&log, between, Check::Links, 3).contains("the head was"));
}

#[test]
fn a_barrier_that_names_a_head_beyond_what_was_read_stops_every_reader() {
    let (_, mut log) = written(4);
    let (_, barrier) = Scribe::open(read(&log, start(), Check::Links).0.checkpoint());
    log.push(barrier);
    log.remove(2);
    assert!(stops(&log, start(), Check::Links, 3).contains("beyond"));
}

#[test]
fn a_barrier_that_names_another_hash_at_the_same_offset_stops_every_reader() {
    let (_, mut log) = written(4);
    let mut elsewhere = read(&log, start(), Check::Links).0.checkpoint().clone();
    elsewhere.head = Hash([3; 32]);
    log.push(Scribe::open(&elsewhere).1);
    assert!(stops(&log, start(), Check::Links, 4).contains("names head"));
}

#[test]
fn more_void_records_of_a_session_than_a_writer_has_in_flight_stop_every_reader() {
    let (_, mut log) = written(1);
    let mut void = Scribe::on(Hash([7; 32]));
    log.extend((0..MAX_IN_FLIGHT).map(|_| void.whole()));
    assert_eq!(commits(&log), [0]);
    log.push(void.whole());
    stops(&log, start(), Check::Links, MAX_IN_FLIGHT as u64 + 1);
}

#[test]
fn a_log_truncated_before_the_head_is_noticed_when_something_else_lies_there() {
    let (_, mut log) = written(3);
    let head = read(&log, start(), Check::Links).0.checkpoint().clone();
    log.truncate(2);
    let (_, barrier) = Scribe::open(read(&log, start(), Check::Links).0.checkpoint());
    log.push(barrier);
    assert!(stops(&log, head, Check::Links, 2).contains("truncated"));
}

#[test]
fn a_log_truncated_behind_the_head_is_noticed_when_something_valid_lies_where_a_void_record_was() {
    let (mut scribe, mut log) = written(2);
    log.push(foreign());
    let checkpoint = read(&log, start(), Check::Links).0.checkpoint().clone();
    assert_eq!((checkpoint.head_offset, checkpoint.next), (Some(1), 3));
    log.truncate(2);
    log.push(scribe.whole());
    assert!(stops(&log, checkpoint, Check::Links, 2).contains("truncated"));
}

#[test]
fn a_part_that_is_not_the_next_of_its_commit_stops_every_reader() {
    for part in [Part { number: 3, of: 3 }, Part { number: 2, of: 2 }] {
        let (mut scribe, mut log) = written(1);
        let whole = draft("ord_1", "cut");
        log.push(scribe.part(whole.clone(), Part { number: 1, of: 3 }));
        log.push(scribe.part(whole, part));
        stops(&log, start(), Check::Links, 2);
    }
    let (mut scribe, mut log) = written(1);
    log.push(scribe.part(draft("ord_1", "one"), Part { number: 1, of: 2 }));
    log.push(scribe.part(draft("ord_1", "another"), Part { number: 2, of: 2 }));
    stops(&log, start(), Check::Links, 2);
}

#[test]
fn a_record_that_extends_the_chain_and_cannot_be_read_stops_every_reader() {
    let (mut scribe, mut log) = written(1);
    let mut record = scribe.whole();
    record.headers.retain(|(name, _)| name != "ce_streamversion");
    log.push(record);
    assert!(stops(&log, start(), Check::Links, 1).contains("ce_streamversion"));
}

#[test]
fn a_step_says_what_became_of_each_record() {
    let (mut scribe, log) = written(1);
    let mut reader = ChainReader::new(start(), Check::Hashes);
    let mut accept = |offset, record: &Record| {
        let record = record.clone();
        reader.accept(&Stored { offset, record }).unwrap()
    };
    assert!(accept(0, &log[0]).commit.is_some());
    let parts = scribe.commit(2);
    assert_eq!(accept(1, &parts[0]), Step::default());
    assert_eq!(accept(2, &foreign()).void, 1);
    assert!(accept(3, &parts[1]).commit.is_some());
}
