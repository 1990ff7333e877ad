//! An installation of its own for each test: a database, keys, commands, projections and queries behind one port.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use auth::Keys;
use chrono::TimeDelta;
use domain::{
    clock::SystemClock,
    id::{ChatId, ListingId, MessageId, OrderId, StoreId, UserId},
    viewer::Role,
};
use event_log::{
    chain_reader::Check,
    feed::Feed,
    log::{Log, LogSettings},
    position::Position,
    schema::migrate,
};
use projectors::projectors::Projectors;
use query_api::{Service, Settings, projection::Projection};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::{net::TcpListener, time::sleep};

pub struct Installation {
    pub address: String,
    pub log: Arc<Log>,
    pub pool: PgPool,
    pub queries: Service,
    keys: Arc<Keys>,
    pub client: Client,
    /// What was written so far, all of it.
    written: std::sync::Mutex<Position>,
    projectors: Option<Projectors>,
    _directory: TempDir,
}

impl Installation {
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::open(true, settings).await
    }

    /// Its read models stay empty.
    pub async fn without_projectors(settings: Settings) -> Self {
        Self::open(false, settings).await
    }

    async fn open(projecting: bool, limits: Settings) -> Self {
        // The client wants a provider of cryptography even for plain HTTP; the first test installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = servers::shared::postgres().await.database().await;
        let pool = PgPoolOptions::new()
            .max_connections(20)
            .connect(&database)
            .await
            .unwrap();
        migrate(&pool).await.unwrap();
        let log = Arc::new(Log::open(LogSettings::new(pool.clone())).await.unwrap());
        let clock = Arc::new(SystemClock);
        let directory = tempfile::tempdir().unwrap();
        let keys = Arc::new(Keys::load_or_create(directory.path(), clock.clone()).unwrap());
        let settings = command_api::Settings::new("test");
        let commands = command_api::Service::open(log.clone(), settings, keys.clone(), clock)
            .await
            .unwrap();
        let projectors = match projecting {
            true => {
                let feed = Feed::start(&log, Check::Links).await.unwrap();
                Some(Projectors::start(&pool, &feed, log.topology()))
            }
            false => None,
        };
        let queries = limits.pool(&database).unwrap();
        let queries = Service::open(Log::clone(&log), queries, keys.clone(), limits)
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = commands.router().merge(queries.router());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let written = std::sync::Mutex::new(Position::start(log.id()));
        Self {
            address,
            log,
            pool,
            queries,
            keys,
            client: Client::new(),
            written,
            projectors,
            _directory: directory,
        }
    }

    /// Another process that serves the same queries.
    pub async fn another(&self) -> String {
        let settings = Settings::default();
        let queries = Service::open(Log::clone(&self.log), self.pool.clone(), self.keys.clone(), settings)
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, queries.router()).await.unwrap() });
        address
    }

    pub async fn stop_projectors(&mut self) {
        if let Some(projectors) = self.projectors.take() {
            projectors.shutdown().await;
        }
    }

    pub fn token(&self, user: UserId, roles: &[Role]) -> String {
        self.keys
            .mint(user, &roles.iter().copied().collect(), TimeDelta::hours(1))
    }

    /// A token that is good for a second, or nearly two.
    pub fn short_token(&self, user: UserId) -> String {
        self.keys.mint(user, &BTreeSet::new(), TimeDelta::seconds(2))
    }

    pub fn admin(&self) -> String {
        self.token(UserId::generate(), &[Role::Administrator])
    }

    /// Carries a command out: the receipt.
    pub async fn command(&self, token: &str, path: &str, body: &Value) -> Value {
        let url = format!("http://{}/v1/{path}", self.address);
        let answer = self
            .client
            .post(url)
            .bearer_auth(token)
            .json(body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let receipt: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {receipt}");
        self.written
            .lock()
            .unwrap()
            .merge(&receipt["position"].as_str().unwrap().parse().unwrap());
        receipt
    }

    /// The answer to a query that waits for this position.
    pub async fn query_after(&self, token: Option<&str>, query: &str, variables: Value, after: Option<&str>) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let request = self.client.post(format!("http://{}/graphql", self.address));
        let request = after
            .into_iter()
            .fold(request, |request, after| request.header("stoa-after", after));
        let request = if let Some(token) = token {
            request.bearer_auth(token)
        } else {
            request
        };
        request.json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// The answer to a query that sees all that was written through this.
    pub async fn query(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        self.query_after(token, query, variables, Some(&self.written())).await
    }

    /// The position of all that was written through this.
    pub fn written(&self) -> String {
        self.written.lock().unwrap().to_string()
    }

    /// Waits until all projections have what was written through this.
    pub async fn settled(&self) {
        let written = self.written.lock().unwrap().clone();
        for (shard, offset) in written.offsets {
            let come = "select count(*) from projection_checkpoint
                where family = $1 and partition = $2 and next_offset > $3";
            let all = Projection::ALL
                .iter()
                .filter(|projection| projection.family() == shard.family);
            let all = i64::try_from(all.count()).unwrap();
            for waited in 0.. {
                assert!(waited < 1_000, "the projections do not come to {shard} {offset}");
                let query = sqlx::query_scalar::<_, i64>(come)
                    .bind(shard.family.topic())
                    .bind(shard.partition.cast_signed())
                    .bind(offset.cast_signed());
                if query.fetch_one(&self.pool).await.unwrap() == all {
                    break;
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Says in place of the projection, which does not run, that it has come to the end of all shards of the family.
    pub async fn pretend(&self, projection: &str, family: &str) {
        let sql = "insert into projection_checkpoint (projection, version, family, partition, next_offset, head)
            select $1, 1, $2, partition, 1000000, '' from generate_series(0, 3) partition
            on conflict (projection, version, family, partition) do update set next_offset = excluded.next_offset";
        let query = sqlx::query(sql).bind(projection).bind(family);
        query.execute(&self.pool).await.unwrap();
    }

    /// The data of an answer without errors.
    pub async fn data(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let mut answer = self.query(token, query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].take()
    }

    /// The code of an answer's first error.
    pub async fn code(&self, token: Option<&str>, query: &str, variables: Value) -> String {
        let answer = self.query(token, query, variables).await;
        answer["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("{query}: {answer}"))
            .to_owned()
    }

    /// A store of this user's.
    pub async fn store(&self, owner: UserId) -> StoreId {
        let store = StoreId::generate();
        let body = json!({ "kind": "market", "profile": { "name": format!("Market {store}") } });
        self.command(&self.token(owner, &[]), &format!("stores/{store}/register"), &body)
            .await;
        store
    }

    /// A product of this store, which was published if so said.
    pub async fn product(&self, store: StoreId, title: &str, price: i64, published: bool) -> ListingId {
        let (admin, listing) = (self.admin(), ListingId::generate());
        let body = json!({
            "title": title, "details": { "kind": "product" }, "store": store, "tags": ["fresh"],
            "price": { "amount": price, "currency": "EUR" },
        });
        self.command(&admin, &format!("listings/{listing}/create"), &body).await;
        if published {
            self.command(&admin, &format!("listings/{listing}/publish"), &json!({}))
                .await;
        }
        listing
    }

    /// An order of this customer's.
    pub async fn order(&self, customer: UserId, store: StoreId, listing: ListingId) -> OrderId {
        let order = OrderId::generate();
        let money = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
        let body = json!({
            "customer": customer, "fulfilment": "external", "currency": "EUR",
            "lines": [{
                "listing": listing, "store": store, "title": "As sold", "unitPrice": money(250), "quantity": 2,
            }],
            "delivery": { "option": "collection" }, "subtotal": money(500), "total": money(500),
        });
        let importer = self.token(UserId::generate(), &[Role::Importer]);
        self.command(&importer, &format!("orders/{order}/place"), &body).await;
        order
    }

    /// A chat of these.
    pub async fn chat(&self, kind: &str, owner: UserId, members: &[UserId]) -> ChatId {
        let chat = ChatId::generate();
        let body = json!({ "kind": kind, "title": "Chat", "owner": owner, "members": members });
        self.command(&self.admin(), &format!("chats/{chat}/create"), &body)
            .await;
        chat
    }

    /// Somebody says something: the message, and the position of it.
    pub async fn say(&self, author: UserId, chat: ChatId, text: &str) -> (MessageId, String) {
        let message = MessageId::generate();
        let body = json!({ "content": { "type": "text", "text": text } });
        let path = format!("chats/{chat}/messages/{message}/send");
        let receipt = self.command(&self.token(author, &[]), &path, &body).await;
        (message, receipt["position"].as_str().unwrap().to_owned())
    }
}
