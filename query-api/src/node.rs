//! Any entity by its id: Stoa's ids say of what kind they are, so they are GraphQL's global ids as they stand.

use async_graphql::{Context, ID, Interface};
use domain::{
    id::{CategoryId, ChatId, ListingId, MessageId, OrderId, PaymentId, StockId, StoreId},
    registry,
};

use crate::{
    chat::{chat::Chat, message::Message},
    error::{QueryError, Result},
    listing::{category::Category, listing::Listing, stock::StockItem, store::Store},
    loaders::{CategoryById, ChatById, ListingById, MessageById, OrderById, PaymentById, StockById, StoreById},
    order::{order::Order, payment::Payment},
    session::session,
};

/// The most entities that one `nodes` asks for.
pub const MOST: usize = 100;

/// Anything with an id.
#[derive(Debug, Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id."))]
pub enum Node {
    /// Something offered.
    Listing(Listing),
    /// A stock item of a listing.
    StockItem(StockItem),
    /// A store.
    Store(Store),
    /// A category.
    Category(Category),
    /// A purchase.
    Order(Order),
    /// A payment of an order.
    Payment(Payment),
    /// A conversation.
    Chat(Chat),
    /// A message in a chat.
    Message(Message),
}

/// Declares how each kind of id is looked up.
macro_rules! by_id {
    ($context:ident, $id:ident, $($kind:ty => $key:ident, $node:ident;)*) => {
        match prefix($id) {
            $(<$kind>::PREFIX => {
                let id = $id.parse::<$kind>()?.to_string();
                Ok(session($context).loaders.load_one($key(id)).await?.map(|row| $node(row).into()))
            })*
            _ => Err(unknown($id)),
        }
    };
}

/// The entity with this id, if the viewer sees it.
pub async fn by_id(context: &Context<'_>, id: &str) -> Result<Option<Node>> {
    by_id! { context, id,
        ListingId => ListingById, Listing;
        StockId => StockById, StockItem;
        StoreId => StoreById, Store;
        CategoryId => CategoryById, Category;
        OrderId => OrderById, Order;
        PaymentId => PaymentById, Payment;
        ChatId => ChatById, Chat;
        MessageId => MessageById, Message;
    }
}

/// What an id begins with.
pub fn prefix(id: &str) -> &str {
    id.split_once('_').map_or("", |(prefix, _)| prefix)
}

/// The id of nothing that is served.
pub fn unknown(id: &str) -> QueryError {
    let prefixes: Vec<&str> = registry::entities().iter().map(|entity| entity.prefix).collect();
    let id: String = id.chars().take(80).collect();
    QueryError::BadInput(format!(
        "{id:?} is no id: ids begin with one of {} and an underscore",
        prefixes.join(", ")
    ))
}
