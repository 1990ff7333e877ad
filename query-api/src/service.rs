//! The routes. `POST /graphql` answers a query; `GET /graphql` is GraphiQL for a browser, and a websocket for who asks
//! for one (graphql-transport-ws).

use std::{sync::Arc, time::Duration};

use async_graphql::{Request, Response as Answer, http::GraphiQLSource};
use async_graphql_axum::GraphQLResponse;
use auth::Keys;
use axum::{
    Router,
    body::Body,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use domain::viewer::Viewer;
use event_log::log::Log;
use futures::{
    StreamExt as _,
    future::ready,
    stream::{self, BoxStream},
};
use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFuture},
    task::TaskTracker,
};

use crate::{
    after,
    error::QueryError,
    progress::Progress,
    request,
    rights::Rights,
    schema::{StoaSchema, schema},
    session::{Session, Shared},
    settings::Settings,
    socket,
    subscription::{hub::Hubs, stores::StoresOfOrders},
};

/// How long subscriptions may take to end when the process stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The query API. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    schema: StoaSchema,
    shared: Shared,
    keys: Arc<Keys>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Serves this log's read models, which lie in this database. The pool is the queries' own
    /// ([`Settings::pool`]): they must not take the connections that commands need.
    pub async fn open(log: Log, pool: PgPool, keys: Arc<Keys>, settings: Settings) -> Result<Self, QueryError> {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let progress = Progress::start(pool.clone(), &tasks, &stop).await?;
        let archive = log.archive().through(pool.clone());
        let hubs = Hubs::new(archive.clone(), tasks.clone(), stop.clone());
        let shared = Shared {
            stores: StoresOfOrders::new(pool.clone()),
            pool,
            log,
            archive,
            progress,
            hubs,
            settings: Arc::new(settings),
        };
        let schema = schema().data(shared.clone()).finish();
        Ok(Self {
            schema,
            shared,
            keys,
            tasks,
            stop,
        })
    }

    /// `/graphql`, and `/graphql/ws` for clients that want an address of its own for the websocket.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/graphql", get(page_or_socket).post(answer))
            .route("/graphql/ws", get(socket))
            .with_state(self.clone())
    }

    /// Whether queries can be answered: the pool of the database is open.
    pub fn ready(&self) -> bool {
        !self.stop.is_cancelled() && !self.shared.pool.is_closed()
    }

    /// Ends subscriptions: each client is told so, and goes on elsewhere from its last position.
    pub fn close_door(&self) {
        self.stop.cancel();
    }

    /// Ends subscriptions and waits for the tasks.
    pub async fn shutdown(&self) {
        self.close_door();
        self.tasks.close();
        if timeout(STOP_WITHIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("some subscriptions did not end in time");
        }
    }

    /// Resolves when the process stops.
    pub(crate) fn stopped(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub(crate) fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// Answers a query, within the time that a query may take. `headers` are those of a request of its own.
    pub(crate) async fn execute(&self, request: Request, viewer: Viewer, headers: Option<&HeaderMap>) -> Answer {
        let request = match self.session(viewer, headers, &request) {
            Ok(session) => request.data(session),
            Err(error) => return error.into_response(),
        };
        let within = self.settings().query_within;
        match timeout(within, self.schema.execute(request)).await {
            Ok(answer) => answer,
            Err(_) => QueryError::TooLong(within).into_response(),
        }
    }

    /// The items of a subscription.
    pub(crate) fn subscribe(&self, request: Request, viewer: Viewer) -> BoxStream<'static, Answer> {
        match self.session(viewer, None, &request) {
            Ok(session) => self.schema.execute_stream(request.data(session)),
            Err(error) => stream::once(ready(error.into_response())).boxed(),
        }
    }

    fn session(
        &self,
        viewer: Viewer,
        headers: Option<&HeaderMap>,
        request: &Request,
    ) -> Result<Arc<Session>, QueryError> {
        let after = after::of_request(&self.shared.log, headers, request)?;
        Ok(Session::new(&self.shared, Rights::of(viewer), after))
    }
}

async fn answer(State(service): State<Service>, headers: HeaderMap, body: Body) -> Response {
    let viewer = match service.keys.viewer(&headers) {
        Ok(viewer) => viewer,
        Err(invalid) => return invalid.into_response(),
    };
    let request = match request::read(&headers, body).await {
        Ok(request) => request,
        Err(bad) => return bad.into_response(),
    };
    let response = service.execute(request, viewer, Some(&headers)).await;
    GraphQLResponse::from(response).into_response()
}

async fn page_or_socket(
    service: State<Service>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if upgrade.is_ok() {
        return socket(service, headers, upgrade).await;
    }
    let page = GraphiQLSource::build().endpoint("/graphql");
    Html(page.subscription_endpoint("/graphql/ws").finish()).into_response()
}

/// The token comes with the request, or with `connection_init`.
async fn socket(
    State(service): State<Service>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let sender = match service.keys.sender(&headers) {
        Ok(sender) => sender,
        Err(invalid) => return invalid.into_response(),
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols([socket::PROTOCOL]).max_message_size(request::BODY),
        Err(rejection) => return rejection.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        let needs = format!("Sec-WebSocket-Protocol must name {}", socket::PROTOCOL);
        return (StatusCode::BAD_REQUEST, needs).into_response();
    }
    upgrade.on_upgrade(move |socket| {
        let tasks = service.tasks.clone();
        tasks.track_future(socket::serve(socket, sender, service))
    })
}
