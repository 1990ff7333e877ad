//! The listing family: something offered or asked for. One file an aggregate.

pub mod stock;
