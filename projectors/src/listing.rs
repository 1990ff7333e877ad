//! Projections of the listing family. One file a projection.

pub mod category;
pub mod listing;
pub mod stock;
pub mod store;
