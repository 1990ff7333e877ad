//! Every projection, one line each.

use std::sync::Arc;

use crate::{
    chat::conversation::Conversations,
    entity::EntityProjection,
    listing::{category::CategoryRow, listing::ListingRow, stock::StockRow, store::StoreRow},
    order::{payment::Payments, statistics::StoreStatistics, summary::OrderSummary},
    projection::Projection,
};

/// Every projection that Stoa keeps.
pub fn projections() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(EntityProjection::<CategoryRow>::new()),
        Arc::new(EntityProjection::<StoreRow>::new()),
        Arc::new(EntityProjection::<ListingRow>::new()),
        Arc::new(EntityProjection::<StockRow>::new()),
        Arc::new(OrderSummary),
        Arc::new(Payments),
        Arc::new(StoreStatistics),
        Arc::new(Conversations),
    ]
}
