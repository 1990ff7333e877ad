//! What every connection tells beside its items. To add a list: its line in `concrete`.

use async_graphql::{Context, Object};

use crate::{
    chat::{chat::Chats, message::Messages},
    error::Result,
    limits::SCAN,
    listing::{listing::Listings, store::Stores},
    money::Long,
    order::orders::Orders,
    page::{self, Collection},
    session::session,
};

/// What is told of a whole list.
#[derive(Debug, Clone)]
pub struct Totals<C: Collection>(pub C);

#[Object(
    concrete(name = "CountedListings", params(Listings)),
    concrete(name = "CountedStores", params(Stores)),
    concrete(name = "CountedOrders", params(Orders)),
    concrete(name = "CountedChats", params(Chats)),
    concrete(name = "CountedMessages", params(Messages))
)]
impl<C: Collection> Totals<C> {
    /// How many there are in all.
    #[graphql(complexity = "SCAN")]
    async fn total_count(&self, context: &Context<'_>) -> Result<Long> {
        Ok(Long(page::count(&session(context).reads, &self.0).await?))
    }
}
