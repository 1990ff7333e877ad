//! Starts both servers, runs the command, and ends all three in order, also when asked to stop half-way.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use servers::{Error, shared};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// How long the command may take to end once it has been asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `program` with both servers at hand and returns its exit code.
pub async fn run(program: &str, arguments: &[String]) -> Result<ExitCode, Error> {
    let failed = |source| Error::Spawn {
        program: program.to_owned(),
        source,
    };
    // Listened for from the start: a signal during the servers' start must not leave one behind half-started.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;

    let (postgres, kafka) = tokio::try_join!(shared::start_postgres(), shared::start_kafka())?;
    let mut child = Command::new(program)
        .args(arguments)
        .env(shared::POSTGRES_VARIABLE, postgres.url("postgres"))
        .env(shared::KAFKA_VARIABLE, kafka.brokers())
        // A group of its own, so that what the command started can be ended with it.
        .process_group(0)
        .spawn()
        .map_err(failed)?;

    let status = tokio::select! {
        status = child.wait() => status,
        _ = interrupt.recv() => end(&mut child).await,
        _ = terminate.recv() => end(&mut child).await,
    };
    tokio::join!(postgres.stop(), kafka.stop());
    Ok(code(status.map_err(failed)?))
}

/// Asks the command and all it started to stop, then insists.
async fn end(child: &mut Child) -> std::io::Result<ExitStatus> {
    let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw) else {
        return child.wait().await;
    };
    // A group that is gone already needs no signal.
    let _ = killpg(group, Signal::SIGTERM);
    let asked = timeout(PATIENCE, child.wait()).await;
    let _ = killpg(group, Signal::SIGKILL);
    match asked {
        Ok(status) => status,
        Err(_) => child.wait().await,
    }
}

/// The shell's convention: 128 and the signal for a command that a signal ended.
fn code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
