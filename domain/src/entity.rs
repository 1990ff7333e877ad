//! What an aggregate adds to cqrs-es's [`Aggregate`] to be served: where its path lies, which commands and events it
//! has, and what a decision reads beside it. [`commands!`](crate::commands) and [`events!`](crate::events) write the two enums.

use cqrs_es::{Aggregate, DomainEvent};
use schemars::Schema;
use serde_json::Value;

use crate::{
    body::InvalidBody,
    decision::{Reads, Refusal, ScopeView, Services, Target},
    family::Family,
    id::StoreId,
};

/// An aggregate that Stoa serves.
pub trait Entity:
    Aggregate<Services = Services, Command: Command, Event: Event, Error: Refusal> + std::fmt::Debug + 'static
{
    /// The topic of its events.
    const FAMILY: Family;
    /// The prefix of its id.
    const PREFIX: &'static str;
    /// Where it is served, below `/v1/`, one place for each id: `listings/{listing}/stock/{stock}`. The first id is the
    /// scope, unless [`Entity::SCOPE`] says otherwise; the last is the stream.
    const PATH: &'static str;
    /// The scope, when it is a constant and not the first id of the path.
    const SCOPE: Option<&'static str> = None;

    /// Which other streams of the scope this decision reads.
    fn reads(_target: &Target, _command: &Self::Command) -> Reads {
        Reads::Nothing
    }

    /// The stores whose members may give this command: the viewer's standing in them is looked up before `handle`.
    fn stores(&self, _scope: &ScopeView, _command: &Self::Command) -> Vec<StoreId> {
        Vec::new()
    }
}

/// The commands of an aggregate, by name. Written by [`commands!`](crate::commands).
pub trait Command: Send + 'static + Sized {
    /// Reads the JSON body of the command called `name`; `None` when there is no such command.
    fn parse(name: &str, body: &[u8]) -> Option<Result<Self, InvalidBody>>;
    /// Every command with the JSON Schema of its body.
    fn catalogue() -> Vec<CommandType>;
}

/// A command as routes and OpenAPI know it.
#[derive(Debug, Clone)]
pub struct CommandType {
    /// The last segment of the path, kebab-case: `reserve`.
    pub name: &'static str,
    /// What it does, one sentence.
    pub summary: &'static str,
    /// The JSON Schema of the body.
    pub schema: Schema,
}

/// The events of an aggregate. Written by [`events!`](crate::events).
pub trait Event: DomainEvent + 'static {
    /// The CloudEvents type with its version: `stock.reserved.v1`.
    fn type_name(&self) -> &'static str;
    /// The JSON that is hashed and stored.
    fn encode(&self) -> Vec<u8>;
    /// Reads a stored event; `None` when the type is not one of this aggregate's.
    fn decode(type_name: &str, value: &[u8]) -> Option<Result<Self, serde_json::Error>>;
    /// Every event type with the JSON Schema of its value.
    fn catalogue() -> Vec<EventType>;
}

/// An event type as readers know it.
#[derive(Debug, Clone)]
pub struct EventType {
    /// The CloudEvents type with its version: `stock.reserved.v1`.
    pub name: &'static str,
    /// The JSON Schema of its value.
    pub schema: Schema,
}

/// The description that a schema carries, cut to its first sentence, as one JSON value's documentation.
pub fn summary(schema: &Schema) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// Writes the enum of an aggregate's commands: one variant for each, with its path segment and the struct of its body.
///
/// ```text
/// commands! {
///     /// What can be asked of a stock item.
///     pub enum StockCommand {
///         Adjust(AdjustStock) = "adjust", "Adds to or takes from what is on hand.",
///     }
/// }
/// ```
#[macro_export]
macro_rules! commands {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident($body:ty) = $segment:literal, $summary:literal;)* }) => {
        $(#[$meta])*
        #[allow(clippy::large_enum_variant, reason = "one at a time is decided on and none are kept: a box would cost more than the bytes")]
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name {
            $(#[doc = $summary] $variant($body),)*
        }

        $(impl From<$body> for $name {
            fn from(body: $body) -> Self {
                Self::$variant(body)
            }
        })*

        impl $crate::entity::Command for $name {
            fn parse(name: &str, body: &[u8]) -> Option<Result<Self, $crate::body::InvalidBody>> {
                match name {
                    $($segment => Some($crate::body::read::<$body>(body).map(Self::$variant)),)*
                    _ => None,
                }
            }

            fn catalogue() -> Vec<$crate::entity::CommandType> {
                vec![$($crate::entity::CommandType {
                    name: $segment,
                    summary: $summary,
                    schema: schemars::schema_for!($body),
                },)*]
            }
        }
    };
}

/// Writes the enum of an aggregate's events: one variant for each, with its versioned type and the struct of its value.
///
/// ```text
/// events! {
///     /// What happened to a stock item.
///     pub enum StockEvent {
///         Adjusted(StockAdjusted) = "stock.adjusted.v1";
///     }
/// }
/// ```
#[macro_export]
macro_rules! events {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident($body:ty) = $type_name:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "type", content = "data")]
        #[allow(clippy::large_enum_variant, reason = "one at a time is decided on and none are kept: a box would cost more than the bytes")]
        pub enum $name {
            $(#[doc = concat!("`", $type_name, "`")] #[serde(rename = $type_name)] $variant($body),)*
        }

        $(impl From<$body> for $name {
            fn from(body: $body) -> Self {
                Self::$variant(body)
            }
        })*

        impl cqrs_es::DomainEvent for $name {
            fn event_type(&self) -> String {
                $crate::entity::Event::type_name(self).to_owned()
            }

            fn event_version(&self) -> String {
                $crate::entity::Event::type_name(self).rsplit(".v").next().unwrap_or_default().to_owned()
            }
        }

        impl $crate::entity::Event for $name {
            fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $type_name,)*
                }
            }

            fn encode(&self) -> Vec<u8> {
                match self {
                    $(Self::$variant(body) => serde_json::to_vec(body),)*
                }
                .expect("an event is plain data with string keys, which always serialises")
            }

            fn decode(type_name: &str, value: &[u8]) -> Option<Result<Self, serde_json::Error>> {
                match type_name {
                    $($type_name => Some(serde_json::from_slice::<$body>(value).map(Self::$variant)),)*
                    _ => None,
                }
            }

            fn catalogue() -> Vec<$crate::entity::EventType> {
                vec![$($crate::entity::EventType {
                    name: $type_name,
                    schema: schemars::schema_for!($body),
                },)*]
            }
        }
    };
}
