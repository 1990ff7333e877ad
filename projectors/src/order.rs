//! Projections of the order family. One file a projection.

pub mod payment;
pub mod statistics;
pub mod summary;
