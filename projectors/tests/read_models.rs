//! Read models on a real Postgres: what the rows hold.

#![allow(clippy::unwrap_used, reason = "a test")]

mod read_models {
    mod entities;
    mod installation;
    mod statistics;
    mod story;
}
