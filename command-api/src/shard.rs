//! One step of a command under its shard's lock: gather what the decision reads, decide, append. No I/O happens here:
//! what is missing is said ([`Step`]) and fetched by the caller without the lock.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::{
    decision::{RefusalKind, Services, Target},
    erased::Refused,
    id::{self, StoreId},
};
use event_log::{
    archive::load::{LoadRequest, Loaded},
    commit::{Commit, Draft, StoredEvent},
    owner::{AppendError, Confirmation, NotOpen, Owner, Pending},
    tail::TailCommit,
};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    problem::Problem,
    request::Request,
    scope_cache::{Cached, Missing, ScopeCache, Unfoldable},
    seen::Seen,
    standing::Found,
};

/// How long what was loaded may serve a decision: shorter than a beginning is held past its archiving.
const FRESH: Duration = Duration::from_secs(1);

/// A shard that this node owns.
#[derive(Debug)]
pub(crate) struct Shard {
    pub owner: Arc<Owner>,
    seen: Arc<Seen>,
    cache: Mutex<ScopeCache>,
}

/// What was fetched for a command so far.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// From the archive, with what was asked for beside the command.
    pub loaded: Option<(Loaded, Missing)>,
    /// When that was.
    loaded_at: Option<Instant>,
    /// What was folded of that already, so that it need not be under the locks.
    folded: HashMap<String, Cached>,
    /// The viewer's standing in the stores that the decision named, and whether it is as of now.
    pub standing: Option<(Found, bool)>,
}

/// What comes next for a command.
#[derive(Debug)]
pub(crate) enum Step {
    /// Load this first.
    Load(LoadRequest, Missing),
    /// Look up the viewer's standing in these stores first.
    Stand(Vec<StoreId>),
    /// The shard is being reopened: wait for it.
    Wait,
    /// Too much is in flight or not yet archived. Nothing was decided.
    Full,
    /// It was decided, and its commit is on its way.
    Appended(Pending),
    /// It was carried out before, or is in flight: here is its commit.
    Repeated(Arc<Commit>, Option<Pending>),
    /// It was refused, and the refusal has to be confirmed before it is told.
    Refused(Problem, Confirmation),
    /// It was refused for what the viewer is not, in these stores.
    Denied(Problem, Vec<StoreId>),
}

/// What came of gathering what a decision reads.
enum Gathered {
    /// All of it is in memory.
    Ready,
    /// The stream is another scope's.
    Elsewhere,
    Step(Step),
}

impl Shard {
    pub fn new(owner: Arc<Owner>, seen: Arc<Seen>, cache_bytes: usize) -> Self {
        Self {
            owner,
            seen,
            cache: Mutex::new(ScopeCache::new(cache_bytes)),
        }
    }

    /// How many scopes are in memory.
    pub fn scopes_in_memory(&self) -> usize {
        self.cache.lock().len()
    }

    /// What a command needs from the archive, as far as can be told before it is decided.
    pub fn wants(&self, request: &Request) -> Option<(LoadRequest, Missing)> {
        let missing = self.cache.lock().missing(&request.target, &request.reads);
        let needed = !missing.is_nothing() || request.key.is_some();
        (needed && !self.seen.nothing_of(request, &missing)).then(|| self.load_request(request, missing))
    }

    /// Takes in what was loaded, and folds what of it is still missing in memory. A long stream takes its time, in which
    /// the shard goes on with other commands.
    pub fn take_in(&self, request: &Request, fetched: &mut Fetched, loaded: Loaded, asked: Missing) {
        let missing = self.cache.lock().missing(&request.target, &request.reads);
        fetched.folded.clear();
        for (stream, events) in &loaded.streams {
            // One that can not be folded is told where the decision needs it.
            if (missing.whole || missing.streams.contains(stream))
                && let Ok(Some(folded)) = Cached::fold(stream, events)
            {
                fetched.folded.insert(stream.clone(), folded);
            }
        }
        fetched.loaded = Some((loaded, asked));
        fetched.loaded_at = Some(Instant::now());
    }

    /// Takes the command as far as it goes without I/O. `now` is when it happens.
    pub fn attempt(&self, request: &mut Request, fetched: &mut Fetched, now: DateTime<Utc>) -> Result<Step, Problem> {
        let mut cache = self.cache.lock();
        let step = match self.gather(&mut cache, request, fetched) {
            // Before anything is decided: an aggregate that was would have to be loaded again.
            Ok(Gathered::Ready) if !self.owner.has_room() => Ok(Step::Full),
            Ok(Gathered::Ready) => self.decide(&mut cache, request, fetched, now),
            Ok(Gathered::Elsewhere) => Ok(self.refused(&mut cache, elsewhere(request))),
            Ok(Gathered::Step(step)) => Ok(step),
            Err(problem) => Err(problem),
        };
        // Also after a refusal: it has put into the cache what it was decided on.
        cache.balance(&request.target.scope);
        step
    }

