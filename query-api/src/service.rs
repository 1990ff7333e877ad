//! The routes. `POST /graphql` answers a query; `GET /graphql` is GraphiQL for a browser, and a websocket for who asks
//! for one (graphql-transport-ws).

use std::{sync::Arc, time::Duration};

use async_graphql::{Data, ServerError, http::GraphiQLSource};
use async_graphql_axum::{GraphQLProtocol, GraphQLRequest, GraphQLResponse, GraphQLWebSocket};
use auth::{Keys, extract::Caller};
use axum::{
    Router,
    extract::{
        DefaultBodyLimit, FromRef, State, WebSocketUpgrade,
        ws::{Message, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use domain::viewer::Viewer;
use event_log::log::Log;
use futures::{Sink, SinkExt as _, StreamExt as _};
use serde_json::Value;
use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    after,
    error::QueryError,
    progress::Progress,
    rights::Rights,
    schema::{StoaSchema, schema},
    session::{Session, Shared},
    subscription::hub::Hubs,
};

/// The largest request, in bytes.
const BODY: usize = 256 * 1024;
/// How long a query may take, waiting for `Stoa-After` included.
const QUERY_WITHIN: Duration = Duration::from_secs(30);
/// How long a websocket's peer may take to accept one message before it is cut off.
const TAKE_WITHIN: Duration = Duration::from_secs(30);
/// How often a websocket's peer must give a sign of life.
const ALIVE_WITHIN: Duration = Duration::from_secs(60);
/// How long subscriptions may take to end when the process stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The query API.
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

impl FromRef<Service> for Arc<Keys> {
    fn from_ref(service: &Service) -> Self {
        service.keys.clone()
    }
}

impl Service {
    /// Serves this log's read models, which lie in this database.
    pub async fn open(log: Log, pool: PgPool, keys: Arc<Keys>) -> Result<Self, QueryError> {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let progress = Progress::start(pool.clone(), &tasks, &stop).await?;
        let hubs = Hubs::new(log.archive().clone(), tasks.clone(), stop.clone());
        let shared = Shared {
            pool,
            log,
            progress,
            hubs,
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
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(self.clone())
    }

    /// Whether queries can be answered: the pool of the database is open.
    pub fn ready(&self) -> bool {
        !self.stop.is_cancelled() && !self.shared.pool.is_closed()
    }

    /// Ends subscriptions and waits for the tasks.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(STOP_WITHIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("some subscriptions did not end in time");
        }
    }

    fn session(&self, viewer: Viewer) -> Arc<Session> {
        Session::new(&self.shared, Rights::of(viewer))
    }
}

async fn answer(
    State(service): State<Service>,
    Caller(viewer): Caller,
    headers: HeaderMap,
    request: GraphQLRequest,
) -> GraphQLResponse {
    let request = request.into_inner().data(service.session(viewer));
    let answered = timeout(QUERY_WITHIN, async {
        match after::wait(&service.shared, &headers).await {
            Ok(()) => service.schema.execute(request).await,
            Err(error) => error.into_response(),
        }
    });
    let response = answered.await.unwrap_or_else(|_| {
        let mut error = ServerError::new(format!("the query took longer than {QUERY_WITHIN:?}"), None);
        error.extensions.get_or_insert_default().set("code", "TOO_LONG");
        async_graphql::Response::from_errors(vec![error])
    });
    response.into()
}

async fn page_or_socket(
    service: State<Service>,
    caller: Caller,
    protocol: Result<GraphQLProtocol, StatusCode>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match (protocol, upgrade) {
        (Ok(protocol), Ok(upgrade)) => socket(service, caller, protocol, upgrade).await,
        _ => Html(
            GraphiQLSource::build()
                .endpoint("/graphql")
                .subscription_endpoint("/graphql/ws")
                .finish(),
        )
        .into_response(),
    }
}

/// The token comes with the request, or with `connection_init`: browsers can set no header on a websocket.
async fn socket(
    State(service): State<Service>,
    Caller(viewer): Caller,
    protocol: GraphQLProtocol,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .protocols(["graphql-transport-ws"])
        .max_message_size(BODY)
        .on_upgrade(move |socket| {
            let tasks = service.tasks.clone();
            tasks.track_future(async move {
                let (sink, stream) = socket.split();
                let (stop, schema) = (service.stop.clone(), service.schema.clone());
                let serving = GraphQLWebSocket::new_with_pair(impatient(sink), stream, schema, protocol)
                    .keepalive_timeout(ALIVE_WITHIN)
                    .on_connection_init(move |payload| async move {
                        let viewer = viewer_of(&service.keys, viewer, &payload)?;
                        let mut data = Data::default();
                        data.insert(service.session(viewer));
                        Ok(data)
                    })
                    .serve();
                stop.run_until_cancelled(serving).await;
            })
        })
}

/// Whom the payload of `connection_init` names; else whom the request named.
fn viewer_of(keys: &Keys, viewer: Viewer, payload: &Value) -> async_graphql::Result<Viewer> {
    let named = payload.as_object().into_iter().flatten();
    let Some(token) = named
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    else {
        return Ok(viewer);
    };
    let token = token.1.as_str().and_then(|text| text.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(keys.verify(token.trim())?),
        _ => Err("Authorization must be `Bearer` and a token".into()),
    }
}

/// A sink that fails when its peer takes nothing for too long: what waits for a peer must not wait for ever.
fn impatient(sink: impl Sink<Message, Error = axum::Error> + Unpin) -> impl Sink<Message, Error = axum::Error> {
    futures::sink::unfold(sink, |mut sink, message| async move {
        match timeout(TAKE_WITHIN, sink.send(message)).await {
            Ok(sent) => sent.map(|()| sink),
            Err(late) => Err(axum::Error::new(late)),
        }
    })
}
