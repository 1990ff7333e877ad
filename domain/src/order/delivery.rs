//! How what was ordered reaches the customer: collected, brought by the store, or shipped.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bounds::{self, OutOfBounds},
    personal::Personal,
};

/// How it reaches the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryOption {
    /// The customer comes for it.
    Collection,
    /// The store brings it.
    Delivery,
    /// A carrier brings it.
    Shipping,
}

/// A span of time that was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Slot {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends; later than it begins.
    pub until: DateTime<Utc>,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Address {
    /// Who receives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Street, number, flat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// The city.
    pub city: String,
    /// State, province or county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2 code: `BR`.
    #[schemars(regex(pattern = "^[A-Z]{2}$"))]
    pub country: String,
}

/// How the customer wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeliveryWish {
    /// Collected, brought or shipped.
    pub option: DeliveryOption,
    /// Where it goes; needed unless it is collected.
    #[serde(default)]
    pub address: Option<Address>,
    /// When the customer wants it.
    #[serde(default)]
    pub slot: Option<Slot>,
    /// When it is expected to arrive.
    #[serde(default)]
    pub estimated: Option<DateTime<Utc>>,
}

/// How it was agreed to reach the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Collected, brought or shipped.
    pub option: DeliveryOption,
    /// Where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Personal<Address>>,
    /// When the customer wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// When it is expected to arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated: Option<DateTime<Utc>>,
}

/// What is wrong with a [`DeliveryWish`], whatever the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryFault {
    /// It has to go somewhere, and no address says where.
    #[error("an address is needed unless the order is collected")]
    AddressMissing,
    /// The slot ends before it begins.
    #[error("the slot must end after it begins")]
    SlotEndsFirst,
    /// The country is not a code.
    #[error("a country is an ISO 3166-1 code of two upper-case letters, such as BR")]
    CountryUnknown,
    /// Part of the address is too long, or the city is missing.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
}

impl DeliveryWish {
    /// The longest part of an address, in characters.
    pub const LONGEST_PART: usize = 200;

    /// Refuses what can not be agreed on.
    pub fn check(&self) -> Result<(), DeliveryFault> {
        if self.address.is_none() && self.option != DeliveryOption::Collection {
            return Err(DeliveryFault::AddressMissing);
        }
        if self.slot.is_some_and(|slot| slot.until <= slot.from) {
            return Err(DeliveryFault::SlotEndsFirst);
        }
        self.address.as_ref().map_or(Ok(()), Address::check)
    }
}

impl Address {
    fn check(&self) -> Result<(), DeliveryFault> {
        let allowed = 1..=DeliveryWish::LONGEST_PART;
        for (name, part) in [
            ("recipient", &self.recipient),
            ("street", &self.street),
            ("region", &self.region),
            ("postalCode", &self.postal_code),
        ] {
            bounds::optional_text(format!("/delivery/address/{name}"), part.as_ref(), allowed.clone())?;
        }
        bounds::text("/delivery/address/city", &self.city, allowed)?;
        if self.country.len() != 2 || !self.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(DeliveryFault::CountryUnknown);
        }
        Ok(())
    }
}
