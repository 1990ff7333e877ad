//! Waits for the server of a Stoa that was killed: it is told to stop, but may still be at it when the next one starts.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, file};

/// A fast shutdown writes a checkpoint first.
const GONE_WITHIN: Duration = Duration::from_mins(1);

/// Returns once no postmaster runs on `data`.
///
/// A `postmaster.pid` whose number now belongs to a stranger, as after a reboot or in a container, is removed: Postgres
/// itself sees only that such a process lives and would refuse to start. One whose process is dead is left to Postgres,
/// which also checks that no orphaned backend still has the shared memory.
pub async fn wait_until_gone(data: &Path) -> Result<(), Error> {
    let pid_file = data.join("postmaster.pid");
    let started = Instant::now();
    while started.elapsed() < GONE_WITHIN {
        let Ok(text) = std::fs::read_to_string(&pid_file) else {
            return Ok(());
        };
        let pid = text.lines().next().unwrap_or_default().trim();
        let Ok(command) = std::fs::read(format!("/proc/{pid}/cmdline")) else {
            return Ok(());
        };
        let arguments = command.split(|byte| *byte == 0);
        if !arguments
            .into_iter()
            .any(|argument| argument == data.as_os_str().as_encoded_bytes())
        {
            return std::fs::remove_file(&pid_file).map_err(file("remove", pid_file));
        }
        sleep(Duration::from_millis(50)).await;
    }
    Err(Error::InUse { dir: data.into() })
}
