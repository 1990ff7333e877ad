//! Categories: the tree that listings are sorted into. Everybody sees them.

use async_graphql::{Context, ID, Object};
use sqlx::FromRow;

use crate::{error::Result, loaders::CategoryById, money::Long, session::session};

/// A row of `category`.
#[derive(Debug, Clone, FromRow)]
pub struct CategoryRow {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub icon: Option<String>,
    pub colour: Option<String>,
    pub parent: Option<String>,
    pub status: String,
    pub version: i64,
}

/// A category.
#[derive(Debug, Clone)]
pub struct Category(pub CategoryRow);

#[Object]
impl Category {
    /// Its id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What paths and imports call it.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// What people read.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The name of an icon.
    async fn icon(&self) -> Option<&str> {
        self.0.icon.as_deref()
    }

    /// An sRGB colour: `#1a2b3c`.
    async fn colour(&self) -> Option<&str> {
        self.0.colour.as_deref()
    }

    /// Whether it is in use: `active`, `archived` or `deleted`.
    async fn status(&self) -> &str {
        &self.0.status
    }

    /// The category above it.
    async fn parent(&self, context: &Context<'_>) -> Result<Option<Self>> {
        let Some(parent) = &self.0.parent else { return Ok(None) };
        Ok(session(context)
            .loaders
            .load_one(CategoryById(parent.clone()))
            .await?
            .map(Self))
    }

    /// The stream's version: what `If-Match` names.
    async fn version(&self) -> Long {
        Long(self.0.version)
    }
}

const ALL: &str = "select * from category where status <> 'deleted' order by slug";

/// Every category that was not deleted, by slug: the tree is small.
pub async fn all(context: &Context<'_>) -> Result<Vec<Category>> {
    let mut lease = session(context).reads.of(ALL).await?;
    let rows: Vec<CategoryRow> = sqlx::query_as(ALL).fetch_all(&mut *lease).await?;
    Ok(rows.into_iter().map(Category).collect())
}
