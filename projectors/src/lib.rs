//! Read models: workers that read the log and keep tables which answer queries.
//!
//! A projection is a function of the log. The rows that a batch of events changes are committed together with the
//! checkpoint behind it, by compare-and-set: each event counts exactly once, whatever crashes when.
//!
//! # Map
//! | file | what it holds |
//! |---|---|
//! | [`projection`] | what a projection is: name, version, families, `apply(batch, transaction)` |
//! | [`batch`] | the events that are applied together, typed |
//! | [`checkpoint`] | the compare-and-set, and how far every projection has come |
//! | `table`, `row` | rows in bulk: fetched by key, written by one `UNNEST` upsert |
//! | `entity` | rows that are an aggregate, folded by the domain's own `apply` |
//! | `apply` | a batch applied but for the events that can not be, found by bisection |
//! | [`parked`], [`retry`] | these events, with the reasons; applying them after all |
//! | `work` | what a batch is for a projection, committed: together with the others, apart, shard by shard |
//! | [`runner`] | reads, commits, tells; one for all projections that are at about the same place |
//! | [`projectors`] | the role: the runner, started and joined |
//! | `measure` | what `/metrics` tells: records behind, parked events |
//! | [`registry`] | every projection, one line each |
//! | [`listing`], [`order`], [`chat`] | one folder a family, one file a projection |
//!
//! # To add a projection
//! `docs/projections.md` walks through it: one file in its family's folder, one migration for its tables, one line in
//! [`registry`]. It fills itself from the start of the log while the others go on.

mod apply;
pub mod batch;
pub mod chat;
pub mod checkpoint;
mod entity;
pub mod listing;
mod measure;
pub mod order;
pub mod parked;
pub mod projection;
pub mod projectors;
pub mod registry;
pub mod retry;
mod row;
pub mod runner;
mod table;
mod work;
