//! The listing family: what is offered, by whom. One file a type.

pub mod category;
pub mod facets;
pub mod listing;
pub mod statistics;
pub mod stock;
pub mod store;
