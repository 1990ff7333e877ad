//! A writer reduced to its hand: it chains and numbers records as a session does, and puts them wherever a test wants.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{family::Family, id};
use event_log::{
    chain::Hash,
    checkpoint::Checkpoint,
    commit::{Cause, Draft},
    control::{self, Opened, WriterIdentity},
    envelope::{OPENED, Part},
    record::Record,
    shard::Shard,
};
use uuid::Uuid;

pub const SHARD: Shard = Shard {
    family: Family::Order,
    partition: 0,
};

/// An event of its own stream and command, with this text as its content.
pub fn draft(scope: &str, text: &str) -> Draft {
    let command = id::generate();
    Draft {
        scope: scope.to_owned(),
        stream: scope.to_owned(),
        version: 1,
        id: id::generate(),
        event_type: "order.placed.v1",
        value: Bytes::from(format!("{{\"text\":\"{text}\"}}")),
        time: DateTime::UNIX_EPOCH,
        cause: Cause {
            command,
            correlation: command,
            ..Cause::default()
        },
    }
}

/// A record that no writer of ours appended.
pub fn foreign() -> Record {
    Record {
        key: Some(Bytes::from_static(b"who")),
        headers: Vec::new(),
        value: Some(Bytes::from_static(b"hello")),
    }
}

#[derive(Debug, Clone)]
pub struct Scribe {
    pub session: Uuid,
    pub seq: u64,
    pub tip: Hash,
    pub recorded: DateTime<Utc>,
}

impl Scribe {
    /// A session that chains on this head.
    pub fn on(head: Hash) -> Self {
        Self {
            session: id::generate(),
            seq: 0,
            tip: head,
            recorded: DateTime::UNIX_EPOCH,
        }
    }

    /// A session that opens at a checkpoint, and its barrier.
    pub fn open(at: &Checkpoint) -> (Self, Record) {
        let mut scribe = Self::on(at.head);
        let record = scribe.barrier(at);
        (scribe, record)
    }

    /// A barrier that names this checkpoint's head.
    pub fn barrier(&mut self, at: &Checkpoint) -> Record {
        let identity = WriterIdentity {
            node: "scribe".to_owned(),
            software: "0".to_owned(),
            log: Uuid::nil(),
            assignment: 0,
        };
        let value = serde_json::to_vec(&Opened::new(self.session, &identity, at)).unwrap();
        let envelope = control::envelope(OPENED, self.session, self.seq, self.recorded);
        self.chain(envelope.to_record(None, value))
    }

    /// A commit of so many parts.
    pub fn commit(&mut self, parts: u16) -> Vec<Record> {
        let whole = draft("ord_1", &format!("{} of {}", self.seq, self.session));
        (1..=parts)
            .map(|number| self.part(whole.clone(), Part { number, of: parts }))
            .collect()
    }

    /// A commit of one part.
    pub fn whole(&mut self) -> Record {
        self.part(draft("ord_1", "whole"), Part::WHOLE)
    }

    /// One part.
    pub fn part(&mut self, draft: Draft, part: Part) -> Record {
        let (scope, value) = (draft.scope.clone(), draft.value.clone());
        let envelope = draft.into_envelope(part, self.session, self.seq, self.recorded);
        self.chain(envelope.to_record(Some(&scope), value))
    }

    fn chain(&mut self, mut record: Record) -> Record {
        self.tip = record.chain_on(self.tip);
        self.seq += 1;
        record
    }
}
