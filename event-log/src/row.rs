//! A record as a row of `log_record`, both ways. The bytes that were hashed lie there as they are, so that the record is
//! got back exactly; the other columns only serve to find it.

use std::borrow::Cow;

use bytes::{Buf, Bytes};
use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, postgres::PgArguments, query::Query};
use uuid::Uuid;

use crate::{
    chain::Hash,
    commit::StoredEvent,
    envelope::{Envelope, InvalidEnvelope, header_name},
    port::LogError,
    record::{HASH_HEADER, PREV_HEADER, Record, Stored},
    shard::Shard,
};

/// A row as it is read: select all of these columns.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) family: String,
    pub(crate) partition: i16,
    pub(crate) offset: i64,
    pub(crate) scope: Option<String>,
    pub(crate) headers: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) prev: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

/// The shard that two columns name.
pub(crate) fn shard_of(family: &str, partition: i16) -> Result<Shard, LogError> {
    let unknown = || LogError::Unusable(format!("the database knows a shard {family}/{partition}"));
    Ok(Shard {
        family: family.parse().map_err(|_| unknown())?,
        partition: u16::try_from(partition).map_err(|_| unknown())?,
    })
}

/// A partition as its column has it: a log of more partitions than that is refused when it is made.
pub(crate) fn partition_of(shard: Shard) -> i16 {
    i16::try_from(shard.partition).unwrap_or(i16::MAX)
}

impl Row {
    /// The record with its offset.
    pub(crate) fn stored(self) -> Result<(Shard, Stored), LogError> {
        let shard = shard_of(&self.family, self.partition)?;
        let offset = self.offset.cast_unsigned();
        let mut headers = decode_headers(self.headers.into()).ok_or_else(|| LogError::Broken {
            shard,
            offset,
            reason: "the headers can not be read".to_owned(),
        })?;
        headers.push((Cow::Borrowed(PREV_HEADER), Some(self.prev.into())));
        headers.push((Cow::Borrowed(HASH_HEADER), Some(self.hash.into())));
        let record = Record {
            key: self.scope.map(|scope| Bytes::from(scope.into_bytes())),
            headers,
            value: self.value.map(Bytes::from),
        };
        Ok((shard, Stored { offset, record }))
    }

    /// The event that the record holds.
    pub(crate) fn event(self) -> Result<StoredEvent, LogError> {
        let (shard, stored) = self.stored()?;
        StoredEvent::of(shard, &stored).map_err(|error| LogError::Broken {
            shard,
            offset: stored.offset,
            reason: error.to_string(),
        })
    }
}

/// The records of a shard from an offset on, at most `limit`.
pub(crate) async fn page(
    executor: impl PgExecutor<'_>,
    shard: Shard,
    from: u64,
    limit: i64,
) -> Result<Vec<Stored>, LogError> {
    let rows: Vec<Row> = sqlx::query_as(
        r#"select family, partition, "offset", scope, headers, value, prev, hash from log_record
           where family = $1 and partition = $2 and "offset" >= $3 order by "offset" limit $4"#,
    )
    .bind(shard.family.topic())
    .bind(partition_of(shard))
    .bind(from.cast_signed())
    .bind(limit)
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(|row| Ok(row.stored()?.1)).collect()
}

/// Records as columns, for one insert by `unnest`.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    scope: Vec<Option<String>>,
    stream: Vec<String>,
    version: Vec<i64>,
    command: Vec<Uuid>,
    event_type: Vec<String>,
    recorded: Vec<DateTime<Utc>>,
    headers: Vec<Vec<u8>>,
    value: Vec<Option<Vec<u8>>>,
    prev: Vec<[u8; 32]>,
    hash: Vec<[u8; 32]>,
}

impl Columns {
    /// Adds a record; tells its session and number within it.
    pub(crate) fn push(&mut self, record: &Record) -> Result<(Uuid, u64), InvalidEnvelope> {
        let scope = match &record.key {
            None => None,
            Some(key) => Some(String::from_utf8(key.to_vec()).map_err(|_| InvalidEnvelope("key"))?),
        };
        let envelope = Envelope::of(record)?;
        let numbered = (envelope.session, envelope.seq);
        self.push_read(record, scope, envelope)?;
        Ok(numbered)
    }

