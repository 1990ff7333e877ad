//! The order family: somebody takes a listing up. One file an aggregate, with a folder of the same name for its
//! commands, events, refusals and tests.

pub mod delivery;
pub mod number;
#[allow(clippy::module_inception, reason = "the family is called after its first aggregate")]
pub mod order;
pub mod payment;
