//! Read models on a real Postgres: what the rows hold, and that an event which can not be applied stops no other.

#![allow(clippy::unwrap_used, reason = "a test")]

mod read_models {
    mod entities;
    mod installation;
    mod parking;
    mod statistics;
    mod story;
    mod together;
}
