//! Categories: the tree that listings are sorted into.

use domain::listing::category::Category;

use crate::{
    entity::{EntityRow, Folded},
    row::word,
    table::table,
};

table! {
    /// A category.
    pub struct CategoryRow in "category", an entity {
        slug: String = "text",
        name: String = "text",
        icon: Option<String> = "text",
        colour: Option<String> = "text",
        parent: Option<String> = "text",
        status: String = "text",
    }
}

impl EntityRow for CategoryRow {
    type Aggregate = Category;
    const NAME: &'static str = "category";

    fn row(folded: Folded<Category>) -> Option<Self> {
        let kept = folded.kept();
        let category = folded.aggregate.state?;
        Some(Self {
            slug: category.slug,
            name: category.name,
            icon: category.icon,
            colour: category.colour,
            parent: category.parent.map(|parent| parent.to_string()),
            status: word(&category.status),
            kept,
        })
    }
}
