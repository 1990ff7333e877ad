//! Any interleaving of honest writers' records: nobody is stopped, a session's accepted commits are the first of those
//! that it sent, each exactly as it was sent, and resuming at any checkpoint gives the same suffix.

use std::collections::{HashMap, VecDeque};

use event_log::{
    chain::Hash,
    chain_reader::{ChainReader, Check},
    checkpoint::Checkpoint,
    commit::Commit,
    record::{Record, Stored},
};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    read,
    scribe::{SHARD, Scribe, foreign},
};

const WRITERS: usize = 3;

/// What may happen next.
#[derive(Debug, Clone)]
enum Act {
    /// A writer sends a commit of so many parts.
    Send { writer: usize, parts: u16 },
    /// So many of the records that a writer has in flight land in the log.
    Land { writer: usize, records: usize },
    /// A record in flight is lost; those behind it may still land.
    Lose { writer: usize },
    /// A writer reads the log to its end and opens a session.
    Reopen { writer: usize },
    /// Somebody else writes.
    Foreign,
}

fn act() -> impl Strategy<Value = Act> {
    let writer = 0..WRITERS;
    prop_oneof![
        6 => (writer.clone(), 1..4_u16).prop_map(|(writer, parts)| Act::Send { writer, parts }),
        8 => (writer.clone(), 1..5_usize).prop_map(|(writer, records)| Act::Land { writer, records }),
        1 => writer.clone().prop_map(|writer| Act::Lose { writer }),
        2 => writer.prop_map(|writer| Act::Reopen { writer }),
        1 => Just(Act::Foreign),
    ]
}

#[derive(Debug, Default)]
struct World {
    log: Vec<Record>,
    writers: Vec<Writer>,
    /// The hashes of every commit's parts, in the order sent, by session.
    sent: HashMap<Uuid, Vec<Vec<Hash>>>,
}

#[derive(Debug)]
struct Writer {
    scribe: Scribe,
    in_flight: VecDeque<Record>,
}

fn hashes(records: &[Record]) -> Vec<Hash> {
    records.iter().map(|record| record.links().unwrap().1).collect()
}

impl World {
    fn new() -> Self {
        let mut world = Self::default();
        for _ in 0..WRITERS {
            let (scribe, barrier) = Scribe::open(&Checkpoint::start(SHARD));
            world
                .sent
                .insert(scribe.session, vec![hashes(std::slice::from_ref(&barrier))]);
            world.writers.push(Writer {
                scribe,
                in_flight: VecDeque::from([barrier]),
            });
        }
        world
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Send { writer, parts } => {
                let writer = &mut self.writers[writer];
                let commit = writer.scribe.commit(parts);
                self.sent
                    .entry(writer.scribe.session)
                    .or_default()
                    .push(hashes(&commit));
                writer.in_flight.extend(commit);
            }
            Act::Land { writer, records } => {
                let in_flight = &mut self.writers[writer].in_flight;
                let records = records.min(in_flight.len());
                self.log.extend(in_flight.drain(..records));
            }
            Act::Lose { writer } => {
                self.writers[writer].in_flight.pop_front();
            }
            Act::Reopen { writer } => {
                let (reader, _, error) = read(&self.log, Checkpoint::start(SHARD), Check::Hashes);
                assert!(error.is_none(), "{error:?}");
                let (scribe, barrier) = Scribe::open(reader.checkpoint());
                self.sent
                    .insert(scribe.session, vec![hashes(std::slice::from_ref(&barrier))]);
                // What the session before has in flight may still land.
                self.writers[writer].in_flight.push_back(barrier);
                self.writers[writer].scribe = scribe;
            }
            Act::Foreign => self.log.push(foreign()),
        }
    }
}

proptest! {
    // Each case reads its log from every checkpoint.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn readers_accept_whole_commits_in_the_order_sent_and_agree_from_every_checkpoint(
        acts in prop::collection::vec(act(), 1..80)
    ) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        let (whole, accepted, error) = read(&world.log, Checkpoint::start(SHARD), Check::Hashes);
        prop_assert!(error.is_none(), "{error:?}");

        let mut taken: HashMap<Uuid, usize> = HashMap::new();
        for commit in &accepted {
            let session = commit.events[0].envelope.session;
            let number = taken.entry(session).or_default();
            let parts: Vec<Hash> = commit.events.iter().map(|event| event.hash).collect();
            prop_assert_eq!(&parts, &world.sent[&session][*number]);
            *number += 1;
        }

        for (checkpoint, seen) in checkpoints(&world.log) {
            let (resumed, rest, error) = read(&world.log, checkpoint, Check::Hashes);
            prop_assert!(error.is_none(), "{error:?}");
            prop_assert_eq!(&rest[..], &accepted[seen..]);
            prop_assert_eq!(resumed.checkpoint(), whole.checkpoint());
        }
    }
}

/// Every checkpoint on the way through a log, and how many commits lie before it.
fn checkpoints(log: &[Record]) -> Vec<(Checkpoint, usize)> {
    let mut reader = ChainReader::new(Checkpoint::start(SHARD), Check::Links);
    let mut commits: Vec<Commit> = Vec::new();
    let mut all = vec![(reader.checkpoint().clone(), 0)];
    for (offset, record) in (0..).zip(log) {
        let record = record.clone();
        commits.extend(reader.accept(&Stored { offset, record }).unwrap().commit);
        all.push((reader.checkpoint().clone(), commits.len()));
    }
    all
}
