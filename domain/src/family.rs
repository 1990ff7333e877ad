//! The event families. A family is a topic of the log; what it is called here is what the topic is called there.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An event family, and so a topic of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Something offered or asked for: stores, listings, stock, categories.
    Listing,
    /// Somebody takes it up: orders and payments.
    Order,
    /// People talk about it: chats and messages.
    Chat,
    /// Users, claims, notifications.
    Identity,
    /// Uploaded files.
    Media,
}

impl Family {
    /// Every family, in the order in which topics are made.
    pub const ALL: [Self; 5] = [Self::Listing, Self::Order, Self::Chat, Self::Identity, Self::Media];

    /// The name of the topic, without the installation's prefix.
    pub const fn topic(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Order => "order",
            Self::Chat => "chat",
            Self::Identity => "identity",
            Self::Media => "media",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.topic())
    }
}

/// The text names no family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no event family is called {0:?}")]
pub struct UnknownFamily(pub String);

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|family| family.topic() == text)
            .ok_or_else(|| UnknownFamily(text.to_owned()))
    }
}
