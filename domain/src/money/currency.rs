//! The currencies of ISO 4217 with the digits of their minor units. Metals, test and fund codes without a minor unit are
//! no money here. Those withdrawn since 2016 stay in, for history is loaded. A code is never taken out: events hold it.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A hundred minor units make one; sorted, as the other tables are.
#[rustfmt::skip]
const TWO_DIGITS: [[u8; 3]; 147] = [
    *b"AED", *b"AFN", *b"ALL", *b"AMD", *b"ANG", *b"AOA", *b"ARS", *b"AUD", *b"AWG", *b"AZN", *b"BAM", *b"BBD", *b"BDT", *b"BGN",
    *b"BMD", *b"BND", *b"BOB", *b"BOV", *b"BRL", *b"BSD", *b"BTN", *b"BWP", *b"BYN", *b"BZD", *b"CAD", *b"CDF", *b"CHE", *b"CHF",
    *b"CHW", *b"CNY", *b"COP", *b"COU", *b"CRC", *b"CUC", *b"CUP", *b"CVE", *b"CZK", *b"DKK", *b"DOP", *b"DZD", *b"EGP", *b"ERN",
    *b"ETB", *b"EUR", *b"FJD", *b"FKP", *b"GBP", *b"GEL", *b"GHS", *b"GIP", *b"GMD", *b"GTQ", *b"GYD", *b"HKD", *b"HNL", *b"HRK",
    *b"HTG", *b"HUF", *b"IDR", *b"ILS", *b"INR", *b"IRR", *b"JMD", *b"KES", *b"KGS", *b"KHR", *b"KPW", *b"KYD", *b"KZT", *b"LAK",
    *b"LBP", *b"LKR", *b"LRD", *b"LSL", *b"MAD", *b"MDL", *b"MGA", *b"MKD", *b"MMK", *b"MNT", *b"MOP", *b"MRO", *b"MRU", *b"MUR",
    *b"MVR", *b"MWK", *b"MXN", *b"MXV", *b"MYR", *b"MZN", *b"NAD", *b"NGN", *b"NIO", *b"NOK", *b"NPR", *b"NZD", *b"PAB", *b"PEN",
    *b"PGK", *b"PHP", *b"PKR", *b"PLN", *b"QAR", *b"RON", *b"RSD", *b"RUB", *b"SAR", *b"SBD", *b"SCR", *b"SDG", *b"SEK", *b"SGD",
    *b"SHP", *b"SLE", *b"SLL", *b"SOS", *b"SRD", *b"SSP", *b"STD", *b"STN", *b"SVC", *b"SYP", *b"SZL", *b"THB", *b"TJS", *b"TMT",
    *b"TOP", *b"TRY", *b"TTD", *b"TWD", *b"TZS", *b"UAH", *b"USD", *b"USN", *b"UYU", *b"UZS", *b"VED", *b"VEF", *b"VES", *b"WST",
    *b"XCD", *b"XCG", *b"YER", *b"ZAR", *b"ZMW", *b"ZWG", *b"ZWL",
];

/// There is no smaller unit.
#[rustfmt::skip]
const NO_DIGITS: [[u8; 3]; 17] = [
    *b"BIF", *b"CLP", *b"DJF", *b"GNF", *b"ISK", *b"JPY", *b"KMF", *b"KRW", *b"PYG", *b"RWF", *b"UGX", *b"UYI", *b"VND", *b"VUV",
    *b"XAF", *b"XOF", *b"XPF",
];

/// A thousand minor units make one.
#[rustfmt::skip]
const THREE_DIGITS: [[u8; 3]; 7] = [
    *b"BHD", *b"IQD", *b"JOD", *b"KWD", *b"LYD", *b"OMR", *b"TND",
];

/// Ten thousand minor units make one: units of account.
#[rustfmt::skip]
const FOUR_DIGITS: [[u8; 3]; 2] = [
    *b"CLF", *b"UYW",
];

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// The text is not the code of a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is an ISO 4217 code, such as EUR")]
pub struct InvalidCurrency;

impl Currency {
    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of ASCII letters")
    }

    /// How many decimal digits its minor unit has: 2 for euros and cents, 0 for yen.
    pub fn minor_digits(&self) -> u32 {
        digits_of(self.0).expect("a currency is in the tables, or it could not be made")
    }
}

fn digits_of(code: [u8; 3]) -> Option<u32> {
    let tables: [(u32, &[[u8; 3]]); 4] = [(2, &TWO_DIGITS), (0, &NO_DIGITS), (3, &THREE_DIGITS), (4, &FOUR_DIGITS)];
    let (digits, _) = tables
        .into_iter()
        .find(|(_, table)| table.binary_search(&code).is_ok())?;
    Some(digits)
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, InvalidCurrency> {
        let code = <[u8; 3]>::try_from(text.as_bytes()).map_err(|_| InvalidCurrency)?;
        digits_of(code).map(|_| Self(code)).ok_or(InvalidCurrency)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Currency {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 currency code." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looking a code up goes by halves, which needs the tables sorted; a code has one number of digits.
    #[test]
    fn each_table_is_sorted_and_no_code_is_in_two() {
        let tables: [&[[u8; 3]]; 4] = [&TWO_DIGITS, &NO_DIGITS, &THREE_DIGITS, &FOUR_DIGITS];
        assert!(tables.iter().all(|table| table.is_sorted_by(|a, b| a < b)));
        let mut all = tables.concat();
        all.sort_unstable();
        let known = all.len();
        all.dedup();
        assert_eq!(all.len(), known);
    }
}
