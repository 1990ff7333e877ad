//! The chat family: people talk about it. One file a type.

pub mod chat;
pub mod message;
