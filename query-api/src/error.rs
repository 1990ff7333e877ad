//! Errors that a client can act on: each has a stable `extensions.code`. What is our own fault is logged, and told as
//! `INTERNAL` and nothing more. Codes are set in one place, [`Codes`], so that no resolver can forget them.

use std::{sync::Arc, time::Duration};

use async_graphql::{
    Response, ServerError, async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextRequest, NextSubscribe},
};
use domain::id::InvalidId;
use event_log::{
    port::LogError,
    position::{InvalidPosition, Position},
    shard::Shard,
};
use futures::{StreamExt as _, stream::BoxStream};
use tokio::time::Instant;

/// What a resolver gives.
pub type Result<T> = std::result::Result<T, QueryError>;

/// What went wrong with a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// A cursor that is none of ours, or of another order.
    #[error("the cursor {0:?} is not one of this list in this order")]
    BadCursor(String),
    /// An argument that can not be right.
    #[error("{0}")]
    BadInput(String),
    /// An id that is none.
    #[error("{0}")]
    BadId(#[from] InvalidId),
    /// The viewer may not.
    #[error("this is only for {0}")]
    Forbidden(&'static str),
    /// There is no such thing, or the viewer may not know of it.
    #[error("there is no {0:?}, or not for this viewer")]
    NotFound(String),
    /// A position that can not be read.
    #[error("{0}")]
    BadPosition(#[from] InvalidPosition),
    /// A position that names a shard which the log does not have.
    #[error("the position names {0}, which this log does not have")]
    UnknownShard(String),
    /// A position of another log: this one was made anew, or the token is of another installation.
    #[error("the position is of another log than this one")]
    ForeignPosition,
    /// What the request reads has not come as far as it asks.
    #[error("what was asked for is not there yet: what is read of {shard} has not come to it within {waited_ms} ms")]
    NotYet {
        /// The shard on which a projection that it reads, or the archive, is behind.
        shard: String,
        /// How long the request waited.
        waited_ms: u128,
    },
    /// A subscriber took its items more slowly than they came, for too long.
    #[error("the subscriber fell too far behind; it can go on after the position in `extensions.position`")]
    TooSlow {
        /// Where it can go on.
        position: Position,
    },
    /// More operations on one websocket than it may have.
    #[error("{0} operations are under way on this websocket; that is as many as there may be")]
    TooMany(usize),
    /// It took longer than it may.
    #[error("the query took longer than {0:?}")]
    TooLong(Duration),
    /// One statement of it took longer than it may.
    #[error("a part of the query took too long; ask for less")]
    StatementTooLong,
    /// No connection to the database came free.
    #[error("too many queries are under way; ask again")]
    Busy,
    /// The process ends; another goes on.
    #[error("the server is stopping")]
    Stopping,
    /// The database does not answer.
    #[error("the read models can not be read")]
    Database(#[from] Arc<sqlx::Error>),
    /// The log's archive does not answer.
    #[error("the log can not be read")]
    Log(#[from] LogError),
}

impl From<sqlx::Error> for QueryError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            // Class 22, data exception: the client gave a value that Postgres can not hold, such as a text with U+0000.
            sqlx::Error::Database(refused) if refused.code().is_some_and(|code| code.starts_with("22")) => {
                Self::BadInput(format!("a value can not be looked for: {}", refused.message()))
            }
            // query_canceled: the statement was under way for longer than `Settings::statement_within`.
            sqlx::Error::Database(ended) if ended.code().is_some_and(|code| code == "57014") => Self::StatementTooLong,
            sqlx::Error::PoolTimedOut => Self::Busy,
            _ => Self::Database(Arc::new(error)),
        }
    }
}

impl QueryError {
    /// What was waited for since then is not there.
    pub fn not_yet(shard: Shard, began: Instant) -> Self {
        Self::NotYet {
            shard: shard.to_string(),
            waited_ms: began.elapsed().as_millis(),
        }
    }

    /// The stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadCursor(_) => "BAD_CURSOR",
            Self::BadInput(_) => "BAD_INPUT",
            Self::BadId(_) => "BAD_ID",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::BadPosition(_) | Self::UnknownShard(_) => "BAD_POSITION",
            Self::ForeignPosition => "FOREIGN_POSITION",
            Self::NotYet { .. } => "NOT_YET",
            Self::TooSlow { .. } => "TOO_SLOW",
            Self::TooMany(_) => "TOO_MANY",
            Self::TooLong(_) | Self::StatementTooLong => "TOO_LONG",
            Self::Busy => "BUSY",
            Self::Stopping => "STOPPING",
            Self::Database(_) | Self::Log(_) => "INTERNAL",
        }
    }

    /// The answer to a request of which nothing was executed.
    pub fn into_response(self) -> Response {
        let mut error = ServerError::new(self.to_string(), None);
        error.source = Some(Arc::new(self));
        Response::from_errors(vec![coded(error)])
    }
}

/// The error with its code. A source that is none of ours is a fault of ours and is masked; no source at all means that
/// the document was refused before anything was executed.
fn coded(mut error: ServerError) -> ServerError {
    let mut extensions = error.extensions.take().unwrap_or_default();
    let code = match (error.source::<QueryError>(), &error.source) {
        (Some(known), _) => {
            match known {
                QueryError::Database(source) => tracing::error!(%source, "the read models can not be read"),
                QueryError::Log(source) => tracing::error!(%source, "the archive can not be read"),
                QueryError::TooSlow { position } => extensions.set("position", position.to_string()),
                _ => {}
            }
            known.code()
        }
        (None, None) => "BAD_QUERY",
        (None, Some(_)) => {
            tracing::error!(message = error.message, "a resolver failed");
            "INTERNAL"
        }
    };
    if code == "INTERNAL" {
        "something went wrong on our side".clone_into(&mut error.message);
    }
    extensions.set("code", code);
    error.extensions = Some(extensions);
    error
}

fn all_coded(mut response: Response) -> Response {
    response.errors = response.errors.into_iter().map(coded).collect();
    response
}

/// Gives every error its code, in answers and in items of subscriptions.
#[derive(Debug, Clone, Copy)]
pub struct Codes;

impl ExtensionFactory for Codes {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Codes {
    async fn request(&self, context: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        all_coded(next.run(context).await)
    }

    fn subscribe<'s>(
        &self,
        context: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        next.run(context, stream).map(all_coded).boxed()
    }
}
