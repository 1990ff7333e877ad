//! Nested references: one SQL statement for each kind, however many parents ask. Each obeys the viewer's rights.

use std::{collections::HashMap, hash::Hash};

use async_graphql::dataloader::Loader;
use sqlx::{FromRow, Postgres, QueryBuilder, postgres::PgRow};

use crate::{
    chat::{
        chat::{ChatRow, Heard, StandingRow},
        message::MessageRow,
    },
    error::{QueryError, Result},
    listing::{
        category::CategoryRow,
        listing::ListingRow,
        statistics::{self, Days, SalesRow},
        stock::StockRow,
        store::{Inside, MemberRow, StoreRow},
    },
    order::{
        order::{LineRow, OrderRow},
        payment::PaymentRow,
    },
    page::{self, Collection, Fetched, Page},
    reads::Reads,
    rights::Rights,
};

/// The loaders of one request.
pub struct Loaders {
    /// How it reads.
    pub reads: Reads,
    /// What the viewer may see.
    pub rights: Rights,
}

type Found<K, V> = Result<HashMap<K, V>>;

/// Declares a key type, and how rows are found by it: one row for a key.
macro_rules! one {
    ($($(#[$doc:meta])* $key:ident => $row:ty, $select:literal, $see:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $key(pub String);

        impl Loader<$key> for Loaders {
            type Value = $row;
            type Error = QueryError;

            async fn load(&self, keys: &[$key]) -> Found<$key, $row> {
                let rows: Vec<$row> = self.rows($select, keys.iter().map(|key| key.0.clone()).collect(), $see).await?;
                Ok(rows.into_iter().map(|row| ($key(row.id.clone()), row)).collect())
            }
        }
    )*};
}

/// The same for keys that have many rows each; `$of` says which key a row belongs to.
macro_rules! many {
    ($($(#[$doc:meta])* $key:ident => $row:ty, $of:ident, $select:literal, $see:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $key(pub String);

        impl Loader<$key> for Loaders {
            type Value = Vec<$row>;
            type Error = QueryError;

            async fn load(&self, keys: &[$key]) -> Found<$key, Vec<$row>> {
                let rows: Vec<$row> = self.rows($select, keys.iter().map(|key| key.0.clone()).collect(), $see).await?;
                Ok(grouped(rows, |row| $key(row.$of.clone())))
            }
        }
    )*};
}

/// Nothing to hide: whoever reached the parent may see these.
fn open(_: &Rights, _: &mut QueryBuilder<Postgres>) {}

one! {
    /// A listing by its id.
    ListingById => ListingRow, "select * from listing where id = any(", |rights, query| rights.see_listings(query, "listing");
    /// A store by its id.
    StoreById => StoreRow, "select * from store where id = any(", open;
    /// A store that the viewer sees from within.
    InsideStore => Inside, "select id from store where id = any(", |rights, query| rights.see_inside_stores(query, "id");
    /// A category by its id.
    CategoryById => CategoryRow, "select * from category where id = any(", open;
    /// An order by its id.
    OrderById => OrderRow, "select * from order_summary where id = any(",
        |rights, query| rights.see_orders(query, "order_summary");
    /// A stock item by its id.
    StockById => StockRow, "select * from stock where id = any(", |rights, query| {
        query.push(" and exists (select from listing where listing.id = stock.listing");
        rights.see_listings(query, "listing");
        query.push(")");
    };
    /// A payment by its id.
    PaymentById => PaymentRow, "select * from payment where id = any(", |rights, query| {
        query.push(" and exists (select from order_summary where order_summary.id = payment.order_id");
        rights.see_orders(query, "order_summary");
        query.push(")");
    };
    /// How the viewer stands to a chat, and what they have not read in it.
    StandingIn => StandingRow,
        "select member.chat as id, member.role, member.membership, member.read_up_to,
                greatest(0, chat.last_seq - member.read_seq
                    - (select count(*) from message gone
                       where gone.chat = member.chat and gone.status = 'deleted' and gone.seq > member.read_seq)) as unread
         from chat_member member join chat on chat.id = member.chat where member.chat = any(",
        |rights, query| rights.are_about(query, "member.user_id");
    /// A chat by its id.
    ChatById => ChatRow, "select * from chat where id = any(", |rights, query| rights.see_chats(query, "chat.id");
    /// A chat in which the viewer may hear what is said.
    HeardChat => Heard, "select id from chat where id = any(", |rights, query| rights.see_messages(query, "chat.id");
    /// A message by its id.
    MessageById => MessageRow, "select * from message where id = any(",
        |rights, query| rights.see_messages(query, "message.chat");
}

many! {
    /// The members of a store that the viewer sees from within.
    MembersOf => MemberRow, store, "select * from store_member where store = any(",
        |rights, query| rights.see_inside_stores(query, "store_member.store");
    /// Where a user works.
    WorkOf => MemberRow, user_id, "select * from store_member where user_id = any(", open;
    /// The stock of a listing.
    StockOf => StockRow, listing, "select * from stock where listing = any(", open;
    /// The lines of an order that the viewer sees.
    LinesOf => LineRow, order_id, "select * from order_line where order_id = any(", open;
    /// The payments of an order that the viewer sees.
    PaymentsOf => PaymentRow, order_id, "select * from payment where order_id = any(", open;
}

/// A page of the list below a parent. Pages of equal lists below several are read together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageOf<C> {
    /// The parent's id.
    pub parent: String,
    /// The list below each.
    pub list: C,
    /// Which page of it.
    pub page: Page,
}

impl<C: Collection> Loader<PageOf<C>> for Loaders {
    type Value = Fetched<C::Row>;
    type Error = QueryError;

    async fn load(&self, keys: &[PageOf<C>]) -> Found<PageOf<C>, Fetched<C::Row>> {
        let mut alike: HashMap<(&C, &Page), Vec<String>> = HashMap::new();
        for PageOf { parent, list, page } in keys {
            alike.entry((list, page)).or_default().push(parent.clone());
        }
        let mut found = HashMap::new();
        for ((list, page), parents) in alike {
            let pages = page::fetch_each(&self.reads, list, page, parents).await?;
            found.extend(pages.into_iter().map(|(parent, fetched)| {
                let (list, page) = (list.clone(), page.clone());
                (PageOf { parent, list, page }, fetched)
            }));
        }
        Ok(found)
    }
}

/// What a store sold from one day to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SalesOf {
    /// The store.
    pub store: String,
    /// The days.
    pub days: Days,
}

impl Loader<SalesOf> for Loaders {
    type Value = Vec<SalesRow>;
    type Error = QueryError;

    async fn load(&self, keys: &[SalesOf]) -> Found<SalesOf, Vec<SalesRow>> {
        let mut alike: HashMap<Days, Vec<String>> = HashMap::new();
        for SalesOf { store, days } in keys {
            alike.entry(*days).or_default().push(store.clone());
        }
        let mut found = HashMap::new();
        for (days, stores) in alike {
            let rows = statistics::read(&self.reads, &stores, days).await?;
            found.extend(grouped(rows, |row| SalesOf {
                store: row.store.clone(),
                days,
            }));
        }
        Ok(found)
    }
}

impl Loaders {
    async fn rows<R>(
        &self,
        select: &'static str,
        keys: Vec<String>,
        see: impl Fn(&Rights, &mut QueryBuilder<Postgres>) + Send,
    ) -> Result<Vec<R>>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut query = QueryBuilder::new(select);
        query.push_bind(keys).push(")");
        see(&self.rights, &mut query);
        let mut lease = self.reads.of(query.sql().as_str()).await?;
        Ok(query.build_query_as().fetch_all(&mut *lease).await?)
    }
}

fn grouped<K: Hash + Eq, R>(rows: Vec<R>, key: impl Fn(&R) -> K) -> HashMap<K, Vec<R>> {
    let mut groups: HashMap<K, Vec<R>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
