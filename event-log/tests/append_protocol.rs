//! The append protocol as a model, checked in every state that it can come to within its bounds: how a shard's log is
//! written by whoever believes to own it, on a plain log that takes any record from anyone.
//!
//! The model depends on none of the crate's code. It is the shortest exact account of the protocol there is, to be read
//! before the code, and to be changed before the code is.
//!
//! # The rule
//! Every record carries the hash of the one before (`prev`). A reader holds the head, the hash that the chain ends in:
//! a record chained on the head extends the chain, any other is void and no reader sees it. A command's records are one
//! commit and count when the last part extends the chain. So of all who write at once, one extends the chain and the
//! others' records are void: what is left is that a writer must never claim of its records what the chain does not say.
//!
//! # The states
//! - **log** ([`chain`]): the records, and a reader at their end. One shard; the log is never truncated.
//! - **network**: what was sent and has not landed. A session is one producer; its records land in the order sent, but
//!   one may be lost and the next ones land all the same, at any time, also after its writer has reopened or died.
//! - **writers** ([`writer`]): closed, opening (a barrier is sent) or open. An open one holds the optimistic head, the
//!   state there, and what it has sent. Any writer may open at any time: ownership is trusted for nothing.
//! - **calls** ([`state::Call`]): each command as its client sees it. The state is one number, a stock: taking one is
//!   refused at 0, restocking adds one. A call goes to any writer, and when it was left without an answer or told void,
//!   it is asked again of any writer with the same key.
//!
//! # The actions ([`state::Action`]; what they do: [`protocol`])
//! - *Send a barrier*: read to the high watermark, chain a barrier on the head, in a new session. *Open* once the barrier
//!   is read back as extending the chain; while it does not, send another. To open settles what the writer had in
//!   flight: the chain holds it (accepted), or it never will (void). Another writer's barrier does so for a writer
//!   that was cut off and leaves the shard to the other (*Yield*): its commits are void, and what they were for is
//!   forwarded, since only the other knows whether it has sent the same command itself.
//! - *Ask*: look the key up, decide on the optimistic state, chain the commit on the optimistic head, enqueue. A refusal
//!   writes nothing and waits. *Check*: send a checked record when nothing else would confirm what waits.
//! - *Land* a record. *Report*: take the next report in the order sent. It is good when it has no error and its offset is
//!   the last good one plus one; that acknowledges the commit and answers the refusals decided before the record was
//!   sent. The first one that is not good closes the session: nothing later in it is believed.
//!
//! # The faults, any mix of them, as many as [`state::Protocol::faults`] allows
//! - A record is lost between two that land (*Land* of a later one).
//! - A report fails or never comes (*Report* without good), of a record that is lost, has landed, or lands later.
//! - A producer sends a second time what has landed and was not reported to it (*Resend*; where `resends` says so).
//! - A writer crashes and forgets everything; what it sent may still land (*Crash*).
//! - A client gives up waiting, and the writer does not know (*`GiveUp`*).
//!
//! Not counted as faults, so without any bound but the number of sessions: two or three writers that cut each other off,
//! in every interleaving, and readers that come late.
//!
//! # The properties ([`properties`])
//! What was acknowledged is read exactly once; nothing is read twice; what was told refused or void is read by nobody;
//! behind a barrier nothing of an earlier session is read; a refusal was true at a moment between question and answer,
//! and a commit when it landed, so calls are linearizable; a reader from any checkpoint reads the same suffix; nothing of
//! all this makes a reader stop; and from every state any writer, left alone, gets every command answered. Then what must
//! be *reachable*, for a model in which nothing happens has every property.
//!
//! Each rule of the protocol is taken out once ([`state::Fence`]), and the checker must find the property that breaks:
//! `cargo test -p event-log --test append_protocol -- --nocapture` prints the steps that lead there.
//!
//! # How to add one more
//! A fault: a variant of `Action`, what it does in `Protocol::apply`, when it may happen in `Protocol::actions` (or
//! `writer_actions`), what it takes from the budget in `Protocol::cost`; then a `sometimes` in `properties::reachable`
//! that shows it happens. A rule: a variant of `Fence`, and a test here that names the property that fails without it.
//! Print the state count and keep the file under a minute in a debug build on two cores; what does not fit goes to
//! `wider_bounds`, which is run by hand.

#[path = "append_protocol/chain.rs"]
mod chain;
#[path = "append_protocol/properties.rs"]
mod properties;
#[path = "append_protocol/protocol.rs"]
mod protocol;
#[path = "append_protocol/state.rs"]
mod state;
#[path = "append_protocol/writer.rs"]
mod writer;

use std::collections::BTreeSet;

use state::{Command, Fence, Protocol};
use stateright::{Checker, HasDiscoveries, Model};

const TAKE: Command = Command { effect: -1, parts: 1 };
const TAKE_IN_TWO_PARTS: Command = Command { effect: -1, parts: 2 };
const RESTOCK: Command = Command { effect: 1, parts: 1 };

