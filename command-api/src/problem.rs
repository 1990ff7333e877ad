//! Problem details (RFC 9457): the one shape in which this API says no. A `type` is stable, the title is its name in
//! words; `facts` holds the state that refused a command.

use std::{borrow::Cow, ops::Deref};

use auth::InvalidToken;
use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use domain::{
    body::InvalidBody,
    decision::RefusalKind,
    erased::{DecodeError, Refused},
};
use event_log::{owner::AppendError, port::LogError};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Too much is in flight, or not yet archived.
pub(crate) const BUSY: &str = "busy";
/// What every `type` begins with.
pub const NAMESPACE: &str = "urn:stoa:problem:";

/// Why a command was not carried out. Boxed: it travels in results whose other side is small.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<Content>);

/// What a problem says.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable name, kebab-case: `out-of-stock`. `type` is [`NAMESPACE`] and this.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub detail: String,
    /// A JSON pointer to the field of the body at fault, or the name of the header.
    pub field: Option<String>,
    /// The state that refused it.
    pub facts: Map<String, Value>,
    /// The command.
    pub command: Option<Uuid>,
    /// A header that goes with it.
    header: Option<(HeaderName, HeaderValue)>,
}

impl Deref for Problem {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.0
    }
}

impl Problem {
    /// A problem with this status, name and sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Content {
            status,
            code: Cow::Borrowed(code),
            detail: detail.into(),
            field: None,
            facts: Map::new(),
            command: None,
            header: None,
        }))
    }

    /// 400: what was sent is malformed.
    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: a command needs a token.
    pub fn no_token() -> Self {
        let problem = Self::new(
            StatusCode::UNAUTHORIZED,
            "token-missing",
            "a command needs a bearer token",
        );
        problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 405: the path takes commands.
    pub fn method_not_allowed() -> Self {
        let problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "commands are sent with POST; what is there is read with GraphQL",
        );
        problem.with_header(ALLOW, HeaderValue::from_static("POST"))
    }

    /// 503: it was not carried out, and may be sent again after some seconds.
    pub fn unavailable(code: &'static str, detail: impl Into<String>, after_seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
            .with_header(RETRY_AFTER, HeaderValue::from(after_seconds))
    }

    /// 503: nobody knows yet whether it was carried out.
    pub fn outcome_unknown(detail: impl std::fmt::Display) -> Self {
        let detail =
            format!("{detail}; send the same command with the same Idempotency-Key to learn what became of it");
        Self::unavailable("outcome-unknown", detail, 2)
    }

    /// 500: the fault is not the caller's.
    pub fn unreadable(stream: &str, error: &DecodeError) -> Self {
        tracing::error!(stream, %error, "a stored event can not be read");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unreadable-event",
            format!("{stream} holds an event that this version can not read"),
        )
    }

    /// A refusal of the domain.
    pub fn refused(refused: Refused) -> Self {
        let status = match refused.kind {
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Forbidden => StatusCode::FORBIDDEN,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self(Box::new(Content {
            status,
            code: Cow::Owned(refused.code),
            detail: refused.detail,
            field: refused.field,
            facts: refused.facts,
            command: None,
            header: None,
        }))
    }

    /// Names the field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Names the command.
    #[must_use]
    pub fn of(mut self, command: Uuid) -> Self {
        self.0.command = Some(command);
        self
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// The name in words: `out-of-stock` is "Out of stock".
    pub fn title(&self) -> String {
        let words = self.code.replace('-', " ");
        let mut letters = words.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("{NAMESPACE}{}", self.code))?;
        map.serialize_entry("title", &self.title())?;
        map.serialize_entry("status", &self.status.as_u16())?;
        map.serialize_entry("detail", &self.detail)?;
        if let Some(field) = &self.field {
            map.serialize_entry("field", field)?;
        }
        if !self.facts.is_empty() {
            map.serialize_entry("facts", &self.facts)?;
        }
        if let Some(command) = self.command {
            map.serialize_entry("instance", &command.urn())?;
        }
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("a problem is plain data with string keys");
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(CONTENT_TYPE, json)], body).into_response();
        if let Some((name, value)) = self.0.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<InvalidToken> for Problem {
    fn from(error: InvalidToken) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, error.code(), error.to_string())
            .with_header(WWW_AUTHENTICATE, error.challenge())
    }
}

impl From<InvalidBody> for Problem {
    fn from(error: InvalidBody) -> Self {
        match error {
            InvalidBody::Syntax(_) => Self::malformed("body-not-json", error.to_string()),
            InvalidBody::Content { field, reason } => Self::malformed("body-invalid", reason).at(field),
        }
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        let detail = error.to_string();
        match error {
            AppendError::NotOpen(_) => Self::unavailable("shard-not-open", detail, 1),
            AppendError::Full => Self::unavailable(BUSY, detail, 1),
            AppendError::TooLarge { bytes, limit } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "event-too-large", detail)
                    .with("bytes", bytes)
                    .with("limit", limit)
            }
            AppendError::TooManyParts { parts, limit } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-events", detail)
                    .with("events", parts)
                    .with("limit", limit)
            }
            AppendError::Empty => Self::new(
                StatusCode::CONFLICT,
                "nothing-to-do",
                "the command would change nothing",
            ),
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        tracing::warn!(%error, "what a command needs can not be read");
        Self::unavailable("log-unavailable", "what the command needs can not be read now", 1)
    }
}
