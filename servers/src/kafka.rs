//! One Apache Kafka broker, controller included (`KRaft`), from the jars that `make setup` fetches: for tests and the
//! bench, with the faults that tests inject (killed, paused, restarted).

mod properties;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use properties::Node;
pub use properties::Settings;

use crate::account::Account;
use crate::error::{Error, file};
use crate::places;
use crate::tether::{Terms, Tether};
use crate::unique;

/// Apache's release that `tools/kafka/pom.xml` names as well.
const VERSION: &str = "4.1.1";

/// A JVM on a loaded machine takes its time.
const READY_WITHIN: Duration = Duration::from_mins(3);

/// Said by the broker once it is registered and takes requests.
const READY: &str = "Kafka Server started";

/// A running broker. Dropping it kills it: a test's broker has nothing to save. [`Kafka::stop`] shuts it down in order.
#[derive(Debug)]
pub struct Kafka {
    server: Tether,
    node: Node,
    settings: Settings,
    scratch: Option<PathBuf>,
}

impl Kafka {
    /// Formats `dir` and starts a broker there on free ports.
    pub async fn start(dir: &Path, settings: Settings) -> Result<Self, Error> {
        Self::start_with(dir, settings, None).await
    }

    /// The same, with a directory to remove when the broker ends.
    pub(crate) async fn start_with(dir: &Path, settings: Settings, scratch: Option<&Path>) -> Result<Self, Error> {
        places::make(dir)?;
        let dir = dir.canonicalize().map_err(file("find", dir))?;
        let node = Node {
            dir,
            id: 1,
            broker_port: unique::port()?,
            controller_port: unique::port()?,
        };
        let path = node.properties();
        std::fs::write(&path, settings.render(&node)).map_err(file("write", path))?;
        let log4j = node.log4j();
        std::fs::write(&log4j, properties::LOG4J).map_err(file("write", log4j))?;
        format(&node).await?;
        let server = run(&node, &settings, scratch).await?;
        Ok(Self {
            server,
            node,
            settings,
            scratch: scratch.map(Path::to_path_buf),
        })
    }

    /// The bootstrap list for clients.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.node.broker_port)
    }

    /// The broker's process id.
    pub fn pid(&self) -> nix::unistd::Pid {
        self.server.pid()
    }

    /// Kills the broker (SIGKILL) and waits until it is gone; [`Kafka::restart`] brings it back.
    pub async fn kill(&mut self) {
        self.server.signal(Signal::SIGKILL);
        while self.server.ended().is_none() {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Freezes the broker (SIGSTOP): its sockets stay open and nothing answers.
    pub async fn pause(&mut self) {
        self.server.freeze().await;
    }

    /// Lets a paused broker go on (SIGCONT).
    pub fn resume(&mut self) {
        self.server.signal(Signal::SIGCONT);
    }

    /// Starts the broker again on the same data and ports, killing it first if it still runs.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.kill().await;
        self.server = run(&self.node, &self.settings, self.scratch.as_deref()).await?;
        Ok(())
    }

    /// Shuts the broker down in order and waits until it has.
    pub async fn stop(mut self) {
        // Waiting blocks, so it happens where that is allowed.
        let _ = tokio::task::spawn_blocking(move || self.server.stop()).await;
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.server.signal(Signal::SIGKILL);
    }
}

/// What the JVM is told: `main` with Kafka's jars, and where its log settings are.
fn java(node: &Node, options: &[String], main: &str) -> Result<Vec<String>, Error> {
    let mut arguments = options.to_vec();
    arguments.push(format!("-Dlog4j2.configurationFile={}", node.log4j().display()));
    arguments.extend(["-cp".into(), format!("{}/*", jars()?.display()), main.into()]);
    Ok(arguments)
}

/// Where `make setup` put the jars.
fn jars() -> Result<PathBuf, Error> {
    let dir = places::cache().join(format!("kafka-{VERSION}"));
    if dir.is_dir() {
        Ok(dir)
    } else {
        Err(Error::NoKafka { dir })
    }
}

async fn format(node: &Node) -> Result<(), Error> {
    // A cluster id is 16 bytes in base64: 22 characters, of which the last carries two bits.
    let cluster = format!("{}A", &unique::hex(11)?[..21]);
    let program = "kafka.tools.StorageTool";
    // It ends before the optimising compiler and a parallel collector would pay.
    let mut arguments = java(
        node,
        &["-XX:TieredStopAtLevel=1".into(), "-XX:+UseSerialGC".into()],
        program,
    )?;
    arguments.extend(["format", "--ignore-formatted", "-t", &cluster, "-c"].map(String::from));
    arguments.push(node.properties().display().to_string());
    let spawned = tokio::task::spawn_blocking(move || Command::new("java").args(arguments).output()).await;
    let output = spawned.map_err(std::io::Error::other).flatten();
    let output = output.map_err(|source| Error::Spawn {
        program: "java".into(),
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Err(Error::Failed {
        program: program.into(),
        output: said,
    })
}

async fn run(node: &Node, settings: &Settings, scratch: Option<&Path>) -> Result<Tether, Error> {
    // A log of its own for each start, so that an earlier one's line is not taken for this one's.
    let path = node.dir.join("broker.log");
    let log = File::create(&path).map_err(file("create", &path))?;
    let mut arguments = java(node, &[format!("-Xmx{}m", settings.heap_mb)], "kafka.Kafka")?;
    arguments.push(node.properties().display().to_string());
    let account = &Account::own_self();
    let terms = Terms {
        account,
        dir: &node.dir,
        log,
        stop: Signal::SIGTERM,
        scratch,
    };
    let mut server = Tether::start(Path::new("java"), &arguments, terms)?;

    let started = Instant::now();
    while started.elapsed() < READY_WITHIN {
        let said = std::fs::read_to_string(&path).unwrap_or_default();
        if said.contains(READY) {
            return Ok(server);
        }
        if server.ended().is_some() {
            return Err(Error::Failed {
                program: "kafka.Kafka".into(),
                output: places::tail(&path),
            });
        }
        sleep(Duration::from_millis(50)).await;
    }
    Err(Error::NotReady {
        server: "Kafka",
        after: READY_WITHIN,
        log: places::tail(&path),
    })
}
