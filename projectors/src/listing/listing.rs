//! Listings: what is offered, with the columns that search, facets and sorting go by.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{family::Family, listing::listing::Listing};
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
    /// A listing.
    pub struct ListingRow in "listing" keyed by (id: String = "text") {
        kind: String = "text",
        status: String = "text",
        title: String = "text",
        description: Option<String> = "text",
        store: Option<String> = "text",
        owner: String = "text",
        price: Option<i64> = "bigint",
        currency: Option<String> = "text",
        category: Option<String> = "text",
        sub_category: Option<String> = "text",
        tags: Value = "jsonb",
        featured: bool = "boolean",
        featured_until: Option<DateTime<Utc>> = "timestamptz",
        state: Value = "jsonb",
        created_at: DateTime<Utc> = "timestamptz",
        updated_at: DateTime<Utc> = "timestamptz",
        version: i64 = "bigint",
        partition: i16 = "smallint",
        changed: i64 = "bigint",
    }
}

/// The projection of listings.
#[derive(Debug)]
pub struct Listings;

#[async_trait]
impl Projection for Listings {
    fn name(&self) -> &'static str {
        "listing"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Listing]
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let known = ListingRow::fetch(transaction, &batch.streams("lst")).await?;
        let known = known.into_iter().map(
            |ListingRow {
                 id, state, created_at, ..
             }| Remembered { id, state, created_at },
        );
        let folded = fold::<Listing>(self, batch, known)?;
        ListingRow::upsert(transaction, folded.into_iter().filter_map(row).collect()).await?;
        Ok(())
    }
}

fn row(folded: Folded<Listing>) -> Option<ListingRow> {
    let state = json(&folded.aggregate);
    let listing = folded.aggregate.state?;
    Some(ListingRow {
        id: folded.id,
        kind: word(&listing.details.kind()),
        status: word(&listing.status),
        title: listing.title,
        description: listing.description,
        store: listing.store.map(|store| store.to_string()),
        owner: listing.owner.to_string(),
        price: listing.price.map(|price| price.amount),
        currency: listing.price.map(|price| price.currency.to_string()),
        category: listing.category.map(|category| category.to_string()),
        sub_category: listing.sub_category.map(|category| category.to_string()),
        tags: json(&listing.tags),
        featured: listing.featured.is_some(),
        featured_until: listing.featured.and_then(|featured| featured.until),
        state,
        created_at: folded.created_at,
        updated_at: folded.updated_at,
        version: folded.version,
        partition: folded.partition,
        changed: folded.changed,
    })
}