    /// Adds a record that was read: what is in its key and headers.
    pub(crate) fn push_read(
        &mut self,
        record: &Record,
        scope: Option<String>,
        envelope: Envelope,
    ) -> Result<(), InvalidEnvelope> {
        let (Hash(prev), Hash(hash)) = record.links().ok_or(InvalidEnvelope(HASH_HEADER))?;
        self.scope.push(scope);
        self.stream.push(envelope.stream);
        self.version.push(envelope.version.cast_signed());
        self.command.push(envelope.command);
        self.event_type.push(envelope.event_type.into_owned());
        self.recorded.push(envelope.recorded);
        self.headers.push(encode_headers(record));
        self.value.push(record.value.as_ref().map(|value| value.to_vec()));
        self.prev.push(prev);
        self.hash.push(hash);
        Ok(())
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.hash.len()
    }

    /// Moves the other's to the end of these.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.scope.append(&mut other.scope);
        self.stream.append(&mut other.stream);
        self.version.append(&mut other.version);
        self.command.append(&mut other.command);
        self.event_type.append(&mut other.event_type);
        self.recorded.append(&mut other.recorded);
        self.headers.append(&mut other.headers);
        self.value.append(&mut other.value);
        self.prev.append(&mut other.prev);
        self.hash.append(&mut other.hash);
    }

    /// Binds them, in the order `scope, stream, version, command, event_type, recorded, headers, value, prev, hash`.
    pub(crate) fn bind(self, query: Statement<'_>) -> Statement<'_> {
        query
            .bind(self.scope)
            .bind(self.stream)
            .bind(self.version)
            .bind(self.command)
            .bind(self.event_type)
            .bind(self.recorded)
            .bind(self.headers)
            .bind(self.value)
            .bind(self.prev)
            .bind(self.hash)
    }
}

/// A statement that parameters are bound to.
type Statement<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// The headers but the two of the chain, in the encoding in which they are hashed (see [`crate::chain::link`]): with
/// `prev`, key and value before and after, anyone can compute the hash from the columns.
fn encode_headers(record: &Record) -> Vec<u8> {
    let covered = || {
        record
            .headers
            .iter()
            .filter(|(name, _)| name != PREV_HEADER && name != HASH_HEADER)
    };
    let mut bytes = Vec::with_capacity(1024);
    let length = |bytes: &mut Vec<u8>, length: usize| bytes.extend_from_slice(&(length as u64).to_be_bytes());
    length(&mut bytes, covered().count());
    for (name, value) in covered() {
        length(&mut bytes, name.len());
        bytes.extend_from_slice(name.as_bytes());
        match value {
            None => bytes.push(0),
            Some(value) => {
                bytes.push(1);
                length(&mut bytes, value.len());
                bytes.extend_from_slice(value);
            }
        }
    }
    bytes
}

type Headers = Vec<(Cow<'static, str>, Option<Bytes>)>;

/// What [`encode_headers`] made; `None` when it did not make this.
fn decode_headers(mut bytes: Bytes) -> Option<Headers> {
    fn take(bytes: &mut Bytes) -> Option<Bytes> {
        let length = usize::try_from(bytes.try_get_u64().ok()?).ok()?;
        (length <= bytes.len()).then(|| bytes.split_to(length))
    }
    let count = usize::try_from(bytes.try_get_u64().ok()?).ok()?;
    // Each header takes nine bytes at least: a damaged count must not reserve memory.
    let mut headers = Vec::with_capacity((count + 2).min(bytes.len() / 9 + 2));
    for _ in 0..count {
        let name = take(&mut bytes)?;
        let name = std::str::from_utf8(&name).ok()?;
        let name = header_name(name);
        let value = match bytes.try_get_u8().ok()? {
            0 => None,
            1 => Some(take(&mut bytes)?),
            _ => return None,
        };
        headers.push((name, value));
    }
    bytes.is_empty().then_some(headers)
}
