//! What a decision needs: the events of the streams that it reads and those of the commands that it may repeat, with
//! the archive's checkpoint, in one statement and so in one snapshot. The owner's tail goes on from that checkpoint.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::Archive;
use crate::{
    commit::StoredEvent,
    port::LogError,
    row::{Row, shard_of},
    shard::Shard,
};

/// What is asked of one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRequest {
    /// The scope's shard.
    pub shard: Shard,
    /// The scope.
    pub scope: String,
    /// Streams of the scope.
    pub streams: Vec<String>,
    /// All the scope's streams; those in `streams` are looked for in other scopes too. For scopes that stay small.
    pub whole_scope: bool,
    /// Commands that may have been appended already.
    pub commands: Vec<Uuid>,
}

/// What the archive holds of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// The archive's checkpoint of the shard, of the same snapshot: what is below it is here, or not in the log.
    pub next: u64,
    /// Events by stream, in order. A stream without events is absent.
    pub streams: HashMap<String, Arc<Vec<StoredEvent>>>,
    /// Events by command, in order. A command without events is absent.
    pub commands: HashMap<Uuid, Arc<Vec<StoredEvent>>>,
    /// Streams asked for by name that belong to another scope.
    pub elsewhere: HashSet<String>,
}

/// Which part of the answer a row is.
#[derive(Debug, sqlx::FromRow)]
struct Tagged {
    kind: i16,
    stream: String,
    command: Uuid,
    #[sqlx(flatten)]
    row: Row,
}

const HEAD: i16 = 0;
const BY_COMMAND: i16 = 2;

impl Archive {
    /// Loads some streams and commands of one scope.
    pub async fn load(
        &self,
        shard: Shard,
        scope: &str,
        streams: &[String],
        commands: &[Uuid],
    ) -> Result<Loaded, LogError> {
        let request = LoadRequest {
            shard,
            scope: scope.to_owned(),
            streams: streams.to_vec(),
            whole_scope: false,
            commands: commands.to_vec(),
        };
        self.load_many(vec![request]).await?.swap_remove(0)
    }

    /// Answers many requests, of any shards, in one statement; the answers come in the order of the requests. What many
    /// of them ask for they share. An event that can not be read is an error of those that asked for it.
    pub async fn load_many(&self, requests: Vec<LoadRequest>) -> Result<Vec<Result<Loaded, LogError>>, LogError> {
        let distinct = |values: HashSet<&String>| values.into_iter().cloned().collect::<Vec<_>>();
        let streams = distinct(requests.iter().flat_map(|r| &r.streams).collect());
        let scopes = distinct(requests.iter().filter(|r| r.whole_scope).map(|r| &r.scope).collect());
        let commands: HashSet<Uuid> = requests.iter().flat_map(|r| r.commands.iter().copied()).collect();
        // Which of two scopes a stream belongs to is sorted out below: with the stream alone, each branch is one index
        // scan, whatever the planner believes of the table.
        let rows: Vec<Tagged> = sqlx::query_as(
            r#"select 0::int2 as kind, '' as stream, '00000000-0000-0000-0000-000000000000'::uuid as command,
                      family, partition, next_offset as "offset", null as scope, ''::bytea as headers,
                      null::bytea as value, ''::bytea as prev, head as hash from log_head
               union all
               select 1::int2, stream, command, family, partition, "offset", scope, headers, value, prev, hash
               from log_record where stream = any($1) and scope is not null
               union all
               select 1::int2, stream, command, family, partition, "offset", scope, headers, value, prev, hash
               from log_record where scope = any($2)
               union all
               select 2::int2, stream, command, family, partition, "offset", scope, headers, value, prev, hash
               from log_record where command = any($3) and scope is not null"#,
        )
        .bind(streams)
        .bind(scopes)
        .bind(commands.into_iter().collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        distribute(&requests, rows)
    }
}

/// Events of one stream or command, or why one of them can not be read.
type Events = Result<Vec<StoredEvent>, LogError>;

fn add(events: &mut Events, event: Result<StoredEvent, LogError>) {
    match (events.as_mut(), event) {
        (Ok(events), Ok(event)) => events.push(event),
        (Ok(_), Err(error)) => *events = Err(error),
        (Err(_), _) => {}
    }
}

/// In order, and once: a stream may have been asked for by itself and with its scope.
fn shared(events: Events) -> Result<Arc<Vec<StoredEvent>>, LogError> {
    let mut events = events?;
    events.sort_unstable_by_key(|event| event.offset);
    events.dedup_by_key(|event| event.offset);
    Ok(Arc::new(events))
}

fn distribute(requests: &[LoadRequest], rows: Vec<Tagged>) -> Result<Vec<Result<Loaded, LogError>>, LogError> {
    let mut heads: HashMap<Shard, u64> = HashMap::new();
    let mut scopes: HashMap<(Shard, String), HashMap<String, Events>> = HashMap::new();
    let mut commands: HashMap<(Shard, String, Uuid), Events> = HashMap::new();
    let mut places: HashMap<String, HashSet<(Shard, String)>> = HashMap::new();
    for tagged in rows {
        let Tagged {
            kind,
            stream,
            command,
            row,
        } = tagged;
        let shard = shard_of(&row.family, row.partition)?;
        if kind == HEAD {
            heads.insert(shard, row.offset.cast_unsigned());
            continue;
        }
        let Some(scope) = row.scope.clone() else {
            continue;
        };
        let event = row.event();
        if kind == BY_COMMAND {
            add(
                commands
                    .entry((shard, scope, command))
                    .or_insert_with(|| Ok(Vec::new())),
                event,
            );
            continue;
        }
        let place = (shard, scope);
        if !places.get(&stream).is_some_and(|places| places.contains(&place)) {
            places.entry(stream.clone()).or_default().insert(place.clone());
        }
        let streams = scopes.entry(place).or_default();
        add(streams.entry(stream).or_insert_with(|| Ok(Vec::new())), event);
    }
    let share = |streams: HashMap<_, _>| -> HashMap<_, _> {
        let streams = streams.into_iter();
        streams.map(|(stream, events)| (stream, shared(events))).collect()
    };
    let scopes: HashMap<_, HashMap<_, _>> = scopes
        .into_iter()
        .map(|(place, streams)| (place, share(streams)))
        .collect();
    let commands: HashMap<_, _> = commands
        .into_iter()
        .map(|(command, events)| (command, shared(events)))
        .collect();
    let answer = |request: &LoadRequest| {
        let place = (request.shard, request.scope.clone());
        let mut loaded = Loaded {
            next: heads.get(&request.shard).copied().unwrap_or_default(),
            ..Loaded::default()
        };
        for stream in &request.streams {
            let mut places = places.get(stream).into_iter().flatten();
            if places.any(|other| *other != place) {
                loaded.elsewhere.insert(stream.clone());
            }
        }
        if let Some(scope) = scopes.get(&place) {
            if request.whole_scope {
                for (stream, events) in scope {
                    loaded.streams.insert(stream.clone(), events.clone()?);
                }
            } else {
                for stream in &request.streams {
                    if let Some(events) = scope.get(stream) {
                        loaded.streams.insert(stream.clone(), events.clone()?);
                    }
                }
            }
        }
        for command in &request.commands {
            if let Some(events) = commands.get(&(request.shard, request.scope.clone(), *command)) {
                loaded.commands.insert(*command, events.clone()?);
            }
        }
        Ok(loaded)
    };
    Ok(requests.iter().map(answer).collect())
}
