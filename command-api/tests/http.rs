//! The command API over real HTTP, on a real Postgres and, where it matters, a real Kafka.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "http/bulk.rs"]
mod bulk;
#[path = "http/edge.rs"]
mod edge;
#[path = "http/installation.rs"]
mod installation;
#[path = "http/keys.rs"]
mod keys;
#[path = "http/lifecycle.rs"]
mod lifecycle;
#[path = "http/outcomes.rs"]
mod outcomes;
#[path = "http/rights.rs"]
mod rights;
#[path = "http/scopes.rs"]
mod scopes;
