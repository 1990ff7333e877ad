//! What can be asked of a category.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{commands, id::CategoryId};

commands! {
    /// What can be asked of a category.
    pub enum CategoryCommand {
        Create(CreateCategory) = "create", "Creates a category with a slug of its own.";
        Change(ChangeCategory) = "change", "Replaces slug, name, icon and colour.";
        Move(MoveCategory) = "move", "Puts the category below another, or at the top.";
        Archive(ArchiveCategory) = "archive", "Closes the category for new listings; it keeps its slug.";
        Delete(DeleteCategory) = "delete", "Removes a category without children; its slug is free again.";
    }
}

/// Creates a category with a slug of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreateCategory {
    /// What paths and imports call it: words of letters a to z and digits with hyphens between, at most 80 characters.
    /// Upper case is taken as lower case.
    pub slug: String,
    /// What people read, 1 to 120 characters.
    pub name: String,
    /// The name of an icon, at most 60 characters.
    #[serde(default)]
    pub icon: Option<String>,
    /// An sRGB colour: `#1a2b3c`.
    #[serde(default)]
    pub colour: Option<String>,
    /// The category above it.
    #[serde(default)]
    pub parent: Option<CategoryId>,
}

/// Replaces slug, name, icon and colour: what is left out is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeCategory {
    /// What paths and imports call it: words of letters a to z and digits with hyphens between, at most 80 characters.
    /// Upper case is taken as lower case.
    pub slug: String,
    /// What people read, 1 to 120 characters.
    pub name: String,
    /// The name of an icon, at most 60 characters.
    #[serde(default)]
    pub icon: Option<String>,
    /// An sRGB colour: `#1a2b3c`.
    #[serde(default)]
    pub colour: Option<String>,
}

/// Puts the category below another, or at the top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MoveCategory {
    /// The category above it; none for the top.
    #[serde(default)]
    pub parent: Option<CategoryId>,
}

/// Closes the category for new listings; it keeps its slug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ArchiveCategory {}

/// Removes a category without children; its slug is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeleteCategory {}
