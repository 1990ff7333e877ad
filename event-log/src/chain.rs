//! The hash chain: `hash` = SHA-256 over `prev` and the record's canonical bytes. What is hashed is what lies in the
//! log, byte for byte, so that anyone with a Kafka client can check it.

use std::fmt;

use ring::digest::{Context, Digest, SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::{
    record::{HASH_HEADER, PREV_HEADER, Record},
    shard::Shard,
};

/// A link of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = std::array::TryFromSliceError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self)
    }
}

/// The first `prev` of a shard: SHA-256 of a fixed text that names topic and partition, so that no shard's history can
/// be passed off as another's. The topic is the family's name, without an installation's prefix.
pub fn genesis(shard: Shard) -> Hash {
    let text = format!("stoa chain v1, topic {}, partition {}", shard.family, shard.partition);
    hash(digest(&SHA256, text.as_bytes()))
}

/// The hash of a record that is chained on `prev`.
///
/// Canonical bytes: `prev`; the key; the number of headers; each header's name and value in the order in which they
/// lie, but for `stoa_prev` (hashed first, by itself) and `stoa_hash`; the value. A byte string is its length as 64 bits
/// big-endian and the bytes; one that may be null has a byte 1 before it, or is a single byte 0.
pub fn link(prev: Hash, record: &Record) -> Hash {
    let mut digest = Context::new(&SHA256);
    digest.update(&prev.0);
    optional(&mut digest, record.key.as_deref());
    let covered = || {
        record
            .headers
            .iter()
            .filter(|(name, _)| name != PREV_HEADER && name != HASH_HEADER)
    };
    length(&mut digest, covered().count());
    for (name, value) in covered() {
        length(&mut digest, name.len());
        digest.update(name.as_bytes());
        optional(&mut digest, value.as_deref());
    }
    optional(&mut digest, record.value.as_deref());
    hash(digest.finish())
}

fn hash(digest: Digest) -> Hash {
    Hash(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

fn length(digest: &mut Context, length: usize) {
    digest.update(&(length as u64).to_be_bytes());
}

fn optional(digest: &mut Context, bytes: Option<&[u8]>) {
    match bytes {
        None => digest.update(&[0]),
        Some(bytes) => {
            digest.update(&[1]);
            length(digest, bytes.len());
            digest.update(bytes);
        }
    }
}
