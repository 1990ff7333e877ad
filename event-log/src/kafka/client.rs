//! What every client of librdkafka shares here: where its log lines go, and what its errors mean to the port.

use rdkafka::{
    client::ClientContext, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError,
    types::RDKafkaErrorCode,
};

use crate::port::LogError;

/// Sends librdkafka's log lines to `tracing`, one level down: a broker that is away is told once by whoever needed it,
/// not by each of forty connections each second.
pub(super) struct Traced;

impl ClientContext for Traced {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        trace_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for Traced {}

/// One line of librdkafka's log.
pub(super) fn trace_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(target: "librdkafka", facility, message);
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
            tracing::info!(target: "librdkafka", facility, message);
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "librdkafka", facility, message);
        }
    }
}

/// What an error of librdkafka means. `Unusable` is what waiting does not mend: rights, names, settings.
pub(super) fn log_error(doing: &str, error: &KafkaError) -> LogError {
    let text = format!("{doing}: {error}");
    let lasting = match error {
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) => true,
        other => matches!(
            other.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::ClusterAuthorizationFailed
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::UnsupportedVersion
                    | RDKafkaErrorCode::InvalidTopic
                    | RDKafkaErrorCode::InvalidConfig
                    | RDKafkaErrorCode::InvalidReplicationFactor
                    | RDKafkaErrorCode::PolicyViolation
            )
        ),
    };
    if lasting {
        LogError::Unusable(text)
    } else {
        LogError::Unavailable(text)
    }
}

/// A client that is dropped on a thread of its own: librdkafka's destruction waits for its threads, which must not hold
/// up the runtime.
pub(super) struct OffThread<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> OffThread<T> {
    pub(super) const fn new(client: T) -> Self {
        Self(Some(client))
    }
}

impl<T: Send + 'static> std::ops::Deref for OffThread<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is only taken out when it is dropped")
    }
}

impl<T: Send + 'static> Drop for OffThread<T> {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            // If there is no thread to be had, the closure and the client in it are dropped here.
            let _ = std::thread::Builder::new()
                .name("kafka-farewell".into())
                .spawn(move || drop(client));
        }
    }
}
