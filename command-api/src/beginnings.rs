//! Streams that begin, until the archive has them. A stream belongs to the scope that it began in; what the archive has
//! tells, and within a shard the tail does. Two scopes of two shards that begin the same stream at once see nothing of
//! each other there, but here.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use uuid::Uuid;

/// How long a beginning is held whose commit nobody has seen: its outcome was unknown, and is settled long since.
const UNSEEN: Duration = Duration::from_mins(10);

/// The streams that began on this node and that the archive may not have.
#[derive(Debug, Default)]
pub(crate) struct Beginnings {
    streams: Mutex<HashMap<String, Beginning>>,
}

#[derive(Debug)]
struct Beginning {
    scope: String,
    /// Who may take it back; nobody once the commit is in the log.
    command: Option<Uuid>,
    since: Instant,
}

impl Beginnings {
    /// Holds the stream for this scope, unless another has it.
    pub fn begin(&self, stream: &str, scope: &str, command: Uuid) -> bool {
        let mut streams = self.streams.lock();
        match streams.get_mut(stream) {
            Some(held) if held.scope != scope => false,
            Some(held) => {
                held.command = held.command.map(|_| command);
                held.since = Instant::now();
                true
            }
            None => {
                let scope = scope.to_owned();
                let (command, since) = (Some(command), Instant::now());
                streams.insert(stream.to_owned(), Beginning { scope, command, since });
                true
            }
        }
    }

    /// The command's commit came to nothing.
    pub fn take_back(&self, stream: &str, command: Uuid) {
        let mut streams = self.streams.lock();
        if streams.get(stream).is_some_and(|held| held.command == Some(command)) {
            streams.remove(stream);
        }
    }

    /// The stream has begun: it is in the log.
    pub fn has_begun(&self, stream: &str, scope: &str) {
        let (scope, since) = (scope.to_owned(), Instant::now());
        let command = None;
        self.streams
            .lock()
            .insert(stream.to_owned(), Beginning { scope, command, since });
    }

    /// The archive tells from now on.
    pub fn is_archived(&self, stream: &str) {
        self.streams.lock().remove(stream);
    }

    /// Forgets those whose commit was never seen.
    pub fn forget_unseen(&self) {
        self.streams
            .lock()
            .retain(|_, held| held.command.is_none() || held.since.elapsed() < UNSEEN);
    }
}

#[cfg(test)]
mod tests {
    use domain::id;

    use super::*;

    #[test]
    fn a_stream_begins_in_one_scope_until_that_came_to_nothing_or_the_archive_tells() {
        let beginnings = Beginnings::default();
        let (first, second) = (id::generate(), id::generate());
        assert!(beginnings.begin("msg_1", "cht_1", first));
        assert!(beginnings.begin("msg_1", "cht_1", second), "again in the same scope");
        assert!(!beginnings.begin("msg_1", "cht_2", first));
        beginnings.take_back("msg_1", first);
        assert!(!beginnings.begin("msg_1", "cht_2", first), "the second holds it");
        beginnings.take_back("msg_1", second);
        assert!(beginnings.begin("msg_1", "cht_2", first));

        beginnings.has_begun("msg_1", "cht_2");
        beginnings.take_back("msg_1", first);
        beginnings.forget_unseen();
        assert!(!beginnings.begin("msg_1", "cht_1", second), "it is in the log");
        beginnings.is_archived("msg_1");
        assert!(beginnings.begin("msg_1", "cht_1", second));
    }
}
