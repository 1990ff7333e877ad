//! Real servers on one machine: the embedded Postgres of `stoa up`, and the Postgres and Kafka that tests and the
//! bench talk to. Nothing here imitates a server; it fetches, starts and ends the real ones.
//!
//! | file | what it holds |
//! |---|---|
//! | [`postgres`] | [`EmbeddedPostgres`]: a Postgres 18 of one's own, as root or not |
//! | [`kafka`] | [`Kafka`]: one Apache Kafka broker (`KRaft`), with the faults that tests inject |
//! | [`shared`] | the one Postgres and the one Kafka that all tests of a run share |
//! | [`tether`] | a server process that never outlives the process that started it |
//! | [`account`] | the unprivileged user that Postgres runs as when Stoa is root |
//! | [`places`] | where downloads are cached and data goes |
//! | [`unique`] | free ports, and names nobody else has |
//! | [`error`] | what can go wrong |
//!
//! `stoa up` needs no helper process of its own: [`EmbeddedPostgres::start`] with a directory is all, and dropping or
//! stopping the value ends the server. The binary `servers` runs a command with both servers at hand
//! (`servers run -- cargo test`), which is what `make test` does.

pub mod account;
pub mod error;
pub mod kafka;
pub mod places;
pub mod postgres;
pub mod shared;
pub mod tether;
pub mod unique;

pub use error::Error;
pub use kafka::Kafka;
pub use postgres::EmbeddedPostgres;
