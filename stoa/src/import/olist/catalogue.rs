//! Stores from sellers, categories and listings from products.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use domain::{
    id::{CategoryId, ListingId, StoreId, UserId},
    listing::{
        category::CreateCategory,
        listing::{CreateListing, Details, Dimensions, Product, PublishListing, Unit},
        store::{GeoPoint, Location, Profile, RegisterStore, StoreKind},
    },
};
use serde::Deserialize;

use super::{beginning, orders::Sales, table};
use crate::import::line::{Line, derived};

/// English for the two categories that the source's own table lacks.
const UNTRANSLATED: [(&str, &str); 2] = [
    ("pc_gamer", "pc_gamer"),
    (
        "portateis_cozinha_e_preparadores_de_alimentos",
        "portable_kitchen_and_food_processors",
    ),
];

#[derive(Deserialize)]
struct SellerRow {
    seller_id: String,
    seller_zip_code_prefix: String,
    seller_city: String,
    seller_state: String,
}

#[derive(Deserialize)]
struct ProductRow {
    product_id: String,
    product_category_name: String,
    product_weight_g: Option<u32>,
    product_length_cm: Option<u32>,
    product_height_cm: Option<u32>,
    product_width_cm: Option<u32>,
}

#[derive(Deserialize)]
struct TranslationRow {
    product_category_name: String,
    product_category_name_english: String,
}

#[derive(Deserialize)]
struct GeolocationRow {
    geolocation_zip_code_prefix: String,
    geolocation_lat: f64,
    geolocation_lng: f64,
}

/// What is offered, and by whom.
pub struct Catalogue<'a> {
    sellers: Vec<SellerRow>,
    products: Vec<ProductRow>,
    english: HashMap<String, String>,
    points: HashMap<String, GeoPoint>,
    sales: &'a Sales,
}

/// The store of a seller.
pub fn store(seller: &str) -> StoreId {
    StoreId::new(derived("olist seller", seller, beginning()))
}

/// The person behind a seller, whom the source does not name.
pub fn owner(seller: &str) -> UserId {
    UserId::new(derived("olist seller's owner", seller, beginning()))
}

/// The listing of a product.
pub fn listing(product: &str) -> ListingId {
    ListingId::new(derived("olist product", product, beginning()))
}

/// Who keeps the categories and the products that nobody sells.
fn curator() -> UserId {
    UserId::new(derived("olist", "curator", beginning()))
}

fn category(slug: &str) -> CategoryId {
    CategoryId::new(derived("olist category", slug, beginning()))
}

impl<'a> Catalogue<'a> {
    /// Reads sellers, products, translations and the map.
    pub fn read(directory: &Path, sales: &'a Sales) -> anyhow::Result<Self> {
        let translations: Vec<TranslationRow> = table::rows(directory, &["product_category_name_translation.csv"])?;
        let mut english: HashMap<String, String> = translations
            .into_iter()
            .map(|row| (row.product_category_name, row.product_category_name_english))
            .collect();
        for (name, translation) in UNTRANSLATED {
            english.entry(name.to_owned()).or_insert_with(|| translation.to_owned());
        }
        Ok(Self {
            sellers: table::rows(
                directory,
                &["olist_sellers_dataset.csv.gz", "olist_sellers_dataset.csv"],
            )?,
            products: table::rows(
                directory,
                &["olist_products_dataset.csv.gz", "olist_products_dataset.csv"],
            )?,
            english,
            points: points(directory)?,
            sales,
        })
    }

    /// A store for each seller.
    pub fn stores(&self) -> anyhow::Result<Vec<Line>> {
        let line = |row: &SellerRow| {
            let owner = owner(&row.seller_id);
            let command = RegisterStore {
                kind: StoreKind::Market,
                profile: Profile {
                    name: format!("Seller {}", short(&row.seller_id)),
                    description: None,
                    website: None,
                },
                contact: None,
                location: Some(Location {
                    street: None,
                    city: row.seller_city.clone(),
                    state: Some(row.seller_state.clone()),
                    zip: Some(row.seller_zip_code_prefix.clone()),
                    country: "BR".to_owned(),
                    point: self.points.get(&row.seller_zip_code_prefix).copied(),
                }),
                owner: Some(owner),
            };
            Line::new(
                format!("stores/{}/register", store(&row.seller_id)),
                owner,
                beginning(),
                &command,
            )
        };
        self.sellers.iter().map(line).collect()
    }

