//! `make bench`: durable commands per second and how long each takes, in both modes, beside a bare handler that parses
//! the same JSON and produces one record to the same broker. All in one run on one machine; only ratios of figures of
//! the same run mean anything.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan.rs` | which cells are measured, in which order |
//! | `load.rs` | the load generator: keep-alive connections, each with one request at a time |
//! | `http.rs` | as much of HTTP as that needs |
//! | `workload.rs` | the commands that are sent, and who sends them |
//! | `bulk.rs` | many commands in one request |
//! | `baseline.rs` | the bare handler |
//! | `stoa.rs` | the real binary, on data of its own |
//! | `child.rs` | a server under measurement, in a process of its own |
//! | `processor_time.rs` | what a process and those it started took of the processors |
//! | `report.rs` | the tables |

mod baseline;
mod bulk;
mod child;
mod http;
mod load;
mod plan;
mod processor_time;
mod report;
mod stoa;
mod workload;

use clap::{Parser, Subcommand};

/// The same that Stoa has: it is not what is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Stoa beside a bare handler.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    plan: plan::Plan,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the bare handler, until it is killed.
    #[command(hide = true)]
    Baseline(baseline::Settings),
}

/// The load generator has one thread, so that it takes as little of the servers' processors as it can; the bare handler
/// has as many as Stoa has.
fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Baseline(settings)) => tokio::runtime::Runtime::new()?.block_on(baseline::serve(settings)),
        None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(cli.plan.run()),
    }
}
