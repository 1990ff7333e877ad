//! The chat family: people talk about it. One file an aggregate, with a folder of the same name for its commands,
//! events, refusals and tests.

#[allow(clippy::module_inception, reason = "the family is called after its first aggregate")]
pub mod chat;
pub mod message;
