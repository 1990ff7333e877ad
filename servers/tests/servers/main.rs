//! The servers, started for real. One binary, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    reason = "a test that meets an error has failed; the lint exempts test functions only"
)]

mod kafka;
mod postgres;
mod run;
mod shared;
