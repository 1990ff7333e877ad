//! What happened to a category.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{events, id::CategoryId};

events! {
    /// What happened to a category.
    pub enum CategoryEvent {
        Created(CategoryCreated) = "category.created.v1";
        Changed(CategoryChanged) = "category.changed.v1";
        Moved(CategoryMoved) = "category.moved.v1";
        Archived(CategoryArchived) = "category.archived.v1";
        Deleted(CategoryDeleted) = "category.deleted.v1";
    }
}

/// The category exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryCreated {
    /// What paths and imports call it, in lower case.
    pub slug: String,
    /// What people read.
    pub name: String,
    /// The name of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// An sRGB colour: `#1a2b3c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// The category above it; none at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CategoryId>,
}

/// The category presents itself otherwise. What is absent is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryChanged {
    /// What paths and imports call it now, in lower case.
    pub slug: String,
    /// What people read now.
    pub name: String,
    /// The name of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// An sRGB colour: `#1a2b3c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
}

/// The category stands elsewhere in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryMoved {
    /// The category above it now; none at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CategoryId>,
}

/// The category is closed for new listings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryArchived {}

/// The category is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryDeleted {}