    /// A category for each name that a product has.
    pub fn categories(&self) -> anyhow::Result<Vec<Line>> {
        let slugs: BTreeSet<String> = self.products.iter().filter_map(|row| self.slug(row)).collect();
        let line = |slug: &String| {
            let command = CreateCategory {
                slug: slug.clone(),
                name: name(slug),
                icon: None,
                colour: None,
                parent: None,
            };
            Line::new(
                format!("categories/{}/create", category(slug)),
                curator(),
                beginning(),
                &command,
            )
        };
        slugs.iter().map(line).collect()
    }

    /// A listing for each product: published when it was ever sold, else a draft.
    pub fn listings(&self) -> anyhow::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for row in &self.products {
            let listing = listing(&row.product_id);
            let sale = self.sales.first(&row.product_id);
            let owner = sale.map_or_else(curator, |sale| owner(&sale.seller));
            let command = CreateListing {
                title: self.title(row),
                description: None,
                details: details(row),
                store: sale.map(|sale| store(&sale.seller)),
                owner: Some(owner),
                price: sale.map(|sale| sale.price),
                category: self.slug(row).map(|slug| category(&slug)),
                sub_category: None,
                tags: Vec::new(),
            };
            let at = sale.map_or_else(beginning, |sale| sale.at);
            lines.push(Line::new(format!("listings/{listing}/create"), owner, at, &command)?);
            if sale.is_some() {
                lines.push(Line::new(
                    format!("listings/{listing}/publish"),
                    owner,
                    at,
                    &PublishListing {},
                )?);
            }
        }
        Ok(lines)
    }

    /// Every product's title: order lines carry it.
    pub fn titles(&self) -> BTreeMap<String, String> {
        self.products
            .iter()
            .map(|row| (row.product_id.clone(), self.title(row)))
            .collect()
    }

    fn slug(&self, row: &ProductRow) -> Option<String> {
        let own = &row.product_category_name;
        let slug = self.english.get(own).unwrap_or(own).replace('_', "-");
        (!slug.is_empty()).then_some(slug)
    }

    fn title(&self, row: &ProductRow) -> String {
        let category = self.slug(row).map_or_else(|| "Product".to_owned(), |slug| name(&slug));
        format!("{category} {}", short(&row.product_id))
    }
}

fn details(row: &ProductRow) -> Details {
    let side = |centimetres: Option<u32>| centimetres.map(|centimetres| 10 * centimetres);
    let sides = (
        side(row.product_length_cm),
        side(row.product_width_cm),
        side(row.product_height_cm),
    );
    let dimensions = match sides {
        (Some(length_mm), Some(width_mm), Some(height_mm)) => Some(Dimensions {
            length_mm,
            width_mm,
            height_mm,
        }),
        _ => None,
    };
    Details::Product(Product {
        unit: Unit::Piece,
        weight_grams: row.product_weight_g,
        dimensions,
    })
}

/// `health-beauty` as people read it: `Health beauty`.
fn name(slug: &str) -> String {
    let words = slug.replace('-', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The first digits of an id, for people.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// The middle of each postal code's known points.
fn points(directory: &Path) -> anyhow::Result<HashMap<String, GeoPoint>> {
    let rows: Vec<GeolocationRow> = table::rows(
        directory,
        &["olist_geolocation_subset.csv.gz", "olist_geolocation_dataset.csv"],
    )?;
    let mut sums: HashMap<String, (f64, f64, f64)> = HashMap::new();
    for row in rows {
        let sum = sums.entry(row.geolocation_zip_code_prefix).or_default();
        *sum = (sum.0 + row.geolocation_lat, sum.1 + row.geolocation_lng, sum.2 + 1.0);
    }
    #[allow(clippy::cast_possible_truncation, reason = "degrees times a million fit 32 bits")]
    let micro = |degrees: f64| (degrees * 1e6).round() as i32;
    let middle = |(zip, (latitude, longitude, count))| {
        (
            zip,
            GeoPoint {
                latitude: micro(latitude / count),
                longitude: micro(longitude / count),
            },
        )
    };
    Ok(sums.into_iter().map(middle).collect())
}
