//! Every stream, scope and command that the archive holds, by name alone: read once, so that what is not among them is
//! known to be new without asking again. Each comes from an index, which holds nothing else.

use futures::TryStreamExt;
use uuid::Uuid;

use super::Archive;
use crate::port::LogError;

/// The name of something that is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// A stream that has an event.
    Stream(&'a str),
    /// A scope that has a stream.
    Scope(&'a str),
    /// A command that was carried out.
    Command(Uuid),
}

impl Archive {
    /// Hands over every name that is in the archive; some of them more than once.
    pub async fn names(&self, mut take: impl FnMut(Name<'_>) + Send) -> Result<(), LogError> {
        let mut streams =
            sqlx::query_scalar::<_, String>("select stream from log_record where version = 1").fetch(&self.pool);
        while let Some(stream) = streams.try_next().await? {
            take(Name::Stream(&stream));
        }
        drop(streams);
        let mut scopes =
            sqlx::query_scalar::<_, String>("select distinct scope from log_record where scope is not null")
                .fetch(&self.pool);
        while let Some(scope) = scopes.try_next().await? {
            take(Name::Scope(&scope));
        }
        drop(scopes);
        let mut commands =
            sqlx::query_scalar::<_, Uuid>("select command from log_record where scope is not null").fetch(&self.pool);
        while let Some(command) = commands.try_next().await? {
            take(Name::Command(command));
        }
        Ok(())
    }
}
