//! Olist: a Brazilian marketplace, 2016-2018. Sellers become stores, product categories categories, products listings, and
//! orders orders with their payments and their own life.
//!
//! How its quirks are met:
//! - A product that was never sold has no seller and no price: it stays a draft without store and price.
//! - A product of several sellers becomes a listing of the store that sold it first, at that price; every order line names
//!   its own store and price.
//! - An order without items (they are cancelled or unavailable) is sent and refused: an order has at least one line.
//! - A payment of nothing is sent and refused: there is nothing to set aside.
//! - Times may be out of order (delivered before approved): each event keeps the time that the source gives it, and the
//!   order of the steps is that of the order's life.
//! - Products have no names: a title is made of the category and the first digits of the product's id.

mod catalogue;
mod orders;
pub mod table;

use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDateTime, Utc};
use domain::money::{Currency, Money};

use super::{Plan, Stage};

/// Reads the folder and plans the stages: stores, categories, listings, orders.
pub fn plan(directory: &Path) -> anyhow::Result<Plan> {
    let sales = orders::Sales::read(directory)?;
    let catalogue = catalogue::Catalogue::read(directory, &sales)?;
    let (stores, categories, listings) = (catalogue.stores()?, catalogue.categories()?, catalogue.listings()?);
    let titles = catalogue.titles();
    let (count, orders) = (sales.count(), sales.into_stories(titles));
    let orders = Stage {
        name: "orders",
        stories: Box::new(orders),
        expected: Some(count),
    };
    Ok(Plan {
        stages: vec![
            Stage::of_lines("stores", stores),
            Stage::of_lines("categories", categories),
            Stage::of_lines("listings", listings),
            orders,
        ],
        left_out: Vec::new(),
    })
}

/// What has no time of its own happened before the first order.
fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_472_688_000, 0).expect("2016-09-01T00:00:00Z is a time")
}

/// A time of the source. It carries no zone; it is taken as UTC.
fn time(text: &str) -> anyhow::Result<DateTime<Utc>> {
    let naive =
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").with_context(|| format!("{text:?} is no time"))?;
    Ok(naive.and_utc())
}

/// A time that may be missing.
fn optional_time(text: &str) -> anyhow::Result<Option<DateTime<Utc>>> {
    if text.is_empty() {
        Ok(None)
    } else {
        time(text).map(Some)
    }
}

/// An amount in reais with at most two decimals, exactly.
fn reais(text: &str) -> anyhow::Result<Money> {
    let bad = || format!("{text:?} is no amount in reais");
    let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
    anyhow::ensure!(
        cents.len() <= 2 && cents.bytes().all(|byte| byte.is_ascii_digit()),
        bad()
    );
    let whole: i64 = whole.parse().with_context(bad)?;
    let cents: i64 = format!("{cents:0<2}").parse().with_context(bad)?;
    let amount = whole
        .checked_mul(100)
        .and_then(|amount| amount.checked_add(cents))
        .with_context(bad)?;
    Ok(Money::new(amount, brl()))
}

/// The currency of everything.
fn brl() -> Currency {
    "BRL".parse().expect("BRL is a currency")
}

#[cfg(test)]
mod tests {
    use super::reais;

    #[test]
    fn amounts_are_read_to_the_cent() {
        for (text, cents) in [
            ("0.00", 0),
            ("12", 1200),
            ("12.9", 1290),
            ("199.00", 19900),
            ("0.07", 7),
        ] {
            assert_eq!(reais(text).unwrap().amount, cents, "{text}");
        }
        assert!(reais("1.234").is_err());
        assert!(reais("abc").is_err());
    }
}
