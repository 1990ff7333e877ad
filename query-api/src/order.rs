//! The order family: who takes up what is offered. One file a type.

pub mod order;
pub mod orders;
pub mod payment;
