//! An installation of its own for each test: a database, keys, a command API behind a port.

use std::{collections::BTreeSet, sync::Arc};

use auth::Keys;
use chrono::TimeDelta;
use command_api::{Service, Settings};
use domain::{
    clock::SystemClock,
    id::{ListingId, StockId, StoreId, UserId},
    viewer::Role,
};
use event_log::{
    kafka::KafkaSettings,
    log::{Log, LogSettings},
    schema::migrate,
};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub struct Installation {
    pub url: String,
    pub keys: Arc<Keys>,
    pub service: Arc<Service>,
    pub log: Arc<Log>,
    pub pool: PgPool,
    pub client: Client,
    kafka: Option<KafkaSettings>,
    settings: Settings,
    directory: TempDir,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// What the problem's `type` ends with.
    pub fn code(&self) -> &str {
        self.body["type"]
            .as_str()
            .and_then(|kind| kind.strip_prefix("urn:stoa:problem:"))
            .unwrap_or_else(|| panic!("not a problem: {self:?}"))
    }

    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

impl Installation {
    /// The log in Postgres.
    pub async fn postgres() -> Self {
        Self::postgres_with(Settings::new("test")).await
    }

    /// The log in Postgres, and a command API of these settings.
    pub async fn postgres_with(settings: Settings) -> Self {
        let database = servers::shared::postgres().await.database().await;
        Self::start(&database, None, settings).await
    }

    /// The log in Kafka.
    pub async fn kafka() -> Self {
        Self::kafka_with(Settings::new("test")).await
    }

    /// The log in Kafka, and a command API of these settings. Nothing is archived but by whom the test starts.
    pub async fn kafka_with(stoa: Settings) -> Self {
        let database = servers::shared::postgres().await.database().await;
        let mut settings = KafkaSettings::new(servers::shared::kafka().await);
        settings.topic_prefix = servers::shared::topic_prefix();
        Self::start(&database, Some(settings), stoa).await
    }

    async fn start(database: &str, kafka: Option<KafkaSettings>, settings: Settings) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(12)
            .connect(database)
            .await
            .unwrap();
        migrate(&pool).await.unwrap();
        Self::on(pool, kafka, settings, tempfile::tempdir().unwrap()).await
    }

    async fn on(pool: PgPool, kafka: Option<KafkaSettings>, settings: Settings, directory: TempDir) -> Self {
        let mut kept = LogSettings::new(pool.clone());
        kept.kafka.clone_from(&kafka);
        // The embedded Postgres's downloader leaves the choice of one to the process; another test may have come first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let log = Arc::new(Log::open(kept).await.unwrap());
        let clock = Arc::new(SystemClock);
        let keys = Arc::new(Keys::load_or_create(directory.path(), clock.clone()).unwrap());
        let service = Service::open(log.clone(), settings.clone(), keys.clone(), clock)
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let server = tokio::spawn({
            let (router, stop) = (service.router(), stop.clone());
            async move {
                let stopped = async move { stop.cancelled().await };
                axum::serve(listener, router)
                    .with_graceful_shutdown(stopped)
                    .await
                    .unwrap();
            }
        });
        Self {
            url,
            keys,
            service,
            log,
            pool,
            client: Client::new(),
            kafka,
            settings,
            directory,
            stop,
            server,
        }
    }

    /// Ends it in good order and starts it again on what it left.
    pub async fn restart(self) -> Self {
        self.stop.cancel();
        self.service.shutdown().await;
        drop(self.client);
        self.server.await.unwrap();
        Self::on(self.pool, self.kafka, self.settings, self.directory).await
    }

    pub fn token(&self, user: UserId, roles: &[Role]) -> String {
        self.keys.mint(
            user,
            &roles.iter().copied().collect::<BTreeSet<_>>(),
            TimeDelta::hours(1),
        )
    }

    /// A command's request, to be furnished further.
    pub fn command(&self, token: &str, path: &str, body: &Value) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.url))
            .bearer_auth(token)
            .json(body)
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        send(self.command(token, path, body)).await
    }

    /// A published product with so many in stock, made by an administrator: its stock's path.
    pub async fn stock(&self, quantity: u32) -> String {
        let admin = self.token(UserId::generate(), &[Role::Administrator]);
        let (store, listing, stock) = (StoreId::generate(), ListingId::generate(), StockId::generate());
        self.post(&admin, &format!("/v1/stores/{store}/register"), &register())
            .await
            .expect(201);
        let create = json!({
            "title": "Apples", "details": { "kind": "product" }, "store": store,
            "price": { "amount": 250, "currency": "EUR" },
        });
        self.post(&admin, &format!("/v1/listings/{listing}/create"), &create)
            .await
            .expect(201);
        let path = format!("/v1/listings/{listing}/stock/{stock}");
        self.post(&admin, &format!("{path}/adjust"), &json!({ "by": quantity }))
            .await
            .expect(201);
        path
    }
}

/// The body that registers a store.
pub fn register() -> Value {
    json!({ "kind": "market", "profile": { "name": "Market hall" } })
}

pub async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}
