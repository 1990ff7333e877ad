//! What belongs to a person. An event carries it as [`Personal`], which says whose it is, so that it can be sealed with
//! that person's key, and that key be thrown away, while the chain goes on covering the bytes as they were written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::UserId;

/// A value that belongs to a person: whose it is, and either the value or its sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Personal<T> {
    /// Whose it is.
    pub subject: UserId,
    /// The value, open or sealed.
    #[serde(flatten)]
    pub content: Content<T>,
}

/// The value of a [`Personal`], open or sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Content<T> {
    /// As it was given.
    Value(T),
    /// Encrypted with the person's key, base64.
    Sealed(String),
}

impl<T> Personal<T> {
    /// An open value.
    pub const fn open(subject: UserId, value: T) -> Self {
        Self {
            subject,
            content: Content::Value(value),
        }
    }

    /// The value, unless it is sealed.
    pub const fn value(&self) -> Option<&T> {
        match &self.content {
            Content::Value(value) => Some(value),
            Content::Sealed(_) => None,
        }
    }
}
