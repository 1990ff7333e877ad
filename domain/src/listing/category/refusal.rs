//! Why a command for a category was refused.

use serde::Serialize;

use super::CategoryStatus;
use crate::{
    decision::{Refusal, RefusalKind},
    fault::Fault,
    id::CategoryId,
};

/// Why a command for a category was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CategoryRefusal {
    /// Nobody created it.
    #[error("there is no such category")]
    NotFound,
    /// It is created.
    #[error("the category exists already")]
    AlreadyExists,
    /// The viewer may not.
    #[error("only a moderator, an importer, a process or an administrator may do this")]
    Forbidden,
    /// All is as the command wants it.
    #[error("nothing would change")]
    NothingToChange,
    /// The category is archived or deleted.
    #[error("the category is {status}")]
    WrongStatus {
        /// How it stands.
        status: CategoryStatus,
    },
    /// Another category has the slug.
    #[error("the slug {slug:?} is {category}'s")]
    SlugTaken {
        /// The slug.
        slug: String,
        /// Whose it is.
        category: CategoryId,
    },
    /// The category above does not exist.
    #[error("there is no category {parent}")]
    UnknownParent {
        /// What was named.
        parent: CategoryId,
    },
    /// The category above is archived.
    #[error("the category {parent} is archived")]
    ParentClosed {
        /// What was named.
        parent: CategoryId,
    },
    /// The category would be below itself.
    #[error("{parent} is below this category, or is it")]
    Cycle {
        /// What was named.
        parent: CategoryId,
    },
    /// The tree would be too deep.
    #[error("the tree would be {depth} deep, at most {limit} are allowed")]
    TooDeep {
        /// Levels there would be.
        depth: usize,
        /// Levels there may be.
        limit: usize,
    },
    /// There are too many categories.
    #[error("there are {count} categories, at most {limit} are allowed")]
    Full {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Other categories are below it.
    #[error("{children} categories are below this one")]
    HasChildren {
        /// How many.
        children: usize,
    },
    /// A field's content is wrong whatever the state.
    #[error(transparent)]
    #[serde(untagged)]
    Content(#[from] Fault),
}

impl Refusal for CategoryRefusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::Forbidden => RefusalKind::Forbidden,
            Self::Content(_) => RefusalKind::Invalid,
            _ => RefusalKind::Conflict,
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            Self::SlugTaken { .. } => Some("/slug".to_owned()),
            Self::UnknownParent { .. } | Self::ParentClosed { .. } | Self::Cycle { .. } | Self::TooDeep { .. } => {
                Some("/parent".to_owned())
            }
            Self::Content(fault) => Some(fault.field().to_owned()),
            _ => None,
        }
    }
}
