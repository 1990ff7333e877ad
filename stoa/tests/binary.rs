//! The real `stoa` binary as its users run it.
//!
//! | file | what it shows |
//! |---|---|
//! | `installation.rs` | a database, topics, a data directory and a port of its own, and the binary on them |
//! | `killed.rs` | `kill -9` in the middle of an import |
//! | `stopped.rs` | SIGTERM while clients are in the middle of something |

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "binary/installation.rs"]
mod installation;
#[path = "binary/killed.rs"]
mod killed;
#[path = "binary/stopped.rs"]
mod stopped;
