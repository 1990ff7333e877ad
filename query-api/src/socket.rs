//! One websocket, speaking graphql-transport-ws: queries and subscriptions on it, for as long as its peer is alive and its
//! token good.
//!
//! Two halves run side by side. One hears: any frame is a sign of life, pongs too, so that a client that only listens
//! stays. The other says: items, pings, and at the end why it is the end.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_graphql::{
    Data, Executor, Request, Response,
    http::{WebSocket as Protocol, WebSocketProtocols, WsMessage},
    parser::types::OperationType,
};
use auth::{Keys, token::Holder};
use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, WebSocket},
};
use domain::viewer::Viewer;
use futures::{
    FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _,
    future::Either,
    stream::{self, BoxStream},
};
use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, interval_at, sleep_until, timeout},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{error::QueryError, service::Service};

/// What the client must ask for in `Sec-WebSocket-Protocol`.
pub const PROTOCOL: &str = "graphql-transport-ws";
/// Frames that were heard and not taken up yet.
const HEARD: usize = 16;
/// How long a peer may take to accept one message before it is cut off.
const TAKE_WITHIN: Duration = Duration::from_secs(30);
/// How long a peer may take to say `connection_init`.
const INIT_WITHIN: Duration = Duration::from_secs(10);
/// The longest reason that a close frame holds, in bytes (RFC 6455 §5.5).
const REASON: usize = 123;

/// Serves the socket to its end. `sender` is whom the request itself named.
pub async fn serve(socket: WebSocket, sender: Holder, service: Service) {
    let (sink, frames) = socket.split();
    let (heard, said) = mpsc::channel(HEARD);
    let (holds, held) = oneshot::channel();
    let operations = Operations::new(&service);
    let viewer = operations.viewer.clone();
    let keys = service.keys().clone();
    let protocol = Protocol::new(operations, ReceiverStream::new(said), WebSocketProtocols::GraphQLWS)
        .on_connection_init(move |payload| async move {
            let holder = holder(&keys, sender, &payload)?;
            // A token with hundreds of years to go ends with the process.
            let _ = holds.send(holder.left.and_then(|left| Instant::now().checked_add(left)));
            let _ = viewer.set(holder.viewer);
            Ok(Data::default())
        });
    let hearing = hear(frames, heard, service.settings().alive_within);
    let saying = say(sink, protocol, held, &service);
    futures::pin_mut!(hearing, saying);
    // When there is nothing more to hear nobody listens either.
    futures::future::select(hearing, saying).await;
}

/// Hands frames on until the peer goes, or gives no sign of life.
async fn hear(
    mut frames: impl Stream<Item = Result<Message, axum::Error>> + Unpin,
    heard: mpsc::Sender<Bytes>,
    alive_within: Duration,
) {
    while let Ok(Some(Ok(frame))) = timeout(alive_within, frames.next()).await {
        let handed_on = match frame {
            Message::Text(text) => heard.send(text.into()).await,
            Message::Binary(bytes) => heard.send(bytes).await,
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => return,
        };
        if handed_on.is_err() {
            return;
        }
    }
}

/// Sends what there is to say until the end. `held` tells at `connection_init` when the token expires, if ever.
async fn say(
    mut sink: impl Sink<Message> + Unpin,
    protocol: impl Stream<Item = WsMessage>,
    held: oneshot::Receiver<Option<Instant>>,
    service: &Service,
) {
    futures::pin_mut!(protocol);
    let every = service.settings().ping_every;
    let mut ping = interval_at(Instant::now() + every, every);
    let over = over(held);
    futures::pin_mut!(over);
    loop {
        let message = tokio::select! {
            said = protocol.next() => match said {
                Some(WsMessage::Text(text)) => Message::Text(text.into()),
                // async-graphql closes for protocol errors with 1002, and for a token that is none as well.
                Some(WsMessage::Close(code, reason)) => close(code, reason),
                None => return,
            },
            _ = ping.tick() => Message::Ping(Bytes::new()),
            (code, reason) = &mut over => close(code, reason),
            () = service.stopped() => close(1001, "the server is stopping"),
        };
        let last = matches!(message, Message::Close(_));
        // What waits for a peer must not wait for ever.
        let sent = timeout(TAKE_WITHIN, sink.send(message)).await;
        if last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

/// Waits until the socket must end: no `connection_init` came, or the token is good no longer.
async fn over(held: oneshot::Receiver<Option<Instant>>) -> (u16, &'static str) {
    match timeout(INIT_WITHIN, held).await {
        Err(_) => return (4408, "connection_init did not come in time"),
        Ok(Ok(Some(expires))) => sleep_until(expires).await,
        // Refused, which async-graphql tells itself, or good for ever.
        Ok(_) => std::future::pending().await,
    }
    (
        4403,
        "the token has expired: connect with another and go on with `after`",
    )
}

fn close(code: u16, reason: impl Into<String>) -> Message {
    let mut reason: String = reason.into();
    reason.truncate(reason.floor_char_boundary(REASON));
    Message::Close(Some(CloseFrame {
        code,
        reason: reason.into(),
    }))
}

/// Whom the payload of `connection_init` names; else whom the request named. Browsers can set no header on a websocket.
fn holder(keys: &Keys, sender: Holder, payload: &Value) -> async_graphql::Result<Holder> {
    let named = payload.as_object().into_iter().flatten();
    let Some(token) = named
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    else {
        return Ok(sender);
    };
    let token = token.1.as_str().and_then(|text| text.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(keys.holder(token.trim())?),
        _ => Err("Authorization must be `Bearer` and a token".into()),
    }
}

/// Carries out what is asked for on one socket.
#[derive(Clone)]
struct Operations {
    service: Service,
    /// Who asks, once that is known.
    viewer: Arc<OnceLock<Viewer>>,
    /// How many more may be under way.
    left: Arc<Semaphore>,
}

impl Operations {
    fn new(service: &Service) -> Self {
        Self {
            service: service.clone(),
            viewer: Arc::default(),
            left: Arc::new(Semaphore::new(service.settings().operations)),
        }
    }

    fn viewer(&self) -> Viewer {
        // async-graphql executes nothing before `connection_init` was accepted.
        self.viewer.get().cloned().unwrap_or_default()
    }
}

impl Executor for Operations {
    async fn execute(&self, request: Request) -> Response {
        self.service.execute(request, self.viewer(), None).await
    }

    fn execute_stream(&self, mut request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let Ok(permit) = self.left.clone().try_acquire_owned() else {
            let refused = QueryError::TooMany(self.service.settings().operations).into_response();
            return stream::once(std::future::ready(refused)).boxed();
        };
        let answers = if subscribes(&mut request) {
            Either::Left(self.service.subscribe(request, self.viewer()))
        } else {
            let operations = self.clone();
            // In a task of its own: while the socket is full nobody polls this, and a query must not keep a connection
            // to the database for so long.
            let answer = tokio::spawn(async move { operations.execute(request).await });
            let answer = tokio_util::task::AbortOnDropHandle::new(answer)
                .map(|answer| answer.unwrap_or_else(|_| QueryError::Stopping.into_response()));
            Either::Right(stream::once(answer))
        };
        answers
            .map(move |answer| {
                let _counted_until_the_end = &permit;
                answer
            })
            .boxed()
    }
}

/// Whether it is a subscription. What can not be read is told by whoever executes it.
fn subscribes(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else {
        return false;
    };
    let wanted = |known: Option<&str>| name.is_none() || known == name.as_deref();
    document.operations.iter().any(|(known, operation)| {
        wanted(known.map(async_graphql::Name::as_str)) && operation.node.ty == OperationType::Subscription
    })
}
