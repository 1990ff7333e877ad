//! What an operator may choose about Kafka, and how it becomes librdkafka's configuration. What the protocol leans on
//! (acknowledgements by all, idempotence, no commit of offsets) is set last and can not be changed.

use std::{collections::BTreeMap, time::Duration};

use domain::family::Family;
use rdkafka::ClientConfig;

/// How to reach Kafka, and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// The bootstrap list: `host:port,host:port`.
    pub brokers: String,
    /// Put before the families' names to make the topics' (`shop1-` gives `shop1-order`): installations that share a
    /// cluster differ in it.
    pub topic_prefix: String,
    /// Copies of each record, when the topics are created; without it 3, or as many as there are brokers.
    pub replication: Option<u16>,
    /// Whether topics are created with `flush.messages=1`: the broker then writes each batch to disk before it
    /// acknowledges, and a single broker survives a power cut. It halves the throughput.
    pub flush_every_message: bool,
    /// How long a record may wait for its acknowledgement. Past it its report is bad and the writer reopens the shard.
    pub message_timeout: Duration,
    /// How long a question (the end of a shard, the configuration of a topic) may take.
    pub request_timeout: Duration,
    /// How many producers the shards share. One is the fastest beside a broker on the same machine (decision 0002); more
    /// where a broker is far away, since each has at most five requests on their way to a broker.
    pub producers: u16,
    /// Records that wait in one producer for their acknowledgement; one more is a bad report.
    pub max_in_flight: u32,
    /// The largest record, framing and headers included. The topics must allow at least this.
    pub max_message_bytes: u32,
    /// Memory that one reader may fill ahead of its consumer.
    pub read_ahead_bytes: u32,
    /// Further settings of librdkafka by their own names, such as `security.protocol`.
    pub client: BTreeMap<String, String>,
}

impl KafkaSettings {
    /// The defaults, for these brokers.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            topic_prefix: String::new(),
            replication: None,
            flush_every_message: false,
            message_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            producers: 1,
            max_in_flight: 100_000,
            max_message_bytes: 1_000_000,
            read_ahead_bytes: 16 << 20,
            client: BTreeMap::new(),
        }
    }

    /// The name of a family's topic.
    pub fn topic_of(&self, family: Family) -> String {
        format!("{}{family}", self.topic_prefix)
    }

    /// What every client of the log has in common.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "stoa")
            .set("socket.keepalive.enable", "true")
            // A broker that comes back is found within a second, not within ten.
            .set("reconnect.backoff.max.ms", "1000")
            // A frozen broker keeps its sockets open: only this tells.
            .set("socket.timeout.ms", millis(self.request_timeout));
        for (name, value) in &self.client {
            config.set(name, value);
        }
        config
            .set("bootstrap.servers", &self.brokers)
            // A topic that was deleted must not come back empty, with a broker's default partitions and retention.
            .set("allow.auto.create.topics", "false");
        config
    }

    /// A producer.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("max.in.flight.requests.per.connection", "5")
            .set("linger.ms", "0")
            .set("compression.type", "none")
            .set("message.timeout.ms", millis(self.message_timeout))
            .set("message.max.bytes", self.max_message_bytes.to_string())
            .set("queue.buffering.max.messages", self.max_in_flight.to_string())
            .set("queue.buffering.max.kbytes", "1048576");
        config
    }

    /// One reader's consumer. It has a group only because librdkafka assigns no partition without one: nothing is
    /// committed and nobody joins.
    pub(super) fn consumer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", format!("{}stoa-readers", self.topic_prefix))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // An offset that the log does not have is an error, never a silent jump.
            .set("auto.offset.reset", "error")
            // Committed-only readers see nothing behind a foreign transaction that stays open.
            .set("isolation.level", "read_uncommitted")
            // A fetch for every record would keep the broker busier than the writers do: what is there by then comes
            // together.
            .set("fetch.min.bytes", "32768")
            .set("fetch.wait.max.ms", "20")
            .set("message.max.bytes", self.max_message_bytes.to_string())
            .set(
                "queued.max.messages.kbytes",
                (self.read_ahead_bytes / 1024).max(1).to_string(),
            )
            // By default a reader whose queue was full once waits for a whole second.
            .set("fetch.queue.backoff.ms", "5");
        config
    }

    /// The client that looks: ends of shards, topics and their configuration.
    pub(super) fn observer(&self) -> ClientConfig {
        let mut config = self.client();
        // Under the default, the end of a shard stops short of a foreign transaction that stays open.
        config.set("isolation.level", "read_uncommitted");
        config
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().max(1).to_string()
}
