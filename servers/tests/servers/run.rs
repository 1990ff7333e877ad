//! `servers run`: the command has both servers at hand, and nothing is left when it or its parent ends.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection};

/// Runs a command that prints the servers' addresses, then waits for its input to end, as it does when the test ends.
fn start() -> (Child, String, String) {
    let script = "echo $STOA_TEST_DATABASE_URL; echo $STOA_TEST_KAFKA; exec cat";
    let mut runner = Command::new(env!("CARGO_BIN_EXE_servers"))
        .args(["run", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(runner.stdout.take().unwrap()).lines();
    let (database, kafka) = (lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap());
    (runner, database, kafka)
}

fn refuses_connections(address: &str) -> bool {
    std::net::TcpStream::connect(address).is_err()
}

fn scratch_directories(runner: &Child) -> Vec<PathBuf> {
    let marker = format!("-{}-", runner.id());
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_string_lossy().contains(&marker)).collect()
}

async fn everything_goes(signal: Signal) {
    let (mut runner, database, kafka) = start();
    PgConnection::connect(&database).await.unwrap().close().await.unwrap();
    assert!(!refuses_connections(&kafka));
    assert_eq!(scratch_directories(&runner).len(), 2);

    kill(Pid::from_raw(runner.id().try_into().unwrap()), signal).unwrap();
    runner.wait().unwrap();
    let (_, rest) = database.split_once('@').unwrap();
    let (postgres, _) = rest.split_once('/').unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !(refuses_connections(postgres) && refuses_connections(&kafka) && scratch_directories(&runner).is_empty()) {
        assert!(
            Instant::now() < deadline,
            "something outlived its parent by half a minute"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn servers_end_with_a_parent_that_is_killed() {
    everything_goes(Signal::SIGKILL).await;
}

#[tokio::test]
async fn servers_end_with_a_parent_that_is_asked_to_stop() {
    everything_goes(Signal::SIGTERM).await;
}

#[test]
fn the_command_s_exit_code_is_the_runner_s() {
    let runner = env!("CARGO_BIN_EXE_servers");
    let status = Command::new(runner)
        .args(["run", "--", "sh", "-c", "exit 7"])
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(7));
    let status = Command::new(runner).args(["run"]).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
