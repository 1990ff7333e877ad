//! Stock: what is on hand of a listing, and what of it is held.

use domain::listing::stock::StockItem;

use crate::{
    entity::{EntityRow, Folded},
    table::table,
};

table! {
    /// A stock item.
    pub struct StockRow in "stock", an entity {
        listing: String = "text",
        on_hand: i64 = "bigint",
        held: i64 = "bigint",
    }
}

impl EntityRow for StockRow {
    type Aggregate = StockItem;
    const NAME: &'static str = "stock";

    fn row(folded: Folded<StockItem>) -> Option<Self> {
        let kept = folded.kept();
        let stock = folded.aggregate;
        Some(Self {
            listing: folded.scope,
            on_hand: i64::from(stock.on_hand),
            held: stock.held.values().map(|hold| i64::from(hold.quantity)).sum(),
            kept,
        })
    }
}
