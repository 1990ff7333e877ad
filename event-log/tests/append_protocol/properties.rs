//! What must hold in every state, what must be reachable (else the check would be of nothing), and progress.

use stateright::Property;

use crate::chain::{Body, Commit, Reader, Record};
use crate::state::{Action, Call, Fence, Protocol, State};
use crate::writer::Phase;

pub const ACKNOWLEDGED_IS_READ_ONCE: &str = "an acknowledged command is read exactly once";
pub const NEVER_TWICE: &str = "no command is read twice";
pub const TOLD_NO_IS_READ_BY_NOBODY: &str = "a command told refused or void is read by nobody";
pub const BARRIERS_FENCE: &str = "behind a barrier nothing of an earlier session is read";
pub const REFUSALS_LINEARIZE: &str = "a refusal was true at some moment between its question and its answer";
pub const COMMITS_LINEARIZE: &str = "every commit read was allowed by the state that it extends";
pub const READERS_AGREE: &str = "a reader from any checkpoint reads the same suffix";
pub const NOBODY_STOPS: &str = "what the protocol allows stops no reader";
pub const PROGRESS: &str = "any writer left alone gets every command answered";

/// Longer than any run of a writer left alone: what is exceeded is a writer that goes in circles.
const STEPS_ALONE: usize = 64;

pub fn of(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut properties = vec![
        Property::always(ACKNOWLEDGED_IS_READ_ONCE, |_, state: &State| {
            each_call(state, |call, times| call != Call::Accepted || times == 1)
        }),
        Property::always(NEVER_TWICE, |_, state: &State| each_call(state, |_, times| times <= 1)),
        Property::always(TOLD_NO_IS_READ_BY_NOBODY, |_, state: &State| {
            each_call(state, |call, times| {
                !matches!(call, Call::Refused { .. } | Call::Void) || times == 0
            })
        }),
        Property::always(BARRIERS_FENCE, every_barrier_fences),
        Property::always(REFUSALS_LINEARIZE, |_, state: &State| {
            !state.calls.contains(&Call::Refused { held: false })
        }),
        Property::always(COMMITS_LINEARIZE, every_commit_was_allowed),
        Property::always(READERS_AGREE, every_checkpoint_reads_the_same),
        Property::always(NOBODY_STOPS, |_, state: &State| state.log.reader.stopped.is_none()),
    ];
    if protocol.progress {
        properties.push(Property::always(PROGRESS, |protocol, state| {
            (0..protocol.writers).all(|writer| answers_everything_alone(protocol, state, writer))
        }));
    }
    if protocol.without.is_none() {
        properties.extend(reachable());
    }
    if protocol.resends {
        properties.push(Property::sometimes(
            "a part that has begun its commit lands twice before the last",
            |_, state: &State| {
                state.log.records.iter().enumerate().any(|(at, record)| {
                    let begins = matches!(record.body, Body::Part { part: 1, of: 2, .. });
                    let copies =
                        |records: &[Record]| records.iter().filter(|other| other.link() == record.link()).count();
                    let last = |other: &Record| other.session == record.session && other.seq == record.seq + 1;
                    begins && copies(&state.log.records[..=at]) == 2 && !state.log.records[..at].iter().any(last)
                })
            },
        ));
    }
    properties
}

/// Situations that the checks are about. One that no run comes to would make its property true of nothing.
fn reachable() -> [Property<Protocol>; 8] {
    [
        Property::sometimes("a barrier is void", |_, state: &State| {
            let void = |(at, record): (usize, &Record)| {
                let valid = || {
                    state
                        .log
                        .reader
                        .commits
                        .iter()
                        .any(|commit| usize::from(commit.at) == at)
                };
                matches!(record.body, Body::Barrier { .. }) && !valid()
            };
            state.log.records.iter().enumerate().any(void)
        }),
        Property::sometimes("every command is answered", |_, state: &State| {
            state.calls.iter().all(|call| call.is_answered())
        }),
        Property::sometimes("a command is refused", |_, state: &State| {
            state.calls.contains(&Call::Refused { held: true })
        }),
        Property::sometimes("a command is told void", |_, state: &State| {
            state.calls.contains(&Call::Void)
        }),
        Property::sometimes("a refusal is confirmed by a checked record", |_, state: &State| {
            let checked = |record: &Record| record.body == Body::Checked;
            state.calls.contains(&Call::Refused { held: true }) && state.log.records.iter().any(checked)
        }),
        Property::sometimes("a commit is cut short", |_, state: &State| {
            state.log.reader.cut_short > 0
        }),
        Property::sometimes("a record is lost between two that land", |_, state: &State| {
            let gap = |(at, record): (usize, &Record)| {
                let before = state.log.records[..at]
                    .iter()
                    .rev()
                    .find(|other| other.session == record.session);
                before.is_some_and(|other| other.seq + 1 < record.seq)
            };
            state.log.records.iter().enumerate().any(gap)
        }),
        Property::sometimes(
            "a record lands late, after its writer has reopened",
            |_, state: &State| {
                state.log.records.iter().enumerate().any(|(at, record)| {
                    let reopened = |other: &Record| {
                        other.session.writer == record.session.writer && other.session.nth > record.session.nth
                    };
                    state.log.records[..at].iter().any(reopened)
                })
            },
        ),
    ]
}

