//! A server process that never outlives the process that started it.
//!
//! Between the two stands a shell that waits for the end of its standard input. The write end of that pipe is held by
//! the parent alone, so it closes when the parent stops the server, panics or is killed with SIGKILL; then the shell
//! signals the server. `PR_SET_PDEATHSIG` would need unsafe code before exec, and speaks of the parent's *thread*.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::account::Account;
use crate::error::Error;

/// Descriptor 3 is the parent's pipe: a background job's standard input would be /dev/null. A stopped process sees no
/// other signal before SIGCONT. A server that does not end in half a minute is killed.
const SHELL: &str = r#"
signal=$1 scratch=$2
shift 2
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
echo "$server"
exec >&2
{
    read -r _ <&3
    kill -CONT "$server"
    kill -s "$signal" "$server"
    patience=60
    while [ "$patience" -gt 0 ] && kill -0 "$server"; do sleep 0.5; patience=$((patience - 1)); done
    kill -KILL "$server"
} 2>/dev/null &
guard=$!
wait "$server"
status=$?
kill "$guard" 2>/dev/null
[ -z "$scratch" ] || rm -rf -- "$scratch"
exit "$status"
"#;

/// How a server is started and ended.
#[derive(Debug)]
pub struct Terms<'a> {
    /// Who it runs as.
    pub account: &'a Account,
    /// Where it runs; the account must be able to enter it.
    pub dir: &'a Path,
    /// Where its standard output and error go.
    pub log: File,
    /// The signal that asks it to stop.
    pub stop: Signal,
    /// A directory to remove once it has ended, when its data is worth nothing afterwards.
    pub scratch: Option<&'a Path>,
}

/// A running server. Dropping it asks the server to stop and waits until it has.
#[derive(Debug)]
pub struct Tether {
    shell: Child,
    line: Option<ChildStdin>,
    server: Pid,
}

impl Tether {
    /// Starts `program` with `arguments`.
    pub fn start(program: &Path, arguments: &[String], terms: Terms<'_>) -> Result<Self, Error> {
        let failed = |source| Error::Spawn {
            program: program.display().to_string(),
            source,
        };
        let mut command = Command::new("sh");
        command.args(["-c", SHELL, "sh"]);
        // `kill -s` takes the name without SIG.
        command.arg(terms.stop.as_str().trim_start_matches("SIG"));
        command
            .arg(terms.scratch.unwrap_or(Path::new("")))
            .arg(program)
            .args(arguments);
        command
            .current_dir(terms.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(terms.log);
        // Apart from the terminal's group: ctrl-C must end Stoa first, which then ends its servers in order.
        command.process_group(0);
        terms.account.apply(&mut command);

        let mut shell = command.spawn().map_err(failed)?;
        let line = shell.stdin.take();
        let mut first = String::new();
        if let Some(output) = shell.stdout.take() {
            BufReader::new(output).read_line(&mut first).map_err(failed)?;
        }
        let pid = first
            .trim()
            .parse()
            .map_err(|_| failed(std::io::ErrorKind::UnexpectedEof.into()))?;
        Ok(Self {
            shell,
            line,
            server: Pid::from_raw(pid),
        })
    }

    /// The server's own process id.
    pub fn pid(&self) -> Pid {
        self.server
    }

    /// Sends the server a signal. One that has ended already is no error: the caller wants it gone or learns it later.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let _ = kill(self.server, signal);
        }
    }

    /// Stops the server where it stands (SIGSTOP) and waits until all of its threads do: on a busy machine one of them
    /// answers a request yet after the signal was sent.
    pub async fn freeze(&mut self) {
        self.signal(Signal::SIGSTOP);
        while self.ended().is_none() && !self.stands_still() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    /// Whether each of its threads is stopped: the state behind the parenthesised name in `/proc/PID/task/TID/stat`.
    fn stands_still(&self) -> bool {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", self.server)) else {
            return true;
        };
        threads.flatten().all(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
        })
    }

    /// How the server ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.shell.try_wait().ok().flatten()
    }

    /// Asks the server to stop, and waits until it has.
    pub fn stop(&mut self) {
        self.line = None;
        self.wait();
    }

    /// Waits until the server has ended by itself or by a signal.
    pub fn wait(&mut self) {
        let _ = self.shell.wait();
    }
}

impl Drop for Tether {
    fn drop(&mut self) {
        self.stop();
    }
}
