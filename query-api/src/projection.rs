//! The projections that fill the read models, and their tables: so that who reads waits for these and no others.
//!
//! Which projections a statement reads is told by the statement itself, by the tables behind its `from` and `join`: a
//! list kept beside it would forget the one that somebody adds to a predicate of rights. To add a projection: a variant,
//! its name, its family and its tables.

use domain::family::Family;

/// A projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Projection {
    /// Fills `category`.
    Category,
    /// Fills `store` and `store_member`.
    Store,
    /// Fills `listing`.
    Listing,
    /// Fills `stock`.
    Stock,
    /// Fills `order_summary`, `order_line` and `order_store`.
    OrderSummary,
    /// Fills `payment`.
    Payment,
    /// Fills `store_day`.
    StoreStatistics,
    /// Fills `chat`, `chat_member` and `message`.
    Conversation,
}

impl Projection {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Category,
        Self::Store,
        Self::Listing,
        Self::Stock,
        Self::OrderSummary,
        Self::Payment,
        Self::StoreStatistics,
        Self::Conversation,
    ];

    /// What its checkpoints call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Store => "store",
            Self::Listing => "listing",
            Self::Stock => "stock",
            Self::OrderSummary => "order-summary",
            Self::Payment => "payment",
            Self::StoreStatistics => "store-statistics",
            Self::Conversation => "conversation",
        }
    }

    /// The family whose shards it reads.
    pub const fn family(self) -> Family {
        match self {
            Self::Category | Self::Store | Self::Listing | Self::Stock => Family::Listing,
            Self::OrderSummary | Self::Payment | Self::StoreStatistics => Family::Order,
            Self::Conversation => Family::Chat,
        }
    }

    /// The tables that it fills.
    const fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Category => &["category"],
            Self::Store => &["store", "store_member"],
            Self::Listing => &["listing"],
            Self::Stock => &["stock"],
            Self::OrderSummary => &["order_summary", "order_line", "order_store"],
            Self::Payment => &["payment"],
            Self::StoreStatistics => &["store_day", "store_sale"],
            Self::Conversation => &["chat", "chat_member", "message"],
        }
    }

    /// The projections whose tables a statement reads.
    pub fn read_by(sql: &str) -> Vec<Self> {
        let words = || {
            sql.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
                .filter(|word| !word.is_empty())
        };
        let named: Vec<&str> = words()
            .zip(words().skip(1))
            .filter(|(before, _)| matches!(*before, "from" | "join"))
            .map(|(_, table)| table)
            .collect();
        let is_read = |projection: &Self| projection.tables().iter().any(|table| named.contains(table));
        Self::ALL.into_iter().filter(is_read).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::{collections::BTreeSet, fs, path::Path};

    use super::Projection;

    #[test]
    fn a_statement_reads_the_tables_behind_from_and_join_wherever_they_stand() {
        let sql = "select store, (select count(*) from message gone where gone.chat = $1) from listing
            cross join jsonb_array_elements_text(tags) as tag where category in (select id\nfrom\n category)
            and exists (select from order_store theirs join store_member using (store))";
        assert_eq!(
            Projection::read_by(sql),
            [
                Projection::Category,
                Projection::Store,
                Projection::Listing,
                Projection::OrderSummary,
                Projection::Conversation
            ]
        );
        assert_eq!(Projection::read_by("select distinct stream from log_record"), []);
    }

    #[test]
    fn every_table_is_filled_by_a_projection_or_is_none_of_theirs() {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let mut tables = BTreeSet::new();
        for file in fs::read_dir(migrations).unwrap() {
            let sql = fs::read_to_string(file.unwrap().path()).unwrap();
            let created = sql.lines().filter_map(|line| line.strip_prefix("create table "));
            tables.extend(created.map(|rest| rest.split([' ', '(']).next().unwrap().to_owned()));
        }
        for projection in Projection::ALL {
            for table in projection.tables() {
                assert!(tables.remove(*table), "{table}");
            }
        }
        // What is left belongs to the log and to the runners.
        tables.retain(|table| table != "log" && !table.starts_with("log_") && !table.starts_with("projection_"));
        assert!(tables.is_empty(), "{tables:?}");
    }
}
