//! The HTTP edge of commands. Paths come from the registry ([`crate::request`]), so there is one route for all.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request as HttpRequest, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use bytes::Bytes;
use tokio::time::timeout;
use tracing::Instrument;

use crate::{
    Service, bulk,
    execution::Execution,
    openapi,
    problem::Problem,
    receipt::Answer,
    request::{Condition, Request, Sent},
};

/// How long the body of one command may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// The routes of the command API.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/openapi.json", get(document))
        .route("/v1/commands", any(many))
        .route("/v1", any(one))
        .route("/v1/{*path}", any(one))
        .with_state(service)
}

async fn document() -> impl IntoResponse {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], openapi::text())
}

async fn one(State(service): State<Arc<Service>>, request: HttpRequest) -> Result<Answer, Problem> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(Problem::method_not_allowed());
    }
    let Some(_open) = service.enter() else {
        return Err(closing());
    };
    let viewer = service.keys.viewer(&parts.headers)?;
    // Before the body is read: a stranger gets no memory for it.
    if viewer.user.is_none() {
        return Err(Problem::no_token());
    }
    no_query(parts.uri.query())?;
    let headers = &parts.headers;
    let sent = Sent {
        path: parts.uri.path(),
        body: read(headers, body, service.settings.body.bytes).await?,
        viewer,
        key: text(headers, "idempotency-key")?,
        actor: text(headers, "stoa-actor")?,
        at: text(headers, "stoa-at")?,
        condition: text(headers, "if-match")?.map_or(Ok(Condition::None), Condition::read)?,
        traceparent: text(headers, "traceparent").unwrap_or_default(),
    };
    let request = Request::read(sent, service.keys.body_secret(), &service.settings.body)?;
    let span = tracing::debug_span!("command", command = %request.id);
    Execution::new(&service, request)?.run().instrument(span).await
}

async fn many(State(service): State<Arc<Service>>, request: HttpRequest) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(Problem::method_not_allowed());
    }
    let viewer = service.keys.viewer(&parts.headers)?;
    if viewer.user.is_none() {
        return Err(Problem::no_token());
    }
    no_query(parts.uri.query())?;
    accepts(
        &parts.headers,
        &["application/x-ndjson", "application/ndjson", "application/jsonl"],
    )?;
    bulk::respond(service, viewer, body)
}

pub(crate) fn closing() -> Problem {
    Problem::unavailable(
        "shutting-down",
        "this node is shutting down; the command was not carried out",
        2,
    )
}

/// No command takes a query, and one that was meant to change what it does must not be overlooked.
fn no_query(query: Option<&str>) -> Result<(), Problem> {
    match query {
        None | Some("") => Ok(()),
        Some(_) => Err(Problem::malformed(
            "query-not-allowed",
            "commands take no query parameters",
        )),
    }
}

/// A header's text; sent twice, nobody could say which one counts.
fn text<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    let malformed = |detail| Problem::malformed("header-invalid", detail).at(name);
    if values.next().is_some() {
        return Err(malformed("the header was sent twice"));
    }
    first
        .map(HeaderValue::to_str)
        .transpose()
        .map_err(|_| malformed("the header is not visible ASCII"))
}

/// Checks what the body is said to be.
fn accepts(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let unsupported = |detail: String| {
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type-unsupported",
            detail,
        ))
    };
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding.as_bytes() != b"identity")
    {
        return unsupported("bodies are taken as they are, without a content coding".to_owned());
    }
    let given = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str);
    let essence = match given {
        Some(Ok(text)) => text.split(';').next().unwrap_or_default().trim(),
        _ => "",
    };
    if types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    unsupported(format!("the body must be {}", types.join(" or ")))
}

/// Reads a body whole, up to the limit.
async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let limits = crate::limits::BodyLimits {
        bytes: limit,
        ..Default::default()
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(limits.too_large());
    }
    let body = timeout(BODY_WITHIN, to_bytes(body, limit)).await.map_err(|_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body-too-slow",
            "the body did not arrive in time",
        )
    })?;
    let body = body.map_err(|error| {
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            if inner.to_string().contains("length limit exceeded") {
                return limits.too_large();
            }
            source = inner.source();
        }
        Problem::malformed("body-cut-short", "the body ended before it was complete")
    })?;
    if !body.is_empty() {
        accepts(headers, &["application/json"])?;
    }
    Ok(body)
}
