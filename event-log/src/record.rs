//! A record as it lies in the log: key, headers in order, value. Nothing here says whether it is valid; the chain does.

use std::borrow::Cow;

use bytes::Bytes;

use crate::chain::{Hash, link};

/// The header that holds the hash which this record is chained on, raw 32 bytes.
pub const PREV_HEADER: &str = "stoa_prev";
/// The header that holds this record's own hash, raw 32 bytes.
pub const HASH_HEADER: &str = "stoa_hash";

/// A record. Key, values and value may be null, as Kafka has it: a null is told from an empty string.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// The scope id; null for the writer's own records.
    pub key: Option<Bytes>,
    /// In the order in which they lie.
    pub headers: Vec<(Cow<'static, str>, Option<Bytes>)>,
    /// The event's JSON.
    pub value: Option<Bytes>,
}

/// A record that was read, with its offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its offset in the shard.
    pub offset: u64,
    /// The record.
    pub record: Record,
}

impl Record {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .and_then(|(_, value)| value.as_ref())
    }

    /// The first header of this name as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The hash that it says it is chained on, and its own; `None` for a foreign record, which has none.
    pub fn links(&self) -> Option<(Hash, Hash)> {
        let read = |name| Hash::try_from(self.header(name)?.as_ref()).ok();
        Some((read(PREV_HEADER)?, read(HASH_HEADER)?))
    }

    /// Whether there is nothing in it: what a keeper shows for an offset that was taken and has no record.
    pub fn is_hole(&self) -> bool {
        self.key.is_none() && self.headers.is_empty() && self.value.is_none()
    }

    /// Chains it on `prev`: appends the two headers, and returns its hash.
    #[must_use = "the hash is the next record's `prev`"]
    pub fn chain_on(&mut self, prev: Hash) -> Hash {
        let hash = link(prev, self);
        self.headers
            .push((Cow::Borrowed(PREV_HEADER), Some(Bytes::copy_from_slice(&prev.0))));
        self.headers
            .push((Cow::Borrowed(HASH_HEADER), Some(Bytes::copy_from_slice(&hash.0))));
        hash
    }

    /// Bytes of key, headers and value: what counts towards a broker's limit, but for the framing.
    pub fn size(&self) -> usize {
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        length(&self.key)
            + length(&self.value)
            + self
                .headers
                .iter()
                .map(|(name, value)| name.len() + length(value))
                .sum::<usize>()
    }
}
