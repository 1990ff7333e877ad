//! The one binary: every role of Stoa is a subcommand, and `stoa up` runs them all in one process.
//!
//! | file | what it holds |
//! |---|---|
//! | `cli.rs` | the subcommands |
//! | `settings.rs` | flags and environment, with their defaults |
//! | `storage.rs` | the database and the log that the settings name |
//! | `roles.rs` | what each role starts, and in which order it stops |
//! | `serve.rs` | the HTTP server: the roles' routes, `/healthz`, `/readyz`, `/metrics`, graceful shutdown |
//! | `telemetry.rs` | tracing and metrics |
//! | `audit.rs`, `projections.rs`, `token.rs` | the subcommands of these names |
//! | `import.rs`, `import/` | loading history through the command API, one file a source |
//!
//! To add a subcommand: a variant in `cli.rs` and a file of its name.

mod audit;
mod cli;
mod import;
mod projections;
mod roles;
mod serve;
mod settings;
mod storage;
mod telemetry;
mod token;

use std::process::ExitCode;

use clap::Parser;

/// Of many small allocations that begin on one thread and end on another, glibc's takes twice the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stoa: {error:#}");
            ExitCode::FAILURE
        }
    }
}
