//! The one binary: every role of Stoa is a subcommand, and `stoa up` runs them all in one process.
//!
//! | file | what it holds |
//! |---|---|
//! | `cli.rs` | the subcommands |
//! | `settings.rs` | flags and environment, with their defaults |
//! | `telemetry.rs` | tracing and metrics |
//! | `serve.rs` | the HTTP server: routes of the roles, `/healthz`, `/readyz`, `/metrics`, graceful shutdown |
//! | `roles.rs` | what each role starts, and in which order it stops |
//! | `audit.rs`, `token.rs` | the subcommands of these names |
//! | `import.rs`, `import/` | loading history through the command API, one file a source |
//!
//! To add a subcommand: a variant in `cli.rs` and a file of its name.

mod audit;
mod cli;
mod roles;
mod serve;
mod settings;
mod telemetry;
mod token;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stoa: {error:#}");
            ExitCode::FAILURE
        }
    }
}
