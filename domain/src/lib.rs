//! The domain of Stoa: state and command in, events or a refusal out. No I/O, no runtime, no wall clock.
//!
//! # Map
//! | file | what it holds |
//! |---|---|
//! | [`family`] | the event families, which are the topics of the log |
//! | [`id`] | typed ids (`ord_0193…`) and the one place that makes new ones |
//! | [`clock`] | the clock port: time comes in as data |
//! | [`money`] | minor units with an ISO 4217 currency |
//! | [`personal`] | the wire form of what belongs to a person |
//! | [`bounds`] | limits on what a command may carry |
//! | [`viewer`] | who asks: user, roles, standing in stores |
//! | [`entity`] | what an aggregate adds to cqrs-es's `Aggregate` to be served: path, commands, events, reads |
//! | [`decision`] | what a decision may see ([`decision::Services`]) and how it says no ([`decision::Refusal`]) |
//! | [`erased`] | the same aggregates behind one object-safe face, for dispatch by path |
//! | [`fault`] | what is wrong with a field whatever the state, and the checks that say so |
//! | [`body`] | the JSON body of a command, and the field at fault when it can not be read |
//! | [`registry`] | the list of all aggregates: routes, OpenAPI, event schemas and dispatch come from it |
//! | [`listing`], [`order`], [`chat`] | one folder a family, one file an aggregate |
//!
//! # To add an aggregate
//! Write one file in its family's folder (state, commands, events, refusals, decisions, given/when/then tests) after the
//! model of [`listing::stock`], and add one line to [`registry`].

pub mod body;
pub mod bounds;
pub mod chat;
pub mod clock;
pub mod decision;
pub mod entity;
pub mod erased;
pub mod family;
pub mod fault;
pub mod id;
pub mod listing;
pub mod money;
pub mod order;
pub mod personal;
pub mod registry;
#[cfg(test)]
mod scenario;
pub mod viewer;
