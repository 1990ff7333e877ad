//! What a listing is: its kind and what only that kind has, with their limits. A new kind is one variant of [`Details`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    fault::{self, Fault},
    id::UserId,
};

/// A listing's kind, and what only that kind has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Details {
    /// Goods that a store sells.
    Product(Product),
    /// Something its makers show.
    Showcase(Showcase),
}

/// What sort of thing a listing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListingKind {
    /// Goods that a store sells.
    Product,
    /// Something its makers show.
    Showcase,
}

impl ListingKind {
    /// As it is written in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Showcase => "showcase",
        }
    }
}

/// Goods that a store sells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Product {
    /// What the price and the stock count.
    #[serde(default)]
    pub unit: Unit,
    /// What one unit weighs with its packing, in grams; at most 10,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_grams: Option<u32>,
    /// How large one unit is with its packing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
}

/// What the price and the stock of a product count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Single things.
    #[default]
    Piece,
    /// Packs of several.
    Pack,
    /// Grams.
    Gram,
    /// Kilograms.
    Kilogram,
    /// Millilitres.
    Millilitre,
    /// Litres.
    Litre,
    /// Metres.
    Metre,
}

/// How large something is, in millimetres; each side at most 100,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Dimensions {
    /// Length in millimetres.
    pub length_mm: u32,
    /// Width in millimetres.
    pub width_mm: u32,
    /// Height in millimetres.
    pub height_mm: u32,
}

/// Something its makers show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Showcase {
    /// What it is in a line, 1 to 160 characters.
    pub tagline: String,
    /// Where it can be seen: an absolute web address. It is needed to publish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who made it, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub makers: Vec<UserId>,
}

impl Details {
    /// The kind.
    pub const fn kind(&self) -> ListingKind {
        match self {
            Self::Product(_) => ListingKind::Product,
            Self::Showcase(_) => ListingKind::Showcase,
        }
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Product(product) => product.check(),
            Self::Showcase(showcase) => showcase.check(),
        }
    }
}

impl Product {
    fn check(&self) -> Result<(), Fault> {
        if let Some(grams) = self.weight_grams {
            fault::range("/details/weightGrams", grams, 0, 10_000_000)?;
        }
        let Some(dimensions) = &self.dimensions else {
            return Ok(());
        };
        fault::range("/details/dimensions/lengthMm", dimensions.length_mm, 0, 100_000)?;
        fault::range("/details/dimensions/widthMm", dimensions.width_mm, 0, 100_000)?;
        fault::range("/details/dimensions/heightMm", dimensions.height_mm, 0, 100_000)
    }
}

impl Showcase {
    fn check(&self) -> Result<(), Fault> {
        fault::text("/details/tagline", &self.tagline, 160)?;
        if let Some(url) = &self.url {
            fault::web_address("/details/url", url)?;
        }
        fault::list("/details/makers", &self.makers, 20)?;
        fault::distinct("/details/makers", &self.makers)
    }
}
