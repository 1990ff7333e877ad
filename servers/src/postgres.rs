//! A Postgres 18 of one's own, with nothing installed beforehand and as root or not.
//!
//! Three things are done by hand that `postgresql_embedded` would do: it starts the server with `-F` (no fsync, so a
//! power cut would lose what was acknowledged), it can't run as root, and its server outlives a parent that is killed.
//!
//! The directory given holds `data` (the cluster), `password`, `server.log` and `lock`.

mod install;
mod leftover;

use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::{Instant, sleep};

use crate::account::Account;
use crate::error::{Error, file};
use crate::places;
use crate::tether::{Terms, Tether};
use crate::unique;

/// The superuser that initdb makes.
const USER: &str = "postgres";

/// Recovery after a crash replays at most `max_wal_size`, which takes seconds; a loaded machine may need more.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// Tries, in case another process takes the free port before the server binds it.
const ATTEMPTS: usize = 3;

/// Which line of `postmaster.pid`, from 0, holds the port (`miscadmin.h`: `LOCK_FILE_LINE_PORT`).
const PORT_LINE: usize = 3;

/// What differs from Postgres's defaults, for one small backend. The first two are the defaults, and stated because an
/// acknowledged command depends on them: no configuration file can change what the command line says.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "200"),
    ("shared_buffers", "256MB"),
    ("wal_compression", "on"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
    ("log_line_prefix", "%m [%p] "),
];

