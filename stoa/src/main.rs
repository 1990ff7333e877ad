//! The one binary: every role of Stoa is a subcommand.

mod import;
mod serve;
mod settings;
mod telemetry;
mod token;

fn main() {}
