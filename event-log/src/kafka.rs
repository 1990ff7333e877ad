//! The log on plain Kafka: a topic per family, a partition per shard; no transactions, no groups, no conditional append.
//! Any Kafka client sees standard CloudEvents.
//!
//! | file | what it holds |
//! |---|---|
//! | `settings` | what an operator may choose, and librdkafka's configuration |
//! | `topics` | creation and the checks at every start |
//! | `producer` | the producers that shards share, reports of commits from reports of records |
//! | `appender` | a session that appends to one shard |
//! | `reading` | one consumer for many shards, from exact offsets |
//! | `client` | log lines and errors of librdkafka |

mod appender;
mod client;
mod producer;
mod reading;
mod settings;
mod topics;

use std::sync::Arc;

use async_trait::async_trait;
use rdkafka::{
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

pub use self::settings::KafkaSettings;
use self::{
    appender::KafkaAppender,
    client::{OffThread, Traced, log_error},
    producer::Producers,
};
use crate::{
    checkpoint::Checkpoint,
    port::{Appender, LogError, Port, RawStream},
    shard::{Shard, Topology},
};

/// The log in a Kafka cluster.
pub struct KafkaLog {
    settings: Arc<KafkaSettings>,
    topology: Topology,
    observer: Arc<OffThread<BaseConsumer<Traced>>>,
    producers: Arc<Producers>,
}

impl KafkaLog {
    /// Connects, creates the topics that are missing, and checks all of them. A cluster that is not up yet is
    /// [`LogError::Unavailable`]; topics that could lose records, or have another partition count, are
    /// [`LogError::Unusable`], with every reason.
    pub async fn open(settings: KafkaSettings, topology: Topology) -> Result<Self, LogError> {
        let observer = BaseConsumer::from_config_and_context(&settings.observer(), Traced)
            .map_err(|error| log_error("connecting", &error))?;
        let observer = Arc::new(OffThread::new(observer));
        topics::prepare(&settings, &topology, &observer).await?;
        Ok(Self {
            producers: Arc::new(Producers::new(&settings)),
            settings: Arc::new(settings),
            topology,
            observer,
        })
    }

    /// How it was opened; [`KafkaSettings::topic_of`] names the topics.
    pub fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    fn check(&self, shard: Shard) -> Result<(), LogError> {
        match self.topology.partitions.get(&shard.family) {
            Some(count) if shard.partition < *count => Ok(()),
            _ => Err(LogError::Unusable(format!("there is no shard {shard}"))),
        }
    }
}

#[async_trait]
impl Port for KafkaLog {
    async fn appender(&self, shard: Shard) -> Result<Box<dyn Appender>, LogError> {
        self.check(shard)?;
        let (settings, producers) = (self.settings.clone(), self.producers.clone());
        blocking(move || {
            let producer = producers.of(&settings, shard)?;
            Ok(Box::new(KafkaAppender::new(&settings, producer, shard)) as Box<dyn Appender>)
        })
        .await
    }

    async fn read(&self, from: Vec<(Shard, u64)>) -> Result<RawStream, LogError> {
        from.iter().try_for_each(|(shard, _)| self.check(*shard))?;
        reading::open(self.settings.clone(), self.observer.clone(), from)
    }

    async fn end(&self, shard: Shard) -> Result<u64, LogError> {
        self.check(shard)?;
        let (_, high) = watermarks(&self.observer, &self.settings, shard).await?;
        Ok(high)
    }

    async fn confirm(&self, _at: &Checkpoint) -> Result<Option<bool>, LogError> {
        // The high watermark would do at replication 1 only: a leader that is cut off answers with an old one.
        Ok(None)
    }
}

/// The first offset that a shard holds, and the one behind its last.
async fn watermarks(
    observer: &Arc<OffThread<BaseConsumer<Traced>>>,
    settings: &KafkaSettings,
    shard: Shard,
) -> Result<(u64, u64), LogError> {
    let (observer, patience) = (observer.clone(), settings.request_timeout);
    let topic = settings.topic_of(shard.family);
    blocking(move || {
        let started = std::time::Instant::now();
        let ends = loop {
            let ends = observer.fetch_watermarks(&topic, shard.partition.into(), patience);
            let moved = matches!(&ends, Err(error) if is_about_the_leader(error));
            if !moved || started.elapsed() > patience {
                break ends;
            }
            // A broker that came back moments ago does not lead yet, or librdkafka still asks the one that did.
            std::thread::sleep(std::time::Duration::from_millis(50));
            let _ = observer.fetch_metadata(Some(&topic), patience);
        };
        // librdkafka's log lines wait in a queue that nothing else empties.
        while observer.poll(std::time::Duration::ZERO).is_some() {}
        let (low, high) = ends.map_err(|error| log_error(&format!("asking for the end of {shard}"), &error))?;
        match (u64::try_from(low), u64::try_from(high)) {
            (Ok(low), Ok(high)) => Ok((low, high)),
            _ => Err(LogError::Unavailable(format!("{shard} has no end yet"))),
        }
    })
    .await
}

fn is_about_the_leader(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::NotLeaderForPartition | RDKafkaErrorCode::LeaderNotAvailable)
    )
}

/// Runs what blocks where that is allowed.
async fn blocking<T, F>(work: F) -> Result<T, LogError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, LogError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(LogError::Unavailable(format!("a thread ended: {error}"))),
    }
}
