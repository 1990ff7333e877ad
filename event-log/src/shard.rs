//! Shards. A shard is a partition of a family's topic: the unit of order, of ownership and of chaining.

use std::{collections::BTreeMap, fmt};

use domain::family::Family;
use serde::{Deserialize, Serialize};

/// How many partitions a family gets when the log is made, unless told otherwise. A count never changes under a key.
pub const DEFAULT_PARTITIONS: u16 = 4;

/// A partition of a family's topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// The topic.
    pub family: Family,
    /// The partition, from 0.
    pub partition: u16,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.family, self.partition)
    }
}

/// The partitions of each family, fixed when the log was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// Partition count by family.
    pub partitions: BTreeMap<Family, u16>,
}

impl Topology {
    /// The same count for every family.
    pub fn uniform(partitions: u16) -> Self {
        Self {
            partitions: Family::ALL.into_iter().map(|family| (family, partitions)).collect(),
        }
    }

    /// Every shard, family by family.
    pub fn shards(&self) -> impl Iterator<Item = Shard> {
        self.partitions.iter().flat_map(|(family, count)| {
            (0..*count).map(|partition| Shard {
                family: *family,
                partition,
            })
        })
    }

    /// The shard of a scope.
    pub fn shard_of(&self, family: Family, scope: &str) -> Shard {
        let count = self.partitions.get(&family).copied().unwrap_or(1).max(1);
        Shard {
            family,
            partition: partition_of(scope.as_bytes(), count),
        }
    }
}

/// The partition of a key, as Kafka's own clients choose it: murmur2, sign bit cleared, modulo the count.
pub fn partition_of(key: &[u8], count: u16) -> u16 {
    let positive = murmur2(key) & 0x7fff_ffff;
    u16::try_from(positive % u32::from(count)).expect("the remainder of a division by a u16 fits one")
}

/// Murmur2 with Kafka's seed (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    #[allow(clippy::cast_possible_truncation, reason = "Kafka hashes the length as 32 bits")]
    let mut h = 0x9747_b28c_u32 ^ data.len() as u32;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes(chunk.try_into().expect("chunks_exact(4) yields four bytes")).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    for (index, byte) in rest.iter().enumerate() {
        h ^= u32::from(*byte) << (8 * index);
    }
    if !rest.is_empty() {
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::murmur2;

    /// The cases of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_is_kafkas_own() {
        for (text, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()), expected.cast_unsigned(), "{text}");
        }
    }
}
