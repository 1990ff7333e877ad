//! Every projection, one line each.

use std::sync::Arc;

use crate::{
    chat::conversation::Conversations,
    listing::{category::Categories, listing::Listings, stock::Stock, store::Stores},
    order::{payment::Payments, statistics::StoreStatistics, summary::OrderSummary},
    projection::Projection,
};

/// Every projection that Stoa keeps.
pub fn projections() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(Categories),
        Arc::new(Stores),
        Arc::new(Listings),
        Arc::new(Stock),
        Arc::new(OrderSummary),
        Arc::new(Payments),
        Arc::new(StoreStatistics),
        Arc::new(Conversations),
    ]
}
