//! One step of a command under its shard's lock: gather what the decision reads, decide, append. No I/O happens here:
//! what is missing is said ([`Step`]) and fetched by the caller without the lock.

use std::{collections::HashSet, sync::Arc};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::{
    decision::{Reads, RefusalKind, Services, Target},
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
    receipt::ReceiptEvent,
    request::Request,
    scope_cache::{ScopeCache, Unfoldable},
    seen::Seen,
    standing::Found,
};

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
    /// From the archive, with whether the streams were asked for too and not the command alone.
    pub loaded: Option<(Loaded, bool)>,
    /// The viewer's standing in the stores that the decision named, and whether it is as of now.
    pub standing: Option<(Found, bool)>,
}

/// What comes next for a command.
#[derive(Debug)]
pub(crate) enum Step {
    /// Load this first; `true` when it asks for streams.
    Load(LoadRequest, bool),
    /// Look up the viewer's standing in these stores first.
    Stand(Vec<StoreId>),
    /// The shard is being reopened: wait for it.
    Wait,
    /// It was decided, and its commit is on its way.
    Appended(Appended),
    /// It was carried out before, or is in flight: here is its commit.
    Repeated(Arc<Commit>, Option<Pending>),
    /// It was refused, and the refusal has to be confirmed before it is told.
    Refused(Problem, Confirmation),
    /// It was refused for what the viewer is not, in these stores.
    Denied(Problem, Vec<StoreId>),
}

/// A commit on its way.
#[derive(Debug)]
pub(crate) struct Appended {
    pub pending: Pending,
    pub version: u64,
    /// Its events; their offsets are told by the outcome.
    pub events: Vec<ReceiptEvent>,
}

impl Shard {
    pub fn new(owner: Arc<Owner>, seen: Arc<Seen>, cache_bytes: usize) -> Self {
        Self {
            owner,
            seen,
            cache: Mutex::new(ScopeCache::new(cache_bytes)),
        }
    }

    /// What a command needs from the archive, as far as can be told before it is decided.
    pub fn wants(&self, request: &Request) -> Option<(LoadRequest, bool)> {
        let mut cache = self.cache.lock();
        let scope = cache.scope(&request.target.scope);
        let cold = !scope.has(&request.target, &request.reads);
        let new = || self.seen.nothing_of(request, cold, |stream| !scope.knows(stream));
        ((cold || request.key.is_some()) && !new()).then(|| self.load_request(request, cold))
    }

    /// Takes the command as far as it goes without I/O. `now` is when it happens.
    pub fn attempt(&self, request: &mut Request, fetched: &Fetched, now: DateTime<Utc>) -> Result<Step, Problem> {
        let mut cache = self.cache.lock();
        let step = self.gather(&mut cache, request, fetched)?;
        let step = match step {
            Some(step) => step,
            None => self.decide(&mut cache, request, fetched, now)?,
        };
        cache.balance(&request.target.scope);
        Ok(step)
    }

    /// Sees to it that all the decision reads is in memory, and that the command is new.
    fn gather(&self, cache: &mut ScopeCache, request: &Request, fetched: &Fetched) -> Result<Option<Step>, Problem> {
        let cold = !cache.scope(&request.target.scope).has(&request.target, &request.reads);
        let command = request.key.as_ref().map(|_| request.id);
        if !cold && command.is_none() {
            return Ok(None);
        }
        let generation = cache.generation;
        let scope = cache.scope(&request.target.scope);
        let looked = self.owner.tail(generation, |tail| {
            if let Some(TailCommit { commit, pending }) = command.and_then(|command| tail.command(command)) {
                return Ok(Some(Step::Repeated(Arc::clone(commit), pending.clone())));
            }
            let load = || {
                let (wanted, streams) = self.load_request(request, cold);
                Some(Step::Load(wanted, streams))
            };
            let nothing = Loaded::default();
            let loaded = match &fetched.loaded {
                Some((loaded, with_streams)) if loaded.next >= tail.start() && (*with_streams || !cold) => loaded,
                // What the tail forgot was noted before: what is neither here nor there is new.
                _ if self.seen.nothing_of(request, cold, |stream| !scope.knows(stream)) => &nothing,
                _ => return Ok(load()),
            };
            if let Some(events) = command.and_then(|command| loaded.commands.get(&command)) {
                let commit = Commit {
                    shard: self.owner.shard(),
                    events: events.clone(),
                };
                return Ok(Some(Step::Repeated(Arc::new(commit), None)));
            }
            if !cold {
                return Ok(None);
            }
            if loaded.elsewhere.contains(&request.target.stream) {
                return Err(elsewhere(request));
            }
            let archived = |stream: &str| loaded.streams.get(stream).map_or(&[][..], Vec::as_slice);
            let mut streams: HashSet<&str> = HashSet::from([request.target.stream.as_str()]);
            match &request.reads {
                Reads::Nothing => {}
                Reads::Streams(others) => streams.extend(others.iter().map(String::as_str)),
                Reads::WholeScope => {
                    streams.extend(loaded.streams.keys().map(String::as_str));
                    streams.extend(tail.scope_streams(&request.target.scope));
                }
            }
            for stream in streams {
                match scope.admit(stream, archived(stream), tail) {
                    Ok(()) => {}
                    Err(Unfoldable::Gap) => return Ok(load()),
                    Err(Unfoldable::Decode(stream, error)) => return Err(Problem::unreadable(&stream, &error)),
                }
            }
            if request.reads == Reads::WholeScope {
                scope.mark_whole();
            }
            Ok(None)
        });
        match looked {
            Ok(step) => step,
            Err(error) => Ok(Some(not_open(cache, error))),
        }
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
            let (wanted, streams) = self.load_request(request, true);
            return Ok(Step::Load(wanted, streams));
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
        let cause = request.cause(found.position.filter(|_| !stores.is_empty()));
        let (mut drafts, mut receipts, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (event, version) in events.into_iter().zip(version + 1..) {
            let id = id::generate();
            bytes += event.value.len();
            receipts.push(ReceiptEvent {
                id,
                event_type: event.type_name.into(),
                version,
                offset: 0,
            });
            drafts.push(Draft {
                scope: request.target.scope.clone(),
                stream: stream.clone(),
                version,
                id,
                event_type: event.type_name,
                value: event.value.into(),
                time: now,
                cause: cause.clone(),
            });
        }
        let drafted = drafts.len() as u64;
        let version = version + drafted;
        match self.owner.append(generation, drafts) {
            Ok(pending) => {
                if version == drafted {
                    self.seen.stream_begins(&stream);
                }
                scope.put(&stream, aggregate, version, bytes);
                Ok(Step::Appended(Appended {
                    pending,
                    version,
                    events: receipts,
                }))
            }
            Err(AppendError::NotOpen(error)) => Ok(not_open(cache, error)),
            Err(error) => {
                // The aggregate has the events applied, and the log does not have them.
                scope.drop_stream(&stream);
                Err(error.into())
            }
        }
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

    fn load_request(&self, request: &Request, with_streams: bool) -> (LoadRequest, bool) {
        let mut streams = Vec::new();
        if with_streams {
            streams.push(request.target.stream.clone());
            if let Reads::Streams(others) = &request.reads {
                streams.extend(others.iter().cloned());
            }
        }
        let commands: Vec<Uuid> = request.key.iter().map(|_| request.id).collect();
        let wanted = LoadRequest {
            shard: self.owner.shard(),
            scope: request.target.scope.clone(),
            whole_scope: with_streams && request.reads == Reads::WholeScope,
            streams,
            commands,
        };
        (wanted, with_streams)
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
