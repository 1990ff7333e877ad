//! What a broker is told: its `server.properties` and how it logs.

use std::fmt::Write;
use std::path::PathBuf;

/// What a test may choose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The JVM's largest heap, in MiB.
    pub heap_mb: u32,
    /// Whether every append is flushed to disk before it is acknowledged, as a broker without replicas needs to survive a
    /// power cut. Topics can ask for the same one by one (`flush.messages=1`).
    pub flush_every_message: bool,
    /// Further lines of `server.properties`; they win over those above them.
    pub properties: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heap_mb: 512,
            flush_every_message: false,
            properties: Vec::new(),
        }
    }
}

/// A broker's place in its cluster. One node is its own controller quorum.
#[derive(Debug, Clone)]
pub struct Node {
    pub dir: PathBuf,
    pub id: u32,
    pub broker_port: u16,
    pub controller_port: u16,
}

impl Node {
    pub fn properties(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    pub fn log4j(&self) -> PathBuf {
        self.dir.join("log4j2.properties")
    }
}

/// A single broker must hold the only copy of its internal topics, and creates no topic that nobody asked for. Groups
/// form without the delay that gathers members in a large fleet, and log compaction needs no 128 MB buffer here.
const FIXED: &str = "\
process.roles=broker,controller
controller.listener.names=CONTROLLER
auto.create.topics.enable=false
unclean.leader.election.enable=false
log.retention.ms=-1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
";

/// Warnings and the line that tells that the broker is up.
pub const LOG4J: &str = "\
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
";

impl Settings {
    /// The text of `server.properties`. A key that comes twice has its last value.
    pub(super) fn render(&self, node: &Node) -> String {
        let Node {
            dir,
            id,
            broker_port,
            controller_port,
        } = node;
        let mut text = FIXED.to_owned();
        let mut line = |key: &str, value: &str| {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{key}={value}");
        };
        line("node.id", &id.to_string());
        line("controller.quorum.voters", &format!("{id}@127.0.0.1:{controller_port}"));
        line(
            "listeners",
            &format!("PLAINTEXT://127.0.0.1:{broker_port},CONTROLLER://127.0.0.1:{controller_port}"),
        );
        line("advertised.listeners", &format!("PLAINTEXT://127.0.0.1:{broker_port}"));
        line("log.dirs", &dir.join("logs").display().to_string());
        if self.flush_every_message {
            line("log.flush.interval.messages", "1");
        }
        for (key, value) in &self.properties {
            line(key, value);
        }
        text
    }
}
