//! The query API over real HTTP and websockets, on a real Postgres, with the real command API and projectors.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "graphql/after.rs"]
mod after;
#[path = "graphql/indexes.rs"]
mod indexes;
#[path = "graphql/installation.rs"]
mod installation;
#[path = "graphql/limits.rs"]
mod limits;
#[path = "graphql/nested.rs"]
mod nested;
#[path = "graphql/pages.rs"]
mod pages;
#[path = "graphql/rights.rs"]
mod rights;
#[path = "graphql/socket.rs"]
mod socket;
#[path = "graphql/sockets.rs"]
mod sockets;
#[path = "graphql/subscriptions.rs"]
mod subscriptions;
