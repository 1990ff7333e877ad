//! A category of listings. All categories share one scope, so that a slug is nobody else's and no category is below
//! itself: every decision reads the whole scope, which stays small.
//!
//! Who may: moderators, importers, processes and administrators.

use std::{collections::BTreeMap, fmt};

use cqrs_es::{Aggregate, event_sink::EventSink};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    decision::{Reads, Services, Target},
    entity::Entity,
    family::Family,
    fault::{self, Fault},
    id::CategoryId,
};

mod commands;
mod events;
mod refusal;
#[cfg(test)]
mod tests;

pub use commands::*;
pub use events::*;
pub use refusal::CategoryRefusal;

/// How many categories there may be: each decision looks at all of them.
pub const MOST_CATEGORIES: usize = 5_000;

/// How many levels the tree may have.
pub const DEEPEST: usize = 8;

/// A category, once it is created.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Category {
    /// Absent before it is created.
    pub state: Option<CategoryState>,
}

/// How a created category stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CategoryState {
    /// What paths and imports call it, in lower case.
    pub slug: String,
    /// What people read.
    pub name: String,
    /// The name of an icon.
    pub icon: Option<String>,
    /// An sRGB colour.
    pub colour: Option<String>,
    /// The category above it.
    pub parent: Option<CategoryId>,
    /// Whether it is in use.
    pub status: CategoryStatus,
}

/// Whether a category is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CategoryStatus {
    /// It is.
    Active,
    /// It takes no more listings and keeps its slug.
    Archived,
    /// It is gone, and its slug is free.
    Deleted,
}

impl fmt::Display for CategoryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Deleted => "deleted",
        })
    }
}

type Decision = Result<CategoryEvent, CategoryRefusal>;

impl Category {
    fn decide(&self, command: CategoryCommand, services: &Services) -> Decision {
        if !services.viewer.may_moderate() {
            return Err(CategoryRefusal::Forbidden);
        }
        let tree = Tree::around(services);
        match (command, &self.state) {
            (CategoryCommand::Create(_), Some(_)) => Err(CategoryRefusal::AlreadyExists),
            (CategoryCommand::Create(command), None) => create(command, &tree),
            (_, None) => Err(CategoryRefusal::NotFound),
            (CategoryCommand::Change(command), Some(category)) => category.change(command, &tree),
            (CategoryCommand::Move(command), Some(category)) => category.put_below(command.parent, &tree),
            (CategoryCommand::Archive(_), Some(category)) => category.archive(&tree),
            (CategoryCommand::Delete(_), Some(category)) => category.delete(&tree),
        }
    }
}

fn create(command: CreateCategory, tree: &Tree) -> Decision {
    let slug = checked(
        &command.slug,
        &command.name,
        command.icon.as_ref(),
        command.colour.as_deref(),
    )?;
    tree.free(&slug)?;
    if let Some(parent) = command.parent {
        tree.may_hold(parent)?;
    }
    let count = tree.categories.len();
    if count >= MOST_CATEGORIES {
        return Err(CategoryRefusal::Full {
            count,
            limit: MOST_CATEGORIES,
        });
    }
    Ok(CategoryCreated {
        slug,
        name: command.name,
        icon: command.icon,
        colour: command.colour,
        parent: command.parent,
    }
    .into())
}

impl CategoryState {
    fn change(&self, command: ChangeCategory, tree: &Tree) -> Decision {
        let slug = checked(
            &command.slug,
            &command.name,
            command.icon.as_ref(),
            command.colour.as_deref(),
        )?;
        self.active()?;
        let same = self.slug == slug
            && self.name == command.name
            && self.icon == command.icon
            && self.colour == command.colour;
        if same {
            return Err(CategoryRefusal::NothingToChange);
        }
        tree.free(&slug)?;
        Ok(CategoryChanged {
            slug,
            name: command.name,
            icon: command.icon,
            colour: command.colour,
        }
        .into())
    }

    fn put_below(&self, parent: Option<CategoryId>, tree: &Tree) -> Decision {
        self.active()?;
        if self.parent == parent {
            return Err(CategoryRefusal::NothingToChange);
        }
        if let Some(parent) = parent {
            tree.may_hold(parent)?;
        }
        Ok(CategoryMoved { parent }.into())
    }

    fn archive(&self, tree: &Tree) -> Decision {
        self.active()?;
        let in_use = |child: &(_, &CategoryState)| child.1.status == CategoryStatus::Active;
        none_below(tree.children(tree.own).filter(in_use).count())?;
        Ok(CategoryArchived {}.into())
    }

    fn delete(&self, tree: &Tree) -> Decision {
        if self.status == CategoryStatus::Deleted {
            return Err(CategoryRefusal::WrongStatus { status: self.status });
        }
        none_below(tree.children(tree.own).count())?;
        Ok(CategoryDeleted {}.into())
    }

    fn active(&self) -> Result<(), CategoryRefusal> {
        if self.status == CategoryStatus::Active {
            return Ok(());
        }
        Err(CategoryRefusal::WrongStatus { status: self.status })
    }
}

