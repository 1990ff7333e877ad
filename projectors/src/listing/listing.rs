//! Listings: what is offered, with the columns that search, facets and sorting go by.

use chrono::{DateTime, Utc};
use domain::listing::listing::Listing;
use serde_json::Value;

use crate::{
    entity::{EntityRow, Folded},
    row::{json, word},
    table::table,
};

table! {
    /// A listing.
    pub struct ListingRow in "listing", an entity {
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
    }
}

impl EntityRow for ListingRow {
    type Aggregate = Listing;
    const NAME: &'static str = "listing";

    fn row(folded: Folded<Listing>) -> Option<Self> {
        let kept = folded.kept();
        let listing = folded.aggregate.state?;
        Some(Self {
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
            kept,
        })
    }
}
