//! The subcommands.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    audit, import,
    projections::Projections,
    roles,
    settings::{Diagnostics, Listen, Storage},
    telemetry, token,
};

/// Stoa: an event-sourced backend. Commands append events to a log; projections build read models; GraphQL serves them.
#[derive(Debug, Parser)]
#[command(name = "stoa", version, about, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    task: Task,

    #[command(flatten)]
    diagnostics: Diagnostics,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run every role in one process, on an embedded Postgres unless --database-url names one.
    Up(Server),
    /// Take commands over HTTP and append their events.
    CommandApi(Server),
    /// Build the read models; in Kafka mode, keep the archive.
    Projector(Server),
    /// Serve GraphQL.
    QueryApi(Server),
    /// Bring the database's tables up to date.
    Migrate(Storage),
    /// Mint a bearer token.
    Token(token::Token),
    /// Load history through the command API.
    Import(import::Import),
    /// Check the log.
    #[command(subcommand)]
    Audit(Audit),
    /// Look after the read models.
    #[command(subcommand)]
    Projections(Projections),
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Walk every chain from its first record, check every hash, and say what was seen.
    Verify(Storage),
}

/// What a server needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct Server {
    #[command(flatten)]
    pub storage: Storage,
    #[command(flatten)]
    pub listen: Listen,
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::start(&self.diagnostics)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match self.task {
                Task::Up(server) => roles::run(server, roles::Roles::ALL).await?,
                Task::CommandApi(server) => roles::run(server, roles::Roles::COMMAND_API).await?,
                Task::Projector(server) => roles::run(server, roles::Roles::PROJECTOR).await?,
                Task::QueryApi(server) => roles::run(server, roles::Roles::QUERY_API).await?,
                Task::Migrate(storage) => roles::migrate(&storage).await?,
                Task::Token(token) => token.run()?,
                Task::Import(import) => import.run().await?,
                Task::Audit(Audit::Verify(storage)) => return audit::verify(&storage).await,
                Task::Projections(projections) => return projections.run().await,
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