    /// Sees to it that all the decision reads is in memory, and that the command is new.
    fn gather(&self, cache: &mut ScopeCache, request: &Request, fetched: &mut Fetched) -> Result<Gathered, Problem> {
        let name = &request.target.scope;
        let missing = cache.missing(&request.target, &request.reads);
        let command = request.key.as_ref().map(|_| request.id);
        if missing.is_nothing() && command.is_none() {
            return Ok(Gathered::Ready);
        }
        let generation = cache.generation;
        let scope = cache.scope(name);
        let Fetched {
            loaded,
            folded,
            loaded_at,
            ..
        } = fetched;
        // What began elsewhere since is told by nobody once the archive has had it for a while.
        let fresh = loaded_at.is_some_and(|at| at.elapsed() < FRESH);
        let looked = self.owner.tail(generation, |tail| {
            if let Some(TailCommit { commit, pending }) = command.and_then(|command| tail.command(command)) {
                let repeated = Step::Repeated(Arc::clone(commit), pending.clone());
                return Ok(Gathered::Step(repeated));
            }
            let load = || {
                let (wanted, missing) = self.load_request(request, missing.clone());
                Gathered::Step(Step::Load(wanted, missing))
            };
            let nothing = Loaded::default();
            let loaded = match loaded.as_ref() {
                Some((loaded, asked)) if fresh && loaded.next >= tail.start() && asked.covers(&missing) => loaded,
                // What the tail forgot was noted before: what is neither here nor there is new.
                _ if self.seen.nothing_of(request, &missing) => &nothing,
                _ => return Ok(load()),
            };
            if let Some(events) = command.and_then(|command| loaded.commands.get(&command)) {
                let commit = Commit {
                    shard: self.owner.shard(),
                    events: events.to_vec(),
                };
                let repeated = Step::Repeated(Arc::new(commit), None);
                return Ok(Gathered::Step(repeated));
            }
            let target = &request.target.stream;
            let is_elsewhere = || loaded.elsewhere.contains(target) || tail.is_elsewhere(name, target);
            if missing.streams.contains(target) && is_elsewhere() {
                return Ok(Gathered::Elsewhere);
            }
            // Of the others, those of another scope count as streams without an event.
            let mut streams: Vec<&str> = missing.streams.iter().map(String::as_str).collect();
            if missing.whole {
                streams.extend(loaded.streams.keys().map(String::as_str));
                streams.extend(tail.scope_streams(name));
            }
            for stream in streams {
                let archived = loaded.streams.get(stream).map_or(&[][..], |events| events.as_slice());
                let folded = folded.remove(stream);
                match scope.admit(name, stream, archived, folded, tail) {
                    Ok(()) => {}
                    Err(Unfoldable::Gap(stream)) => {
                        tracing::warn!(
                            stream,
                            "what the archive has of a stream and what the tail has do not meet"
                        );
                        return Ok(load());
                    }
                    Err(Unfoldable::Decode(stream, error)) => return Err(Problem::unreadable(&stream, &error)),
                }
            }
            if missing.whole {
                scope.mark_whole();
            }
            Ok(Gathered::Ready)
        });
        looked.unwrap_or_else(|error| Ok(Gathered::Step(not_open(cache, error))))
    }

