//! Positions: an opaque token {log id, shard → offset} that says how far somebody has seen. A commit's is the offset of
//! its last part. No timestamps: comparing offsets of the same shard is the only order there is.

use std::{collections::BTreeMap, fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::family::Family;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::shard::Shard;

const VERSION: u8 = 1;

/// How far somebody has seen, shard by shard. A shard that is absent has not been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The log's id, made at its creation: a token of a recreated log fails instead of matching by chance.
    pub log: Uuid,
    /// The offset of the last record seen, inclusive.
    pub offsets: BTreeMap<Shard, u64>,
}

impl Position {
    /// Nothing seen.
    pub const fn start(log: Uuid) -> Self {
        Self {
            log,
            offsets: BTreeMap::new(),
        }
    }

    /// Seen up to this offset of one shard.
    pub fn at(log: Uuid, shard: Shard, offset: u64) -> Self {
        Self {
            log,
            offsets: BTreeMap::from([(shard, offset)]),
        }
    }

    /// Whether this offset of this shard has been seen.
    pub fn covers(&self, shard: Shard, offset: u64) -> bool {
        self.offsets.get(&shard).is_some_and(|seen| *seen >= offset)
    }

    /// Advances one shard; never goes back.
    pub fn advance(&mut self, shard: Shard, offset: u64) {
        let seen = self.offsets.entry(shard).or_insert(offset);
        *seen = (*seen).max(offset);
    }

    /// What either has seen.
    pub fn merge(&mut self, other: &Self) {
        for (shard, offset) in &other.offsets {
            self.advance(*shard, *offset);
        }
    }
}

/// The text is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPosition {
    /// Not base64url, or cut short, or with something behind it.
    #[error("not a position: it is damaged or was never one")]
    Malformed,
    /// Of a version that this software does not read.
    #[error("a position of version {0}, which this version of Stoa can not read")]
    Version(u8),
}

impl fmt::Display for Position {
    /// base64url of: version, log id, then for each shard its family (one byte), partition and offset (LEB128).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(17 + 4 * self.offsets.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(self.log.as_bytes());
        for (shard, offset) in &self.offsets {
            bytes.push(family_code(shard.family));
            write_number(&mut bytes, u64::from(shard.partition));
            write_number(&mut bytes, *offset);
        }
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| InvalidPosition::Malformed)?;
        let (version, rest) = bytes.split_first().ok_or(InvalidPosition::Malformed)?;
        if *version != VERSION {
            return Err(InvalidPosition::Version(*version));
        }
        let (log, mut rest) = rest.split_at_checked(16).ok_or(InvalidPosition::Malformed)?;
        let log = Uuid::from_slice(log).map_err(|_| InvalidPosition::Malformed)?;
        let mut offsets = BTreeMap::new();
        while let Some((code, tail)) = rest.split_first() {
            rest = tail;
            let family = *Family::ALL.get(usize::from(*code)).ok_or(InvalidPosition::Malformed)?;
            let partition = read_number(&mut rest)
                .and_then(|n| u16::try_from(n).ok())
                .ok_or(InvalidPosition::Malformed)?;
            let offset = read_number(&mut rest).ok_or(InvalidPosition::Malformed)?;
            if offsets.insert(Shard { family, partition }, offset).is_some() {
                return Err(InvalidPosition::Malformed);
            }
        }
        Ok(Self { log, offsets })
    }
}

fn family_code(family: Family) -> u8 {
    let index = Family::ALL
        .iter()
        .position(|known| *known == family)
        .expect("ALL holds every family");
    u8::try_from(index).expect("there are fewer than 256 families")
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("what is left is below 0x80"));
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
