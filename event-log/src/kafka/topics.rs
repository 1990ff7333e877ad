//! The topics: made at the first start, checked at every start. A log that a broker may shorten, or one whose partition
//! count has changed under its keys, is refused.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    admin::{
        AdminClient, AdminOptions, ConfigResource, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
        TopicReplication,
    },
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use super::{
    blocking,
    client::{OffThread, Traced, log_error},
    settings::KafkaSettings,
};
use crate::{port::LogError, shard::Topology};

/// What topics are made with, and must still have at every start.
const REQUIRED: [(&str, &str); 4] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("unclean.leader.election.enable", "false"),
];

type Admin = OffThread<AdminClient<Traced>>;
type Observer = std::sync::Arc<OffThread<BaseConsumer<Traced>>>;

/// The brokers and topics of a cluster.
struct Cluster {
    brokers: usize,
    topics: BTreeMap<String, Partitions>,
}

/// The partitions of a topic.
struct Partitions {
    count: usize,
    /// Copies of the partition that has the fewest.
    replication: usize,
    /// Whether each has a leader, so that it can be written.
    led: bool,
}

/// Creates what is missing and refuses what is not as it must be.
pub(super) async fn prepare(
    settings: &KafkaSettings,
    topology: &Topology,
    observer: &Observer,
) -> Result<(), LogError> {
    let admin = AdminClient::from_config_and_context(&settings.client(), Traced)
        .map_err(|error| log_error("connecting", &error))?;
    let admin = OffThread::new(admin);
    let expected: BTreeMap<String, usize> = topology
        .partitions
        .iter()
        .map(|(family, count)| (settings.topic_of(*family), usize::from(*count)))
        .collect();

    let mut cluster = look(settings, observer).await?;
    let missing: Vec<_> = expected
        .iter()
        .filter(|(topic, _)| !cluster.topics.contains_key(*topic))
        .collect();
    if !missing.is_empty() {
        create(settings, &admin, cluster.brokers, &missing).await?;
    }
    let patience = Instant::now() + settings.request_timeout;
    while !expected
        .keys()
        .all(|topic| cluster.topics.get(topic).is_some_and(|found| found.led))
    {
        if Instant::now() > patience {
            return Err(LogError::Unavailable("some partitions have no leader".into()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        cluster = look(settings, observer).await?;
    }
    check(settings, &admin, &cluster, &expected).await
}

async fn look(settings: &KafkaSettings, observer: &Observer) -> Result<Cluster, LogError> {
    let (observer, patience) = (observer.clone(), settings.request_timeout);
    blocking(move || {
        let metadata = observer
            .fetch_metadata(None, patience)
            .map_err(|error| log_error("looking at the topics", &error))?;
        let topics = metadata.topics().iter().map(|topic| {
            let partitions = topic.partitions();
            let found = Partitions {
                count: partitions.len(),
                replication: partitions.iter().map(|one| one.replicas().len()).min().unwrap_or(0),
                led: !partitions.is_empty() && partitions.iter().all(|one| one.leader() >= 0),
            };
            (topic.name().to_owned(), found)
        });
        Ok(Cluster {
            brokers: metadata.brokers().len(),
            topics: topics.collect(),
        })
    })
    .await
}

async fn create(
    settings: &KafkaSettings,
    admin: &Admin,
    brokers: usize,
    missing: &[(&String, &usize)],
) -> Result<(), LogError> {
    let replication = settings.replication.map_or(brokers.clamp(1, 3), usize::from);
    let in_sync = if replication >= 3 { "2" } else { "1" };
    let size = settings.max_message_bytes.max(1_048_588).to_string();
    let new: Vec<NewTopic<'_>> = missing
        .iter()
        .map(|(topic, partitions)| {
            let copies = TopicReplication::Fixed(i32::try_from(replication).unwrap_or(i32::MAX));
            let mut new = NewTopic::new(topic, i32::try_from(**partitions).unwrap_or(i32::MAX), copies)
                .set("min.insync.replicas", in_sync)
                .set("max.message.bytes", &size);
            for (name, value) in REQUIRED {
                new = new.set(name, value);
            }
            if settings.flush_every_message {
                new = new.set("flush.messages", "1");
            }
            new
        })
        .collect();
    let results = admin
        .create_topics(&new, &options(settings))
        .await
        .map_err(|error| log_error("creating topics", &error))?;
    for result in results {
        match result {
            Ok(topic) => tracing::info!(topic, replication, "created a topic of the log"),
            // Another node starts at the same moment; the check that follows goes for both.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                return Err(log_error(
                    &format!("creating topic {topic}"),
                    &KafkaError::AdminOp(code),
                ));
            }
        }
    }
    Ok(())
}

async fn check(
    settings: &KafkaSettings,
    admin: &Admin,
    cluster: &Cluster,
    expected: &BTreeMap<String, usize>,
) -> Result<(), LogError> {
    let specifiers: Vec<_> = expected.keys().map(|topic| ResourceSpecifier::Topic(topic)).collect();
    let described = admin
        .describe_configs(&specifiers, &options(settings))
        .await
        .map_err(|error| log_error("reading the topics' configuration", &error))?;
    let mut faults = Vec::new();
    for resource in described {
        let resource =
            resource.map_err(|code| log_error("reading the topics' configuration", &KafkaError::AdminOp(code)))?;
        let OwnedResourceSpecifier::Topic(topic) = &resource.specifier else {
            continue;
        };
        let (Some(found), Some(count)) = (cluster.topics.get(topic), expected.get(topic)) else {
            continue;
        };
        if found.count != *count {
            faults.push(format!(
                "topic {topic} has {} partitions and was made with {count}: a count can't change under the keys",
                found.count
            ));
        }
        faults.extend(faults_of(settings, topic, found.replication, &resource));
        warn_of_risks(topic, found.replication, &resource);
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(LogError::Unusable(faults.join("; ")))
    }
}

/// What must be mended before the topic can be trusted.
fn faults_of(settings: &KafkaSettings, topic: &str, replication: usize, config: &ConfigResource) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, wanted) in REQUIRED {
        let found = value(config, name);
        if found != wanted {
            faults.push(format!("topic {topic}: {name} is {found} and must be {wanted}"));
        }
    }
    let mut at_least = |name, least: u64| {
        let found = value(config, name);
        if !found.parse().is_ok_and(|number: u64| number >= least) {
            faults.push(format!("topic {topic}: {name} is {found} and must be at least {least}"));
        }
    };
    at_least("max.message.bytes", settings.max_message_bytes.into());
    if replication >= 3 {
        at_least("min.insync.replicas", 2);
    }
    faults
}

/// What an operator may want, but should know.
fn warn_of_risks(topic: &str, replication: usize, config: &ConfigResource) {
    let flushed = value(config, "flush.messages") == "1";
    let in_sync: usize = value(config, "min.insync.replicas").parse().unwrap_or(1);
    if !flushed && replication.min(in_sync) < 2 {
        tracing::warn!(
            topic,
            replication,
            in_sync,
            "an acknowledged record may lie on one broker only, in its memory: it survives a killed broker, not a power \
             cut. Set flush.messages=1 on the topic, or keep three copies with min.insync.replicas=2"
        );
    }
}

fn value<'a>(config: &'a ConfigResource, name: &str) -> &'a str {
    config
        .get(name)
        .and_then(|entry| entry.value.as_deref())
        .unwrap_or("not told")
}

fn options(settings: &KafkaSettings) -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(settings.request_timeout))
        .operation_timeout(Some(settings.request_timeout))
}
