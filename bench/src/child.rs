//! A server under measurement, in a process of its own that ends with this one.

use std::{fs, fs::File, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use servers::{
    account::Account,
    tether::{Terms, Tether},
    unique,
};
use tokio::time::{Instant, sleep};

use crate::http;

/// A server that fetches its database and makes its topics takes a while.
const READY_WITHIN: Duration = Duration::from_mins(2);

const READY: &[u8] = b"GET /readyz HTTP/1.0\r\nhost: localhost\r\n\r\n";

/// A running server.
#[derive(Debug)]
pub struct Child {
    /// Where it listens.
    pub address: SocketAddr,
    tether: Tether,
}

impl Child {
    /// Starts `program` with `arguments` and `--listen`, and waits until it says at `/readyz` that it is ready. What it
    /// prints goes to `server.log` in `dir`.
    pub async fn start(program: &Path, arguments: &[&str], dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        let path = dir.join("server.log");
        let address = SocketAddr::from(([127, 0, 0, 1], unique::port()?));
        let mut arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        arguments.extend(["--listen".to_owned(), address.to_string()]);
        let account = &Account::own_self();
        let terms = Terms {
            account,
            dir,
            log: File::create(&path)?,
            stop: Signal::SIGTERM,
            scratch: None,
        };
        let mut child = Self {
            address,
            tether: Tether::start(program, &arguments, terms)?,
        };
        let started = Instant::now();
        loop {
            if let Ok((200, _)) = http::once(address, READY, &[]).await {
                return Ok(child);
            }
            if child.tether.ended().is_some() || started.elapsed() > READY_WITHIN {
                let said = fs::read_to_string(&path).unwrap_or_default();
                bail!("{} did not start: {said}", program.display());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Its process.
    pub fn process(&self) -> i32 {
        self.tether.pid().as_raw()
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        self.tether.stop();
    }
}

/// The program of this name that was built beside this one.
pub fn beside(name: &str) -> anyhow::Result<std::path::PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name(name);
    if program.exists() {
        Ok(program)
    } else {
        None.with_context(|| format!("{} is not built: cargo build --release -p {name}", program.display()))
    }
}
