//! The real binary, on data of its own: `stoa up` with everything that it does, projections included.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use auth::Keys;
use clap::ValueEnum;
use domain::clock::SystemClock;

use crate::child::{self, Child};

/// Where Stoa keeps its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// In the same broker that the bare handler writes to.
    Kafka,
    /// In the embedded Postgres.
    Postgres,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kafka => "Kafka",
            Self::Postgres => "Postgres",
        })
    }
}

/// A running Stoa.
pub struct Stoa {
    /// The process.
    pub child: Child,
    /// The keys of the installation.
    pub keys: Keys,
}

impl Stoa {
    /// Starts `stoa` in this role on a fresh data directory in `dir`.
    pub async fn start(mode: Mode, role: &str, brokers: &str, dir: &Path) -> anyhow::Result<Self> {
        let data = dir.join(mode.to_string().to_lowercase());
        let shown = data.display().to_string();
        let mut arguments = vec![role, "--data", &shown];
        if mode == Mode::Kafka {
            arguments.extend(["--kafka-brokers", brokers]);
        }
        let child = Child::start(&program()?, &arguments, &data).await?;
        let keys = Keys::load_or_create(&data.join("keys"), Arc::new(SystemClock))?;
        Ok(Self { child, keys })
    }
}

/// The binary that was built beside this one.
pub fn program() -> anyhow::Result<PathBuf> {
    child::beside("stoa")
}
