//! Facets: how the listings that a filter leaves fall apart. Each is one SQL statement under the same conditions as the
//! list, and runs only when it is selected.

use async_graphql::{Context, Object, SimpleObject};
use sqlx::QueryBuilder;

use super::{category::Category, listing::Listings, store::Store};
use crate::{
    error::Result,
    limits,
    loaders::{CategoryById, StoreById},
    money::Long,
    page::List as _,
    session::session,
};

/// The most values of a facet: those with the most listings.
const VALUES: usize = 50;

/// Where ranges of price begin, in minor units: round and about twice the last, which suits every currency.
const PRICES: [i64; 13] = [
    0, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
];

/// How the listings fall apart.
pub struct Facets(pub Listings);

/// So many listings have this tag.
#[derive(Debug, SimpleObject)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// How many.
    pub count: Long,
}

/// So many listings are of this category.
#[derive(Debug, SimpleObject)]
pub struct CategoryCount {
    /// The category.
    pub category: Category,
    /// How many.
    pub count: Long,
}

/// So many listings are of this store.
#[derive(Debug, SimpleObject)]
pub struct StoreCount {
    /// The store.
    pub store: Store,
    /// How many.
    pub count: Long,
}

/// So many listings cost between these.
#[derive(Debug, SimpleObject)]
pub struct PriceCount {
    /// The currency.
    pub currency: String,
    /// At least so many minor units.
    pub from: Long,
    /// Less than so many minor units; absent for the dearest.
    pub below: Option<Long>,
    /// How many.
    pub count: Long,
}

impl Facets {
    /// Counts by a column or an expression.
    async fn by(&self, context: &Context<'_>, from: &'static str, value: &'static str) -> Result<Vec<(String, i64)>> {
        let mut query = QueryBuilder::new("select ");
        query
            .push(value)
            .push(", count(*) from ")
            .push(from)
            .push(" where ")
            .push(value)
            .push(" is not null");
        self.0.conditions(&mut query);
        query.push(" group by 1 order by 2 desc, 1 limit ").push(VALUES);
        let mut lease = session(context).reads.of(query.sql().as_str()).await?;
        Ok(query.build_query_as().fetch_all(&mut *lease).await?)
    }
}

#[Object]
impl Facets {
    /// By category: the 50 with the most.
    #[graphql(complexity = "limits::scan_of(VALUES, child_complexity)")]
    async fn categories(&self, context: &Context<'_>) -> Result<Vec<CategoryCount>> {
        let counts = self.by(context, "listing", "category").await?;
        let keys = counts.iter().map(|(id, _)| CategoryById(id.clone()));
        let mut found = session(context).loaders.load_many(keys).await?;
        let counted = counts.into_iter().filter_map(|(id, count)| {
            let category = Category(found.remove(&CategoryById(id))?);
            Some(CategoryCount {
                category,
                count: Long(count),
            })
        });
        Ok(counted.collect())
    }

    /// By tag: the 50 with the most.
    #[graphql(complexity = "limits::scan_of(VALUES, child_complexity)")]
    async fn tags(&self, context: &Context<'_>) -> Result<Vec<TagCount>> {
        let counts = self
            .by(
                context,
                "listing cross join jsonb_array_elements_text(tags) as tag",
                "tag",
            )
            .await?;
        Ok(counts
            .into_iter()
            .map(|(tag, count)| TagCount {
                tag,
                count: Long(count),
            })
            .collect())
    }

    /// By store: the 50 with the most.
    #[graphql(complexity = "limits::scan_of(VALUES, child_complexity)")]
    async fn stores(&self, context: &Context<'_>) -> Result<Vec<StoreCount>> {
        let counts = self.by(context, "listing", "store").await?;
        let keys = counts.iter().map(|(id, _)| StoreById(id.clone()));
        let mut found = session(context).loaders.load_many(keys).await?;
        let counted = counts.into_iter().filter_map(|(id, count)| {
            let store = Store(found.remove(&StoreById(id))?);
            Some(StoreCount {
                store,
                count: Long(count),
            })
        });
        Ok(counted.collect())
    }

    /// By currency and range of price.
    #[graphql(complexity = "limits::scan_of(VALUES, child_complexity)")]
    async fn prices(&self, context: &Context<'_>) -> Result<Vec<PriceCount>> {
        let mut query = QueryBuilder::new("select currency, width_bucket(price, ");
        query
            .push_bind(PRICES.as_slice())
            .push(") as range, count(*) from listing where price is not null");
        self.0.conditions(&mut query);
        query.push(" group by 1, 2 order by 1, 2");
        let mut lease = session(context).reads.of(query.sql().as_str()).await?;
        let rows: Vec<(String, i32, i64)> = query.build_query_as().fetch_all(&mut *lease).await?;
        let counted = rows.into_iter().map(|(currency, range, count)| {
            // width_bucket numbers the ranges from 1.
            let range = usize::try_from(range).unwrap_or(0);
            PriceCount {
                currency,
                from: Long(PRICES[range.saturating_sub(1)]),
                below: PRICES.get(range).copied().map(Long),
                count: Long(count),
            }
        });
        Ok(counted.collect())
    }
}
