//! A request's body: read whole up to a limit and within a time, and refused in GraphQL's own shape when it is no
//! request.

use std::time::Duration;

use async_graphql::Request;
use axum::{
    Json,
    body::{Body, to_bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::time::timeout;

/// The largest request, in bytes.
pub const BODY: usize = 256 * 1024;
/// How long it may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Why a body is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    #[error("a request has at most {BODY} bytes")]
    TooLarge,
    #[error("the body did not arrive within {BODY_WITHIN:?}")]
    TooSlow,
    #[error("the body ended before it was complete")]
    CutShort,
    #[error("the body must be application/json")]
    MediaType,
    #[error("the body is no GraphQL request: {0}")]
    Malformed(String),
}

impl BadRequest {
    const fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "TOO_SLOW"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "MEDIA_TYPE"),
            Self::CutShort | Self::Malformed(_) => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        }
    }
}

impl IntoResponse for BadRequest {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        let error = json!({ "message": self.to_string(), "extensions": { "code": code } });
        (status, Json(json!({ "errors": [error] }))).into_response()
    }
}

/// Reads the request.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Request, BadRequest> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let essence = text(header::CONTENT_TYPE).and_then(|given| given.split(';').next());
    if !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
        return Err(BadRequest::MediaType);
    }
    let announced = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY) {
        return Err(BadRequest::TooLarge);
    }
    let arrived = timeout(BODY_WITHIN, to_bytes(body, BODY))
        .await
        .map_err(|_| BadRequest::TooSlow)?;
    let bytes = arrived.map_err(|error| {
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            if inner.to_string().contains("length limit exceeded") {
                return BadRequest::TooLarge;
            }
            source = inner.source();
        }
        BadRequest::CutShort
    })?;
    // serde would take an array for the fields in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(BadRequest::Malformed("a request is one object".to_owned()));
    }
    serde_json::from_slice(&bytes).map_err(|error| BadRequest::Malformed(error.to_string()))
}