/// A running server. Dropping it stops the server and waits until it has stopped.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    server: Tether,
    port: u16,
    password: String,
    /// Held for as long as the server may run: a second Stoa on the same data is refused.
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the server whose data is in `dir`, fetching Postgres and initialising the data when that is the first time.
    pub async fn start(dir: &Path) -> Result<Self, Error> {
        Self::start_with(dir, &[], None).await
    }

    /// The same, with further settings (`("log_statement", "all")`) and, for a server whose data is worth nothing
    /// afterwards, a directory to remove when it ends.
    pub(crate) async fn start_with(
        dir: &Path,
        settings: &[(&str, &str)],
        scratch: Option<&Path>,
    ) -> Result<Self, Error> {
        places::make(dir)?;
        let dir = &dir.canonicalize().map_err(file("find", dir))?;
        let data = dir.join("data");
        let account = Account::unprivileged(&data)?;
        account.can_reach(dir)?;
        account.own(dir)?;
        let lock = lock(dir)?;
        let binaries = install::binaries(&places::cache(), &account).await?;
        let password = password(dir)?;
        if !data.join("PG_VERSION").exists() {
            initialise(&binaries, dir, &data, &account)?;
        }
        leftover::wait_until_gone(&data).await?;

        let mut attempt = 1;
        loop {
            let port = unique::port()?;
            match run(&binaries, dir, &account, port, &password, settings, scratch).await {
                Ok(server) => {
                    return Ok(Self {
                        server,
                        port,
                        password,
                        _lock: lock,
                    });
                }
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => tracing::warn!(%error, attempt, "Postgres did not start, trying again"),
            }
            attempt += 1;
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// The URL of `database` in the server that another process of Stoa's runs on `dir`; `None` when none is ready there.
    pub fn running_url(dir: &Path, database: &str) -> Option<String> {
        let state = std::fs::read_to_string(dir.join("data/postmaster.pid")).ok()?;
        let mut lines = state.lines().skip(PORT_LINE);
        let port = lines.next()?.parse().ok()?;
        let password = std::fs::read_to_string(dir.join("password")).ok()?;
        Some(url(port, &password, database))
    }

    /// The superuser's URL of `database`.
    pub fn url(&self, database: &str) -> String {
        url(self.port, &self.password, database)
    }

    /// Creates `database` unless it exists.
    pub async fn create_database(&self, database: &str) -> Result<(), Error> {
        create_database(&self.url("postgres"), database).await
    }

    /// The postmaster's process id, for tests that send it signals.
    pub fn pid(&self) -> nix::unistd::Pid {
        self.server.pid()
    }

    /// Sends the postmaster a signal: the faults that tests inject.
    pub fn signal(&mut self, signal: Signal) {
        self.server.signal(signal);
    }

    /// Whether the server has ended by itself or by a signal.
    pub fn has_ended(&mut self) -> bool {
        self.server.ended().is_some()
    }

    /// Stops the server and waits until it has stopped: open connections are cut, what was committed is kept.
    pub async fn stop(self) {
        // Dropping waits, so it happens where blocking is allowed.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

/// Creates `database` on the server at `url` unless it exists.
pub(crate) async fn create_database(url: &str, database: &str) -> Result<(), Error> {
    let mut connection = PgConnection::connect(url).await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(database)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        let statement = format!("CREATE DATABASE \"{}\"", database.replace('"', "\"\""));
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

fn url(port: u16, password: &str, database: &str) -> String {
    format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}")
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let lock = File::create(&path).map_err(file("create", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { dir: dir.into() }),
        Err(TryLockError::Error(source)) => Err(file("lock", path)(source)),
    }
}

/// The superuser's password: made at the first start, kept where only Stoa's user reads it.
fn password(dir: &Path) -> Result<String, Error> {
    let path = dir.join("password");
    if !path.exists() {
        let mut options = File::options();
        let mut secret = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(file("create", &path))?;
        secret
            .write_all(unique::hex(16)?.as_bytes())
            .map_err(file("write", &path))?;
    }
    std::fs::read_to_string(&path).map_err(file("read", path))
}

/// Runs initdb beside the final place and moves the result there, so that one cut short is never taken for a cluster.
///
/// The builtin C.UTF-8 collation sorts and folds case alike on every machine, whatever its C library's version.
fn initialise(binaries: &Path, dir: &Path, data: &Path, account: &Account) -> Result<(), Error> {
    tracing::info!(data = %data.display(), "initialising the embedded Postgres");
    let fresh = dir.join("data.new");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(file("remove", &fresh))?;
    }
    let secret = dir.join("password");
    account.own(&secret)?;
    let mut command = Command::new(binaries.join("initdb"));
    command
        .arg("-D")
        .arg(&fresh)
        .args(["-U", USER, "--auth=scram-sha-256"])
        .arg("--pwfile")
        .arg(&secret);
    command.args([
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]);
    command.current_dir(dir);
    account.apply(&mut command);
    let output = command.output().map_err(|source| Error::Spawn {
        program: "initdb".into(),
        source,
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Failed {
            program: "initdb".into(),
            output: said,
        });
    }
    std::fs::rename(&fresh, data).map_err(file("move to", data))
}

async fn run(
    binaries: &Path,
    dir: &Path,
    account: &Account,
    port: u16,
    password: &str,
    settings: &[(&str, &str)],
    scratch: Option<&Path>,
) -> Result<Tether, Error> {
    let path = dir.join("server.log");
    let log = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(file("open", &path))?;
    let mut arguments = vec![
        "-D".to_owned(),
        dir.join("data").display().to_string(),
        "-p".to_owned(),
        port.to_string(),
    ];
    for (name, value) in SETTINGS.iter().chain(settings) {
        arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    // SIGINT is Postgres's fast shutdown; SIGTERM would wait for every client to leave.
    let terms = Terms {
        account,
        dir,
        log,
        stop: Signal::SIGINT,
        scratch,
    };
    let mut server = Tether::start(&binaries.join("postgres"), &arguments, terms)?;
    wait_until_ready(&mut server, &url(port, password, "postgres"), &path).await?;
    Ok(server)
}

async fn wait_until_ready(server: &mut Tether, url: &str, log: &Path) -> Result<(), Error> {
    let started = Instant::now();
    while started.elapsed() < READY_WITHIN {
        if server.ended().is_some() {
            return Err(Error::Failed {
                program: "postgres".into(),
                output: places::tail(log),
            });
        }
        if let Ok(connection) = PgConnection::connect(url).await {
            return Ok(connection.close().await?);
        }
        sleep(Duration::from_millis(50)).await;
    }
    Err(Error::NotReady {
        server: "Postgres",
        after: READY_WITHIN,
        log: places::tail(log),
    })
}
