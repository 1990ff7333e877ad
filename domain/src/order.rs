//! The order family: somebody takes a listing up. One file an aggregate.
