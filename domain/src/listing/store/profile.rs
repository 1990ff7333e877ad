//! What a store tells of itself: profile, contact, location, hours, delivery and payment, with their limits.

use chrono::NaiveTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    fault::{self, Fault},
    money::Money,
    order::delivery::DeliveryOption,
};

/// What kind of business a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// Sells products.
    Market,
    /// A law firm: its members are providers.
    Firm,
}

/// How a store presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Profile {
    /// The name, 1 to 120 characters.
    pub name: String,
    /// What it does, at most 5,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
}

impl Profile {
    pub(super) fn check(&self) -> Result<(), Fault> {
        fault::text("/profile/name", &self.name, 120)?;
        fault::optional_text("/profile/description", self.description.as_ref(), 5_000)?;
        self.website
            .as_ref()
            .map_or(Ok(()), |website| fault::web_address("/profile/website", website))
    }
}

/// How to reach a person who answers for the store. It belongs to that person, not to the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Contact {
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl Contact {
    pub(super) fn check(&self) -> Result<(), Fault> {
        if let Some(email) = &self.email {
            fault::email("/contact/email", email)?;
        }
        if let Some(phone) = &self.phone {
            fault::telephone("/contact/phone", phone)?;
        }
        if self.email.is_none() && self.phone.is_none() {
            return Err(Fault::malformed(
                "/contact",
                "an e-mail address, a telephone number or both",
            ));
        }
        Ok(())
    }
}

/// Where a store is: a business's address, which is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Location {
    /// Street and number, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// City, 1 to 120 characters.
    pub city: String,
    /// State, province or region, at most 120 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code, at most 20 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// Country, ISO 3166-1 alpha-2: `BR`.
    pub country: String,
    /// The point on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<GeoPoint>,
}

impl Location {
    pub(super) fn check(&self) -> Result<(), Fault> {
        fault::optional_text("/location/street", self.street.as_ref(), 200)?;
        fault::text("/location/city", &self.city, 120)?;
        fault::optional_text("/location/state", self.state.as_ref(), 120)?;
        fault::optional_text("/location/zip", self.zip.as_ref(), 20)?;
        if self.country.len() != 2 || !self.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Fault::malformed(
                "/location/country",
                "an ISO 3166-1 code of two upper-case letters, such as BR",
            ));
        }
        self.point.map_or(Ok(()), GeoPoint::check)
    }
}

/// A point on the map (WGS 84), in millionths of a degree: integers, so that every reader has the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GeoPoint {
    /// North of the equator, −90,000,000 to 90,000,000 millionths of a degree.
    pub latitude: i32,
    /// East of Greenwich, −180,000,000 to 180,000,000 millionths of a degree.
    pub longitude: i32,
}

impl GeoPoint {
    fn check(self) -> Result<(), Fault> {
        fault::range("/location/point/latitude", self.latitude, -90_000_000, 90_000_000)?;
        fault::range("/location/point/longitude", self.longitude, -180_000_000, 180_000_000)
    }
}

/// The hours of a week in which a store is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BusinessHours {
    /// The IANA time zone of the hours: `America/Sao_Paulo`.
    pub time_zone: String,
    /// When it is open; at most 50 periods, which do not overlap. A night is two of them.
    pub periods: Vec<OpeningPeriod>,
}

/// A part of a day in which a store is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OpeningPeriod {
    /// The day.
    pub day: Weekday,
    /// From this local time on.
    pub opens: NaiveTime,
    /// Up to this local time, the same day.
    pub closes: NaiveTime,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say all")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl BusinessHours {
    pub(super) fn check(&self) -> Result<(), Fault> {
        fault::text("/businessHours/timeZone", &self.time_zone, 64)?;
        let named = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
        if !self.time_zone.chars().all(named) {
            return Err(Fault::malformed("/businessHours/timeZone", "an IANA time zone's name"));
        }
        fault::list("/businessHours/periods", &self.periods, 50)?;
        let mut order: Vec<usize> = (0..self.periods.len()).collect();
        order.sort_by_key(|index| self.periods[*index]);
        for index in &order {
            if self.periods[*index].opens >= self.periods[*index].closes {
                let field = format!("/businessHours/periods/{index}/closes");
                return Err(Fault::malformed(field, "later than the opening, the same day"));
            }
        }
        for pair in order.windows(2) {
            let (earlier, later) = (self.periods[pair[0]], self.periods[pair[1]]);
            if earlier.day == later.day && later.opens < earlier.closes {
                let field = format!("/businessHours/periods/{}/opens", pair[1]);
                return Err(Fault::malformed(field, "after the period before has closed"));
            }
        }
        Ok(())
    }
}

/// A way in which a store lets orders reach their customers, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeliveryOffer {
    /// The way, as orders name it.
    pub option: DeliveryOption,
    /// What customers read, 1 to 120 characters.
    pub name: String,
    /// What it costs; not negative.
    pub fee: Money,
    /// The least subtotal for which it can be had, in the fee's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_order: Option<Money>,
    /// How far from the store, in metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius_metres: Option<u32>,
    /// How long it takes from the order on, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_time_minutes: Option<u32>,
}

impl DeliveryOffer {
    pub(super) fn check_all(offers: &[Self]) -> Result<(), Fault> {
        for (index, offer) in offers.iter().enumerate() {
            offer.check(&format!("/deliveryOptions/{index}"))?;
            if offers[..index].iter().any(|earlier| earlier.option == offer.option) {
                return Err(Fault::Repeated {
                    field: format!("/deliveryOptions/{index}/option"),
                });
            }
        }
        Ok(())
    }

    fn check(&self, at: &str) -> Result<(), Fault> {
        fault::text(&format!("{at}/name"), &self.name, 120)?;
        fault::range(&format!("{at}/fee/amount"), self.fee.amount, 0, i64::MAX)?;
        let Some(minimum) = self.minimum_order else {
            return Ok(());
        };
        fault::range(&format!("{at}/minimumOrder/amount"), minimum.amount, 0, i64::MAX)?;
        if minimum.currency != self.fee.currency {
            return Err(Fault::malformed(
                format!("{at}/minimumOrder/currency"),
                "the currency of the fee",
            ));
        }
        Ok(())
    }
}