/// Two writers that open once each, or one of them twice; three commands; two faults: 290,949 states.
fn two_faults() -> Protocol {
    Protocol {
        writers: 2,
        stock: 1,
        commands: vec![TAKE_IN_TWO_PARTS, RESTOCK, TAKE],
        window: 3,
        sessions: 2,
        faults: 2,
        resends: false,
        without: None,
        progress: false,
    }
}

/// Three openings shared by `writers`, two commands for one piece, one fault: 172,123 states with two writers, 460,913
/// with three.
fn three_openings(writers: u8) -> Protocol {
    Protocol {
        writers,
        commands: vec![TAKE_IN_TWO_PARTS, TAKE],
        window: 2,
        sessions: 3,
        faults: 1,
        ..two_faults()
    }
}

/// Checks every state, and that there are `states` of them: were there fewer, something would no longer be looked at.
fn holds_in_every_state(protocol: Protocol, states: usize) {
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    println!(
        "{} unique states, at most {} steps deep",
        checker.unique_state_count(),
        checker.max_depth()
    );
    checker.assert_properties();
    let unique = checker.unique_state_count();
    assert_eq!(
        unique, states,
        "another number of states than known: if the model was changed on purpose, note it"
    );
}

/// Takes a rule out and has the checker find a run in which `property` fails.
fn breaks(without: Fence, property: &'static str) {
    let protocol = Protocol {
        without: Some(without),
        ..two_faults()
    };
    let found = HasDiscoveries::AllOf(BTreeSet::from([property]));
    let checker = protocol.checker().threads(2).finish_when(found).spawn_bfs().join();
    let counterexample = checker.assert_any_discovery(property);
    println!(
        "without {without:?}, not \"{property}\", found after {} unique states:",
        checker.unique_state_count()
    );
    for action in counterexample.into_actions() {
        println!("    {action:?}");
    }
}

#[test]
fn two_writers_keep_every_promise_under_any_two_faults() {
    holds_in_every_state(two_faults(), 290_949);
}

#[test]
fn two_writers_that_reopen_keep_every_promise_and_either_can_finish_alone() {
    holds_in_every_state(
        Protocol {
            progress: true,
            ..three_openings(2)
        },
        172_123,
    );
}

#[test]
fn two_writers_keep_every_promise_also_when_a_producer_sends_twice() {
    holds_in_every_state(
        Protocol {
            resends: true,
            commands: vec![TAKE_IN_TWO_PARTS, TAKE],
            ..two_faults()
        },
        195_395,
    );
}

#[test]
fn three_writers_keep_every_promise_while_they_cut_each_other_off() {
    holds_in_every_state(three_openings(3), 460_913);
}

/// Three to five minutes on two cores.
#[test]
#[ignore = "by hand: cargo test --release -p event-log --test append_protocol -- --ignored --nocapture"]
fn wider_bounds() {
    holds_in_every_state(
        Protocol {
            faults: 3,
            ..two_faults()
        },
        899_270,
    );
    holds_in_every_state(
        Protocol {
            faults: 2,
            ..three_openings(3)
        },
        2_595_948,
    );
    holds_in_every_state(
        Protocol {
            sessions: 3,
            window: 2,
            ..two_faults()
        },
        5_242_556,
    );
}

#[test]
fn without_contiguity_a_void_commit_is_acknowledged() {
    breaks(Fence::Contiguity, properties::ACKNOWLEDGED_IS_READ_ONCE);
}

#[test]
fn without_the_latch_a_commit_chained_on_a_lost_one_is_acknowledged() {
    breaks(Fence::Latch, properties::ACKNOWLEDGED_IS_READ_ONCE);
}

#[test]
fn without_a_barrier_a_commit_told_void_lands_later_and_is_read() {
    breaks(Fence::Barrier, properties::TOLD_NO_IS_READ_BY_NOBODY);
}

#[test]
fn without_confirmation_a_writer_that_was_cut_off_refuses_what_was_possible_all_along() {
    breaks(Fence::Confirmation, properties::REFUSALS_LINEARIZE);
}

#[test]
fn a_commit_sent_before_a_refusal_was_decided_does_not_confirm_it() {
    breaks(Fence::SentAfterDecided, properties::REFUSALS_LINEARIZE);
}

#[test]
fn without_a_look_for_the_key_a_command_asked_again_is_done_twice() {
    breaks(Fence::KeyLookup, properties::NEVER_TWICE);
}

#[test]
fn with_a_window_that_counts_parts_instead_of_commits_an_honest_writer_stops_the_readers() {
    breaks(Fence::WholeCommitsInFlight, properties::NOBODY_STOPS);
}

#[test]
fn a_writer_that_yields_can_not_answer_for_a_command_that_the_other_may_have_sent() {
    breaks(Fence::YieldForwards, properties::TOLD_NO_IS_READ_BY_NOBODY);
}

#[test]
fn a_checkpoint_between_the_parts_of_a_commit_loses_the_commit() {
    breaks(Fence::CheckpointBetweenCommits, properties::READERS_AGREE);
}