/// Asks `holds` of every call, with how often its command is read.
fn each_call(state: &State, holds: impl Fn(Call, usize) -> bool) -> bool {
    (0..).zip(&state.calls).all(|(command, call)| {
        let times = state
            .log
            .reader
            .commits
            .iter()
            .filter(|commit| commit.command == Some(command))
            .count();
        holds(*call, times)
    })
}

/// Along the chain, once another session's barrier has come, a session does not come back.
fn every_barrier_fences(_: &Protocol, state: &State) -> bool {
    let mut current = None;
    state.log.reader.commits.iter().all(|commit| {
        let record = state.log.records[usize::from(commit.at)];
        if matches!(record.body, Body::Barrier { .. }) {
            current = Some(record.session);
        }
        current.is_none_or(|session| session == record.session)
    })
}

fn every_commit_was_allowed(protocol: &Protocol, state: &State) -> bool {
    let mut stock = protocol.stock;
    state
        .log
        .reader
        .commits
        .iter()
        .filter_map(|commit| commit.command)
        .all(|command| {
            stock += protocol.effect(command);
            stock >= 0
        })
}

/// One reader reads the log from its start. Wherever it can store a checkpoint, another goes on from there: it must
/// read what is left of the first one's commits, nothing else, and stop where the first does or not at all. As the
/// first one's reading of a shorter log is a part of this, nothing that was handed on is ever taken back.
fn every_checkpoint_reads_the_same(protocol: &Protocol, state: &State) -> bool {
    let mut first = Reader::from_the_start();
    let mut others = Vec::new();
    for record in &state.log.records {
        if first.stands_between_commits() || protocol.without == Some(Fence::CheckpointBetweenCommits) {
            others.push((first.commits.len(), Reader::resume(first.checkpoint())));
        }
        first.read(record, protocol.window);
        for (_, other) in &mut others {
            other.read(record, protocol.window);
        }
    }
    let suffix = |read: usize, other: &[Commit]| first.commits[read..] == *other;
    others.iter().all(|(read, other)| {
        suffix(*read, &other.commits)
            && other.head == first.head
            && (other.stopped.is_none() || first.stopped.is_some())
    })
}

/// Runs `writer` from `state` with everybody else asleep, every fault over, and what others have in flight still in
/// flight. Each step is one that the model allows, so the run is a path: from here all commands can be answered.
/// (Two writers that go on cutting each other off can keep each other from it for ever: that is what the pause and
/// the lower generation's yielding are for. This property is obstruction freedom, which is what they build on.)
fn answers_everything_alone(protocol: &Protocol, state: &State, writer: u8) -> bool {
    let mut state = state.clone();
    state.faults = u8::MAX;
    for _ in 0..STEPS_ALONE {
        match step_alone(&state, writer) {
            Some(action) => protocol.apply(&mut state, action),
            None => return state.calls.iter().all(|call| call.is_answered()),
        }
    }
    false
}

fn step_alone(state: &State, writer: u8) -> Option<Action> {
    let session = state.session(writer);
    let waiting_elsewhere = |call: &Call| call.session().is_some() && !call.waits_for(writer);
    if let Some(command) = command_where(state, waiting_elsewhere) {
        return Some(Action::GiveUp { command });
    }
    let shard = match &state.writers[usize::from(writer)].phase {
        Phase::Open(shard) => shard,
        Phase::Opening if state.in_network(session, 0) => return Some(Action::Land { session, seq: 0 }),
        Phase::Opening if state.valid_barrier(writer).is_some() => return Some(Action::Open { writer }),
        Phase::Opening | Phase::Closed => return Some(Action::SendBarrier { writer }),
    };
    if shard.awaits_report() {
        let seq = shard.next_report;
        return Some(if state.in_network(session, seq) {
            Action::Land { session, seq }
        } else {
            Action::Report {
                writer,
                good: state.log.offset_of(session, seq).is_some(),
            }
        });
    }
    if command_where(state, |call| matches!(call, Call::Refusing { .. })).is_some() {
        return Some(Action::Check { writer });
    }
    command_where(state, |call| !call.is_answered()).map(|command| Action::Ask { writer, command })
}

fn command_where(state: &State, condition: impl Fn(&Call) -> bool) -> Option<u8> {
    (0..)
        .zip(&state.calls)
        .find(|(_, call)| condition(call))
        .map(|(command, _)| command)
}
