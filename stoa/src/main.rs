//! The one binary: every role of Stoa is a subcommand.

mod serve;
mod settings;
mod telemetry;

fn main() {}
