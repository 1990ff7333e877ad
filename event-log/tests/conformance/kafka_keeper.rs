//! The log in a real Kafka. What lies in Kafka can't be changed in place, so a tampered log is a wrapper that reads the
//! real one and lies about it; a truncated one is a topic that holds the first records only.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use event_log::{
    checkpoint::Checkpoint,
    kafka::{KafkaLog, KafkaSettings},
    port::{Appender, LogError, Port, RawStream},
    record::{Record, Stored},
    shard::Shard,
};
use futures::StreamExt;
use servers::kafka::{Kafka, Settings};
use tempfile::TempDir;

use crate::{
    keeper::{Keeper, Tampering, topology},
    scribe::SHARD,
};

pub struct KafkaKeeper {
    settings: KafkaSettings,
    own: Option<(Kafka, TempDir)>,
}

fn settings(brokers: String) -> KafkaSettings {
    KafkaSettings {
        topic_prefix: servers::shared::topic_prefix(),
        message_timeout: Duration::from_secs(3),
        request_timeout: Duration::from_secs(5),
        ..KafkaSettings::new(brokers)
    }
}

impl KafkaKeeper {
    async fn log(&self) -> KafkaLog {
        KafkaLog::open(self.settings.clone(), topology(1)).await.unwrap()
    }

    fn server(&mut self) -> &mut Kafka {
        &mut self.own.as_mut().expect("it is on a server of its own").0
    }
}

impl Keeper for KafkaKeeper {
    async fn fresh() -> Self {
        Self {
            settings: settings(servers::shared::kafka().await),
            own: None,
        }
    }

    async fn on_own_server() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path: &Path = place.path();
        let server = Kafka::start(path, Settings::default()).await.unwrap();
        Self {
            settings: settings(server.brokers()),
            own: Some((server, place)),
        }
    }

    async fn port(&self) -> Arc<dyn Port> {
        Arc::new(self.log().await)
    }

    async fn open_with(&self, partitions: u16) -> Result<(), LogError> {
        KafkaLog::open(self.settings.clone(), topology(partitions))
            .await
            .map(drop)
    }

    async fn put(&self, records: Vec<Record>) {
        let mut appender = self.log().await.appender(SHARD).await.unwrap();
        for record in records {
            appender.append(vec![record]).await.unwrap().unwrap();
        }
    }

    async fn tampered(&self, tampering: Tampering) -> Arc<dyn Port> {
        Arc::new(Tampered {
            log: self.log().await,
            tampering,
        })
    }

    async fn truncated(&self, keep: u64) -> Arc<dyn Port> {
        let short = Self {
            settings: settings(self.settings.brokers.clone()),
            own: None,
        };
        let kept = self.log().await.read(vec![(SHARD, 0)]).await.unwrap();
        let kept = kept
            .take(usize::try_from(keep).unwrap())
            .map(|stored| stored.unwrap().1.record);
        short.put(kept.collect().await).await;
        short.port().await
    }

    async fn kill(&mut self) {
        self.server().kill().await;
    }

    async fn restart(&mut self) {
        self.server().restart().await.unwrap();
    }

    async fn freeze(&mut self) {
        self.server().pause().await;
    }

    async fn thaw(&mut self) {
        self.server().resume();
    }
}

/// The log, as it would be read if somebody had tampered with it.
struct Tampered {
    log: KafkaLog,
    tampering: Tampering,
}

impl Tampered {
    async fn record(&self, offset: u64) -> Record {
        let mut stream = self.log.read(vec![(SHARD, offset)]).await.unwrap();
        stream.next().await.unwrap().unwrap().1.record
    }
}

#[async_trait]
impl Port for Tampered {
    async fn appender(&self, shard: Shard) -> Result<Box<dyn Appender>, LogError> {
        self.log.appender(shard).await
    }

    async fn read(&self, from: Vec<(Shard, u64)>) -> Result<RawStream, LogError> {
        let real = self.log.read(from).await?;
        let replaced = match self.tampering {
            Tampering::ChangeValue(at) => {
                let mut record = self.record(at).await;
                record.value = Some(Bytes::from_static(b"{}"));
                vec![(at, Some(record))]
            }
            Tampering::Remove(at) => vec![(at, None)],
            Tampering::Swap(at) => {
                let (first, second) = (self.record(at).await, self.record(at + 1).await);
                vec![(at, Some(second)), (at + 1, Some(first))]
            }
        };
        let lies = real.map(move |item| {
            let (shard, stored) = item?;
            let lie = replaced.iter().find(|(at, _)| *at == stored.offset);
            let record = match lie {
                None => stored.record,
                // As the adapter reads an offset that has no record.
                Some((_, None)) => Record::default(),
                Some((_, Some(record))) => record.clone(),
            };
            let offset = stored.offset;
            Ok((shard, Stored { offset, record }))
        });
        Ok(lies.boxed())
    }

    async fn end(&self, shard: Shard) -> Result<u64, LogError> {
        self.log.end(shard).await
    }

    async fn confirm(&self, at: &Checkpoint) -> Result<Option<bool>, LogError> {
        self.log.confirm(at).await
    }
}