/// The slug in lower case, when it and what goes with it are well formed.
fn checked(slug: &str, name: &str, icon: Option<&String>, colour: Option<&str>) -> Result<String, Fault> {
    let slug = slug.to_ascii_lowercase();
    fault::slug("/slug", &slug, 80)?;
    fault::text("/name", name, 120)?;
    fault::optional_text("/icon", icon, 60)?;
    let digits = |colour: &str| {
        colour
            .strip_prefix('#')
            .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if colour.is_some_and(|colour| !digits(colour)) {
        return Err(Fault::malformed("/colour", "a colour such as #1a2b3c"));
    }
    Ok(slug)
}

/// The categories around the one that the command is for.
struct Tree<'a> {
    own: Option<CategoryId>,
    categories: BTreeMap<CategoryId, &'a CategoryState>,
}

impl<'a> Tree<'a> {
    /// All but the command's own and the deleted ones, which are in nobody's way.
    fn around(services: &'a Services) -> Self {
        let own = services.target.stream.parse().ok();
        let categories = services
            .scope
            .all::<Category>()
            .filter_map(|(stream, category)| Some((stream.parse().ok()?, category.state.as_ref()?)))
            .filter(|(id, category)| Some(*id) != own && category.status != CategoryStatus::Deleted)
            .collect();
        Self { own, categories }
    }

    fn free(&self, slug: &str) -> Result<(), CategoryRefusal> {
        match self.categories.iter().find(|(_, category)| category.slug == slug) {
            Some((holder, _)) => Err(CategoryRefusal::SlugTaken {
                slug: slug.to_owned(),
                category: *holder,
            }),
            None => Ok(()),
        }
    }

    /// Whether this category may stand below `parent`: it is there, in use, not below this one, and the tree stays
    /// shallow, counting what hangs below this one.
    fn may_hold(&self, parent: CategoryId) -> Result<(), CategoryRefusal> {
        if Some(parent) == self.own {
            return Err(CategoryRefusal::Cycle { parent });
        }
        let above = self
            .categories
            .get(&parent)
            .ok_or(CategoryRefusal::UnknownParent { parent })?;
        if above.status != CategoryStatus::Active {
            return Err(CategoryRefusal::ParentClosed { parent });
        }
        let mut depth = 1 + self.height(self.own);
        let mut next = above.parent;
        while let Some(ancestor) = next {
            if next == self.own {
                return Err(CategoryRefusal::Cycle { parent });
            }
            depth += 1;
            next = self.categories.get(&ancestor).and_then(|ancestor| ancestor.parent);
        }
        if depth > DEEPEST {
            return Err(CategoryRefusal::TooDeep { depth, limit: DEEPEST });
        }
        Ok(())
    }

    /// Levels from this category down, itself included.
    fn height(&self, of: Option<CategoryId>) -> usize {
        1 + self
            .children(of)
            .map(|(child, _)| self.height(Some(child)))
            .max()
            .unwrap_or(0)
    }

    fn children(&self, of: Option<CategoryId>) -> impl Iterator<Item = (CategoryId, &CategoryState)> {
        self.categories
            .iter()
            .filter(move |(_, category)| category.parent.is_some() && category.parent == of)
            .map(|(id, category)| (*id, *category))
    }
}

/// Refuses when this many categories stand in the way below.
fn none_below(children: usize) -> Result<(), CategoryRefusal> {
    if children == 0 {
        Ok(())
    } else {
        Err(CategoryRefusal::HasChildren { children })
    }
}

impl Aggregate for Category {
    const TYPE: &'static str = "category";
    type Command = CategoryCommand;
    type Event = CategoryEvent;
    type Error = CategoryRefusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: CategoryCommand,
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), CategoryRefusal> {
        let event = self.decide(command, services)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: CategoryEvent) {
        match (&mut self.state, event) {
            (state, CategoryEvent::Created(event)) => {
                *state = Some(CategoryState {
                    slug: event.slug,
                    name: event.name,
                    icon: event.icon,
                    colour: event.colour,
                    parent: event.parent,
                    status: CategoryStatus::Active,
                });
            }
            (Some(state), CategoryEvent::Changed(event)) => {
                state.slug = event.slug;
                state.name = event.name;
                state.icon = event.icon;
                state.colour = event.colour;
            }
            (Some(state), CategoryEvent::Moved(event)) => state.parent = event.parent,
            (Some(state), CategoryEvent::Archived(_)) => state.status = CategoryStatus::Archived,
            (Some(state), CategoryEvent::Deleted(_)) => state.status = CategoryStatus::Deleted,
            (None, _) => {}
        }
    }
}

impl Entity for Category {
    const FAMILY: Family = Family::Listing;
    const PREFIX: &'static str = "cat";
    const PATH: &'static str = "categories/{category}";
    const SCOPE: Option<&'static str> = Some("categories");

    fn reads(_target: &Target, _command: &CategoryCommand) -> Reads {
        Reads::WholeScope
    }
}
