//! Every aggregate that Stoa serves, one line each. Routes, OpenAPI, event schemas, dispatch and history come from here.

use std::{fmt, sync::LazyLock};

use crate::{
    body::InvalidBody,
    chat::{chat::Chat, message::Message},
    decision::Target,
    entity::{Command, CommandType, Entity, Event, EventType},
    erased::{AnyAggregate, AnyCommand, Typed},
    family::Family,
    id::{self, InvalidId},
    listing::{category::Category, listing::Listing, stock::StockItem, store::Store},
    order::{order::Order, payment::Payment},
};

static ENTITIES: LazyLock<Vec<EntityType>> = LazyLock::new(|| {
    vec![
        EntityType::of::<Store>(),
        EntityType::of::<Category>(),
        EntityType::of::<Listing>(),
        EntityType::of::<StockItem>(),
        EntityType::of::<Order>(),
        EntityType::of::<Payment>(),
        EntityType::of::<Chat>(),
        EntityType::of::<Message>(),
    ]
});

/// Every aggregate type.
pub fn entities() -> &'static [EntityType] {
    &ENTITIES
}

/// Reads a command's body by the command's name.
type Parse = fn(&str, &[u8]) -> Option<Result<Box<dyn AnyCommand>, InvalidBody>>;

/// The aggregate type whose streams have ids with this prefix.
pub fn by_stream(stream: &str) -> Option<&'static EntityType> {
    let (prefix, _) = stream.split_once('_')?;
    entities().iter().find(|entity| entity.prefix == prefix)
}

/// An aggregate type, with what dispatch needs to know of it.
pub struct EntityType {
    /// The name: `stock`.
    pub name: &'static str,
    /// The topic of its events.
    pub family: Family,
    /// The prefix of its ids.
    pub prefix: &'static str,
    /// Where it is served, below `/v1/`: `listings/{listing}/stock/{stock}`.
    pub path: &'static str,
    /// The scope, when it is a constant.
    pub scope: Option<&'static str>,
    /// Its commands with their schemas.
    pub commands: fn() -> Vec<CommandType>,
    /// Its events with their schemas.
    pub events: fn() -> Vec<EventType>,
    /// The aggregate before its first event.
    pub fresh: fn() -> Box<dyn AnyAggregate>,
    parse: Parse,
    #[cfg(test)]
    rewrite: fn(&str, &[u8]) -> Option<Vec<u8>>,
}

impl fmt::Debug for EntityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntityType")
            .field("name", &self.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl EntityType {
    fn of<A: Entity>() -> Self {
        Self {
            name: A::TYPE,
            family: A::FAMILY,
            prefix: A::PREFIX,
            path: A::PATH,
            scope: A::SCOPE,
            commands: A::Command::catalogue,
            events: A::Event::catalogue,
            fresh: || Box::new(A::default()),
            parse: |name, body| {
                Some(A::Command::parse(name, body)?.map(|command| Box::new(Typed::<A>(command)) as Box<dyn AnyCommand>))
            },
            #[cfg(test)]
            rewrite: |name, value| Some(A::Event::decode(name, value)?.ok()?.encode()),
        }
    }

    /// Reads the JSON body of the command called `name`; `None` when the aggregate has no such command.
    pub fn parse(&self, name: &str, body: &[u8]) -> Option<Result<Box<dyn AnyCommand>, InvalidBody>> {
        (self.parse)(name, body)
    }

    /// The literal segments and ids of the path, in order.
    pub fn segments(&self) -> impl Iterator<Item = Segment> {
        self.path.split('/').map(
            |segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) => Segment::Id(name),
                None => Segment::Literal(segment),
            },
        )
    }

    /// The stream and scope of a path below `/v1/` without its command; `None` when the path is not this aggregate's.
    pub fn target(&self, path: &[&str]) -> Option<Result<Target, InvalidId>> {
        let mut ids = Vec::new();
        if self.segments().count() != path.len() {
            return None;
        }
        for (segment, given) in self.segments().zip(path) {
            match segment {
                Segment::Literal(literal) if literal == *given => {}
                Segment::Literal(_) => return None,
                Segment::Id(name) => ids.push((name, *given)),
            }
        }
        Some(self.checked(&ids))
    }

    fn checked(&self, ids: &[(&str, &str)]) -> Result<Target, InvalidId> {
        for (name, given) in ids {
            id::parse(prefix_of(name).unwrap_or(self.prefix), given)?;
        }
        let first = ids.first().map_or("", |(_, given)| given);
        let last = ids.last().map_or("", |(_, given)| given);
        Ok(Target {
            scope: self.scope.unwrap_or(first).to_owned(),
            stream: last.to_owned(),
        })
    }
}

/// The id prefix of the aggregate type that a path calls by this name.
fn prefix_of(name: &str) -> Option<&'static str> {
    entities()
        .iter()
        .find(|entity| entity.name == name)
        .map(|entity| entity.prefix)
}

/// A segment of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// As it stands.
    Literal(&'static str),
    /// An id, by the name of its aggregate type.
    Id(&'static str),
}

#[cfg(test)]
mod tests;
