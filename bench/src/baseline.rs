//! The bare handler: what HTTP, JSON and one record on the same broker cost without everything else. It parses the
//! body into the domain's own command, produces a record of about the size that Stoa's has, and answers when the broker
//! has acknowledged it. It checks no token and no key, keeps no state, and nothing reads what it wrote.

use std::{net::SocketAddr, path::Path as FilePath, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use clap::Args;
use domain::{listing::stock::AdjustStock, order::order::PlaceOrder};
use rdkafka::{
    ClientConfig, ClientContext, Message as _,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, ProducerContext, ThreadedProducer},
};
use serde::Serialize;
use tokio::{net::TcpListener, sync::oneshot};

use crate::child::Child;

/// As many as a topic of Stoa's has.
const PARTITIONS: i32 = 4;
/// What the headers of a record of Stoa's come to: names and values of the CloudEvents envelope and the chain.
const ENVELOPE: [u8; 900] = [b'e'; 900];

/// What the bare handler needs to know.
#[derive(Debug, Args)]
pub struct Settings {
    /// The broker.
    #[arg(long)]
    brokers: String,
    /// The topic; it is created.
    #[arg(long)]
    topic: String,
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
}

/// Starts the bare handler in a process of its own.
pub async fn start(brokers: &str, topic: &str, dir: &FilePath) -> anyhow::Result<Child> {
    let program = std::env::current_exe()?;
    let arguments = ["baseline", "--brokers", brokers, "--topic", topic];
    Child::start(&program, &arguments, dir).await
}

/// Serves until the process is ended.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &settings.brokers);
    let admin: AdminClient<DefaultClientContext> = client.create()?;
    let topic = NewTopic::new(&settings.topic, PARTITIONS, TopicReplication::Fixed(1));
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)));
    for created in admin.create_topics(&[topic], &options).await? {
        created.map_err(|(topic, error)| anyhow::anyhow!("{topic}: {error}"))?;
    }
    client
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "0");
    let bare = Arc::new(Bare {
        producer: client.create_with_context(Reports)?,
        topic: settings.topic,
    });
    let router = Router::new()
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/v1/orders/{id}/place", post(place))
        .route("/v1/listings/{listing}/stock/{stock}/adjust", post(adjust))
        .with_state(bare);
    axum::serve(TcpListener::bind(settings.listen).await?, router).await?;
    Ok(())
}

struct Bare {
    producer: ThreadedProducer<Reports>,
    topic: String,
}

/// What the bare handler answers.
#[derive(Serialize)]
struct Receipt {
    id: String,
    partition: i32,
    offset: i64,
}

type Answer = Result<Json<Receipt>, StatusCode>;

async fn place(State(bare): State<Arc<Bare>>, Path(id): Path<String>, Json(order): Json<PlaceOrder>) -> Answer {
    bare.produce(id.clone(), id, &order).await
}

async fn adjust(
    State(bare): State<Arc<Bare>>,
    Path((listing, stock)): Path<(String, String)>,
    Json(adjustment): Json<AdjustStock>,
) -> Answer {
    bare.produce(listing, stock, &adjustment).await
}

impl Bare {
    async fn produce(&self, key: String, id: String, command: &impl Serialize) -> Answer {
        let value = serde_json::to_vec(command).map_err(|_| StatusCode::BAD_REQUEST)?;
        let (reported, report) = oneshot::channel();
        let headers = OwnedHeaders::new_with_capacity(1).insert(Header {
            key: "envelope",
            value: Some(&ENVELOPE),
        });
        let record = BaseRecord::with_opaque_to(&self.topic, Box::new(reported))
            .key(&key)
            .payload(&value)
            .headers(headers);
        // A record that is not taken drops its sender.
        let _ = self.producer.send(record);
        match report.await {
            Ok(Some((partition, offset))) => Ok(Json(Receipt { id, partition, offset })),
            _ => Err(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

struct Reports;

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<oneshot::Sender<Option<(i32, i64)>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, reported: Self::DeliveryOpaque) {
        let at = result.as_ref().ok().map(|record| (record.partition(), record.offset()));
        // Whoever asked may have gone.
        let _ = reported.send(at);
    }
}
