//! Ids: a prefix, an underscore and a lower-case hyphenated UUIDv7 (`ord_0193…`), the same in paths, events, Kafka keys
//! and GraphQL. A new kind of id is one line in `ids!` below.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// Why a text is not the id that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The prefix is missing or another kind's.
    #[error("{text:?} is not an id of this kind: it must begin with {prefix:?}")]
    Prefix {
        /// What was given.
        text: String,
        /// What it must begin with.
        prefix: &'static str,
    },
    /// What follows the prefix is not a lower-case hyphenated UUIDv7.
    #[error("{text:?} is not an id: after the prefix comes a lower-case hyphenated UUIDv7")]
    Uuid {
        /// What was given.
        text: String,
    },
}

/// Reads the UUIDv7 of `text` behind `prefix` and its underscore; any other spelling of it is refused, for the text is
/// the Kafka key.
pub fn parse(prefix: &'static str, text: &str) -> Result<Uuid, InvalidId> {
    let tail = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or_else(|| InvalidId::Prefix {
            text: excerpt(text),
            prefix,
        })?;
    let canonical = tail.len() == 36
        && tail
            .bytes()
            .all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match Uuid::try_parse(tail) {
        Ok(uuid) if canonical && uuid.get_version_num() == 7 => Ok(uuid),
        _ => Err(InvalidId::Uuid { text: excerpt(text) }),
    }
}

/// At most 80 characters of what was given: an error repeats no megabytes.
fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A new UUIDv7. Ids of aggregates come from clients; this is for events, commands without a key, and clients in Rust.
#[allow(clippy::disallowed_methods, reason = "this is the id port")]
pub fn generate() -> Uuid {
    Uuid::now_v7()
}

/// The UUIDv7 of something that has an id elsewhere: the source's time and a hash of the source's id, so that a second
/// import repeats the same one.
pub fn derived(at: DateTime<Utc>, digest: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &digest).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The id with this UUID.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// A new id.
            pub fn generate() -> Self {
                Self(generate())
            }

            /// The UUID behind the prefix.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(Self::PREFIX, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "pattern": concat!(
                        "^", $prefix, "_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
                    ),
                })
            }
        }
    )*};
}

ids! {
    /// A person, or a service that acts as one.
    UserId = "usr";
    /// A market, or a law firm.
    StoreId = "sto";
    /// A category of listings.
    CategoryId = "cat";
    /// Something offered.
    ListingId = "lst";
    /// A stock of one listing.
    StockId = "stk";
    /// A hold on stock.
    ReservationId = "rsv";
    /// A purchase.
    OrderId = "ord";
    /// A payment of an order.
    PaymentId = "pay";
    /// A conversation.
    ChatId = "cht";
    /// A message in a chat.
    MessageId = "msg";
    /// A request for bids.
    CaseId = "cas";
    /// An uploaded file.
    MediaId = "med";
}
