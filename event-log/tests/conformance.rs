//! What both keepers promise, shown on real servers by the same tests: `kafka::…` and `postgres::…`.
//!
//! A test is a function over a [`keeper::Keeper`] in the file of its subject, and a line in [`conform`] below.
//!
//! | file | what it shows |
//! |---|---|
//! | `appending.rs` | one writer; commits of many parts; limits; the tail |
//! | `racing.rs` | two writers on one shard |
//! | `void.rs` | what readers don't see, and what stops nobody |
//! | `damage.rs` | what stops a reader |
//! | `refusals.rs` | confirmations |
//! | `faults.rs` | a server killed, frozen or away |

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "conformance/appending.rs"]
mod appending;
#[path = "conformance/damage.rs"]
mod damage;
#[path = "conformance/detour.rs"]
mod detour;
#[path = "conformance/faults.rs"]
mod faults;
#[path = "conformance/kafka_keeper.rs"]
mod kafka_keeper;
#[path = "conformance/keeper.rs"]
mod keeper;
#[path = "conformance/postgres_keeper.rs"]
mod postgres_keeper;
#[path = "conformance/racing.rs"]
mod racing;
#[path = "conformance/refusals.rs"]
mod refusals;
#[allow(dead_code, reason = "each test binary uses its part of it")]
#[path = "chain_rule/scribe.rs"]
mod scribe;
#[path = "conformance/void.rs"]
mod void;

macro_rules! conform {
    ($keeper:ty) => {
        conform! { $keeper:
            appending::appends_by_one_writer_are_contiguous_and_chained,
            appending::the_parts_of_a_commit_are_appended_together,
            appending::what_is_too_large_is_refused_before_it_is_chained,
            appending::a_writer_that_takes_over_goes_on_where_the_other_stood,
            appending::the_tail_holds_what_the_archive_does_not,
            appending::closing_finishes_what_is_in_flight,
            appending::a_log_is_not_opened_with_another_partition_count,
            racing::two_writers_racing_on_one_shard_lose_nothing_acknowledged_and_show_nothing_refused,
            racing::a_writer_with_a_lower_assignment_yields,
            void::a_record_in_flight_that_lands_after_the_barrier_is_void,
            void::void_and_foreign_records_and_a_sleeping_writer_stop_nobody,
            void::a_commit_cut_short_is_void,
            void::resuming_from_every_position_gives_the_same_suffix,
            damage::a_changed_byte_stops_the_reader,
            damage::a_removed_record_stops_the_reader,
            damage::a_swapped_pair_stops_the_reader,
            damage::a_log_truncated_under_a_checkpoint_is_noticed,
            refusals::a_refusal_is_confirmed_when_nobody_else_wrote,
            refusals::a_refusal_is_confirmed_by_a_commit_sent_after_it,
            refusals::a_refusal_of_a_writer_that_was_cut_off_is_not_confirmed,
            faults::a_server_killed_with_a_hundred_commits_in_flight_loses_nothing_acknowledged,
            faults::a_server_frozen_for_longer_than_the_time_out_loses_nothing_acknowledged,
            faults::an_unknown_outcome_is_found_by_its_command_later,
        }
    };
    ($keeper:ty: $($subject:ident :: $test:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::$subject::$test::<$keeper>().await;
            }
        )*
    };
}

mod kafka {
    conform!(crate::kafka_keeper::KafkaKeeper);
}

mod postgres {
    conform!(crate::postgres_keeper::PostgresKeeper);
}
