//! The chat family: people talk about it. One file an aggregate.