    /// Decides on what is in memory, and appends.
    fn decide(
        &self,
        cache: &mut ScopeCache,
        request: &mut Request,
        fetched: &Fetched,
        now: DateTime<Utc>,
    ) -> Result<Step, Problem> {
        let generation = cache.generation;
        let scope = cache.scope(&request.target.scope);
        let Some((mut aggregate, version, view)) = scope.lend(&request.target, &request.reads) else {
            let missing = cache.missing(&request.target, &request.reads);
            let (wanted, missing) = self.load_request(request, missing);
            return Ok(Step::Load(wanted, missing));
        };
        let stream = request.target.stream.clone();
        if !request.condition.holds(version) {
            scope.give_back(view);
            scope.put(&stream, aggregate, version, 0);
            return Ok(self.refused(cache, moved_on(&stream, version)));
        }
        let stores = if request.viewer.is_trusted() {
            Vec::new()
        } else {
            request.peek()?.stores(aggregate.as_ref(), &view)
        };
        if !stores.is_empty() && fetched.standing.is_none() {
            scope.give_back(view);
            scope.put(&stream, aggregate, version, 0);
            return Ok(Step::Stand(stores));
        }
        let (found, _) = fetched.standing.clone().unwrap_or_default();
        let services = Services {
            now,
            viewer: request.viewer.clone(),
            standing: found.standing,
            target: request.target.clone(),
            scope: view,
        };
        let decided = request.take()?.decide(aggregate.as_mut(), &services);
        scope.give_back(services.scope);
        let events = match decided {
            Ok(events) => events,
            Err(refused) => {
                if refused.touched {
                    scope.drop_stream(&stream);
                } else {
                    scope.put(&stream, aggregate, version, 0);
                }
                return self.turned_down(cache, refused, stores);
            }
        };
        if events.is_empty() {
            scope.put(&stream, aggregate, version, 0);
            return Ok(self.refused(cache, AppendError::Empty.into()));
        }
        let cause = request.cause(found.position.filter(|_| !stores.is_empty()));
        let (mut drafts, mut bytes) = (Vec::new(), 0);
        for (event, version) in events.into_iter().zip(version + 1..) {
            bytes += event.value.len();
            drafts.push(Draft {
                scope: request.target.scope.clone(),
                stream: stream.clone(),
                version,
                id: id::generate(),
                event_type: event.type_name,
                value: event.value.into(),
                time: now,
                cause: cause.clone(),
            });
        }
        let drafted = drafts.len() as u64;
        let version = version + drafted;
        let begins = version == drafted;
        if begins && !self.seen.stream_begins(&stream, &request.target.scope, request.id) {
            scope.drop_stream(&stream);
            return Ok(self.refused(cache, elsewhere(request)));
        }
        let appended = self.owner.append(generation, drafts);
        if begins && appended.is_err() {
            self.came_to_nothing(request);
        }
        match appended {
            Ok(pending) => {
                scope.put(&stream, aggregate, version, bytes);
                Ok(Step::Appended(pending))
            }
            Err(AppendError::NotOpen(error)) => Ok(not_open(cache, error)),
            Err(error) => {
                // The aggregate has the events applied, and the log does not have them.
                scope.drop_stream(&stream);
                match error {
                    AppendError::Full => Ok(Step::Full),
                    error => Err(error.into()),
                }
            }
        }
    }

    /// The command's commit is void: if its stream was to begin with that, it has not.
    pub fn came_to_nothing(&self, request: &Request) {
        self.seen.beginnings.take_back(&request.target.stream, request.id);
    }

    /// A refusal of the domain. What is wrong whatever the state needs no confirmation, and what the viewer is not in a
    /// store is not this shard's to confirm.
    fn turned_down(&self, cache: &mut ScopeCache, refused: Refused, stores: Vec<StoreId>) -> Result<Step, Problem> {
        match (refused.kind, Problem::refused(refused)) {
            (RefusalKind::Invalid, problem) => Err(problem),
            (RefusalKind::Forbidden, problem) if !stores.is_empty() => Ok(Step::Denied(problem, stores)),
            (_, problem) => Ok(self.refused(cache, problem)),
        }
    }

    fn refused(&self, cache: &mut ScopeCache, problem: Problem) -> Step {
        match self.owner.confirm(cache.generation) {
            Ok(confirmation) => Step::Refused(problem, confirmation),
            Err(error) => not_open(cache, error),
        }
    }

    fn load_request(&self, request: &Request, missing: Missing) -> (LoadRequest, Missing) {
        let commands: Vec<Uuid> = request.key.iter().map(|_| request.id).collect();
        let wanted = LoadRequest {
            shard: self.owner.shard(),
            scope: request.target.scope.clone(),
            whole_scope: missing.whole,
            streams: missing.streams.clone(),
            commands,
        };
        (wanted, missing)
    }
}

/// The shard was reopened: nothing that was folded before is to be trusted.
fn not_open(cache: &mut ScopeCache, error: NotOpen) -> Step {
    if let NotOpen::Stale { current } = error {
        cache.reset(current);
    }
    Step::Wait
}

fn moved_on(stream: &str, version: u64) -> Problem {
    let detail = format!("{stream} is at version {version}");
    Problem::new(StatusCode::PRECONDITION_FAILED, "version-mismatch", detail)
        .at("If-Match")
        .with("version", version)
}

/// A stream belongs to the scope that it began in: under another one it would begin a second time.
fn elsewhere(request: &Request) -> Problem {
    let Target { scope, stream } = &request.target;
    let detail = format!("{stream} does not belong to {scope}");
    Problem::new(StatusCode::NOT_FOUND, "stream-elsewhere", detail)
}

/// What a stored commit says of the key that it was appended under.
pub(crate) fn fingerprint(events: &[StoredEvent]) -> Option<&str> {
    events.first()?.envelope.body_hmac.as_deref()
}
