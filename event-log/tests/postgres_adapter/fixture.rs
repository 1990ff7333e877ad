//! A database of one's own, and a writer that chains commits by hand: what it appends need not be right.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{family::Family, id};
use event_log::{
    chain::{Hash, genesis},
    envelope::{Envelope, Part},
    port::{Appender, Report},
    record::Record,
    schema,
    shard::Shard,
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

pub const ORDERS: Shard = Shard {
    family: Family::Order,
    partition: 0,
};

pub async fn database() -> PgPool {
    let url = servers::shared::postgres().await.database().await;
    let pool = PgPoolOptions::new().max_connections(8).connect(&url).await.unwrap();
    schema::migrate(&pool).await.unwrap();
    pool
}

pub fn start_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// Chains commits; the streams of a commit's parts are `{scope}-0`, `{scope}-1`, …
pub struct Hand {
    pub head: Hash,
    pub session: Uuid,
    pub seq: u64,
    pub scope: String,
    pub commands: Vec<Uuid>,
    /// Bytes that an event is larger than it need be.
    pub padding: usize,
}

impl Hand {
    pub fn new(shard: Shard) -> Self {
        Self {
            head: genesis(shard),
            session: id::generate(),
            seq: 0,
            scope: "ord_1".to_owned(),
            commands: Vec::new(),
            padding: 0,
        }
    }

    pub fn commit(&mut self, parts: u16) -> Vec<Record> {
        let command = id::generate();
        let version = self.commands.len() as u64 + 1;
        self.commands.push(command);
        let mut records = Vec::new();
        for number in 1..=parts {
            let recorded = start_of_time() + TimeDelta::seconds(i64::try_from(version).unwrap());
            let envelope = Envelope {
                id: id::generate(),
                event_type: "order.placed.v1".into(),
                stream: format!("{}-{}", self.scope, number - 1),
                time: recorded,
                version,
                command,
                correlation: command,
                causation: None,
                actor: Some("usr_1".to_owned()),
                part: Part { number, of: parts },
                session: self.session,
                seq: self.seq,
                idempotency_key: None,
                body_hmac: None,
                standing: None,
                traceparent: None,
                recorded,
            };
            self.seq += 1;
            let value = format!("{{\"number\":{version}}}{}", " ".repeat(self.padding));
            let mut record = envelope.to_record(Some(&self.scope), value);
            record.headers.push((Cow::Borrowed("x-null"), None));
            record.headers.push((Cow::Borrowed("x-empty"), Some(Bytes::new())));
            self.head = record.chain_on(self.head);
            records.push(record);
        }
        records
    }

    /// Appends commits of one part each and waits for all reports.
    pub async fn append(&mut self, appender: &mut dyn Appender, commits: usize) -> Vec<Report> {
        let reports: Vec<_> = (0..commits).map(|_| appender.append(self.commit(1))).collect();
        let mut answers = Vec::new();
        for report in reports {
            answers.push(report.await.unwrap());
        }
        answers
    }
}
