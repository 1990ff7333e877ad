//! Categories: the tree that listings are sorted into.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{family::Family, listing::category::Category};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    batch::Batch,
    fold::{Folded, Remembered, fold},
    projection::{Projection, ProjectionError},
    row::{json, word},
    table::table,
};

table! {
    /// A category.
    pub struct CategoryRow in "category" keyed by (id: String = "text") {
        slug: String = "text",
        name: String = "text",
        icon: Option<String> = "text",
        colour: Option<String> = "text",
        parent: Option<String> = "text",
        status: String = "text",
        state: Value = "jsonb",
        created_at: DateTime<Utc> = "timestamptz",
        updated_at: DateTime<Utc> = "timestamptz",
        version: i64 = "bigint",
        partition: i16 = "smallint",
        changed: i64 = "bigint",
    }
}

/// The projection of categories.
#[derive(Debug)]
pub struct Categories;

#[async_trait]
impl Projection for Categories {
    fn name(&self) -> &'static str {
        "category"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Listing]
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let known = CategoryRow::fetch(transaction, &batch.streams("cat")).await?;
        let known = known.into_iter().map(
            |CategoryRow {
                 id, state, created_at, ..
             }| Remembered { id, state, created_at },
        );
        let folded = fold::<Category>(self, batch, known)?;
        CategoryRow::upsert(transaction, folded.into_iter().filter_map(row).collect()).await?;
        Ok(())
    }
}

fn row(folded: Folded<Category>) -> Option<CategoryRow> {
    let state = json(&folded.aggregate);
    let category = folded.aggregate.state?;
    Some(CategoryRow {
        id: folded.id,
        slug: category.slug,
        name: category.name,
        icon: category.icon,
        colour: category.colour,
        parent: category.parent.map(|parent| parent.to_string()),
        status: word(&category.status),
        state,
        created_at: folded.created_at,
        updated_at: folded.updated_at,
        version: folded.version,
        partition: folded.partition,
        changed: folded.changed,
    })
}
