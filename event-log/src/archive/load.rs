//! What a decision needs: the events of the streams that it reads and those of the commands that it may repeat, with
//! the archive's checkpoint, in one statement and so in one snapshot. The owner's tail goes on from that checkpoint.

use std::collections::{HashMap, HashSet};

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
    pub streams: HashMap<String, Vec<StoredEvent>>,
    /// Events by command, in order. A command without events is absent.
    pub commands: HashMap<Uuid, Vec<StoredEvent>>,
    /// Streams asked for by name that belong to another scope.
    pub elsewhere: HashSet<String>,
}

/// Which part of the answer a row is.
#[derive(Debug, sqlx::FromRow)]
struct Tagged {
    kind: i16,
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
        Ok(self.load_many(vec![request]).await?.swap_remove(0))
    }

    /// Answers many requests, of any shards, in one statement; the answers come in the order of the requests.
    pub async fn load_many(&self, requests: Vec<LoadRequest>) -> Result<Vec<Loaded>, LogError> {
        let distinct = |values: HashSet<&String>| values.into_iter().cloned().collect::<Vec<_>>();
        let streams = distinct(requests.iter().flat_map(|r| &r.streams).collect());
        let scopes = distinct(requests.iter().filter(|r| r.whole_scope).map(|r| &r.scope).collect());
        let commands: HashSet<Uuid> = requests.iter().flat_map(|r| r.commands.iter().copied()).collect();
        // Which of two scopes a stream belongs to is sorted out below: with the stream alone, each branch is one index
        // scan, whatever the planner believes of the table.
        let rows: Vec<Tagged> = sqlx::query_as(
            r#"select 0::int2 as kind, family, partition, next_offset as "offset", null as scope,
                      ''::bytea as headers, null::bytea as value, ''::bytea as prev, head as hash from log_head
               union all
               select 1::int2, family, partition, "offset", scope, headers, value, prev, hash
               from log_record where stream = any($1) and scope is not null
               union all
               select 1::int2, family, partition, "offset", scope, headers, value, prev, hash
               from log_record where scope = any($2)
               union all
               select 2::int2, family, partition, "offset", scope, headers, value, prev, hash
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

fn distribute(requests: &[LoadRequest], rows: Vec<Tagged>) -> Result<Vec<Loaded>, LogError> {
    let mut loaded = vec![Loaded::default(); requests.len()];
    let mut by_scope: HashMap<(Shard, &str), Vec<usize>> = HashMap::new();
    for (index, request) in requests.iter().enumerate() {
        by_scope.entry((request.shard, &request.scope)).or_default().push(index);
    }
    let mut by_stream: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, request) in requests.iter().enumerate() {
        for stream in &request.streams {
            by_stream.entry(stream).or_default().push(index);
        }
    }
    for Tagged { kind, row } in rows {
        let shard = shard_of(&row.family, row.partition)?;
        if kind == HEAD {
            for (_, loaded) in requests.iter().zip(&mut loaded).filter(|(r, _)| r.shard == shard) {
                loaded.next = row.offset.cast_unsigned();
            }
            continue;
        }
        let event = row.event()?;
        if kind != BY_COMMAND {
            for index in by_stream.get(event.envelope.stream.as_str()).into_iter().flatten() {
                let request = &requests[*index];
                if request.shard != shard || Some(&request.scope) != event.scope.as_ref() {
                    loaded[*index].elsewhere.insert(event.envelope.stream.clone());
                }
            }
        }
        let Some(asked) = event.scope.as_deref().and_then(|scope| by_scope.get(&(shard, scope))) else {
            continue;
        };
        for index in asked {
            let (request, loaded) = (&requests[*index], &mut loaded[*index]);
            let (stream, command) = (&event.envelope.stream, event.envelope.command);
            if kind == BY_COMMAND {
                if request.commands.contains(&command) {
                    loaded.commands.entry(command).or_default().push(event.clone());
                }
            } else if request.whole_scope || request.streams.contains(stream) {
                loaded.streams.entry(stream.clone()).or_default().push(event.clone());
            }
        }
    }
    for Loaded { streams, commands, .. } in &mut loaded {
        for events in streams.values_mut().chain(commands.values_mut()) {
            events.sort_unstable_by_key(|event| event.offset);
            // A stream may have been asked for by itself and with its scope.
            events.dedup_by_key(|event| event.offset);
        }
    }
    Ok(loaded)
}
