//! What is wrong with a field of a command whatever the state: out of [`bounds`], out of range, not of the form that the
//! field asks for. The checks of form live here, so that an address or a slug is the same everywhere.
//!
//! A refusal enum takes a fault in as its last variant, `#[error(transparent)] #[serde(untagged)] Content(#[from] Fault)`,
//! so that the problem's code is the fault's own.

use serde::Serialize;

use crate::bounds::{self, OutOfBounds};

/// What is wrong with a field. `field` is a JSON pointer into the command's body: `/tags/3`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Fault {
    /// A text or a list that is too long, or empty.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// A number that is too small or too large.
    #[error("{field} is {value}, it must be from {least} to {most}")]
    OutOfRange {
        /// The field at fault.
        #[serde(skip)]
        field: String,
        /// What it is.
        value: i64,
        /// The least that is allowed.
        least: i64,
        /// The most that is allowed.
        most: i64,
    },
    /// A text that is not of the form that the field asks for.
    #[error("{field} must be {expected}")]
    Malformed {
        /// The field at fault.
        #[serde(skip)]
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The same thing twice in a list of different ones.
    #[error("{field} is there already")]
    Repeated {
        /// The field at fault.
        #[serde(skip)]
        field: String,
    },
}

impl Fault {
    /// JSON pointer to the field at fault.
    pub fn field(&self) -> &str {
        match self {
            Self::OutOfBounds(fault) => &fault.field,
            Self::OutOfRange { field, .. } | Self::Malformed { field, .. } | Self::Repeated { field } => field,
        }
    }

    /// The field must be of this form and is not.
    pub fn malformed(field: impl Into<String>, expected: &'static str) -> Self {
        Self::Malformed {
            field: field.into(),
            expected,
        }
    }
}

/// A text of 1 to `limit` characters, one of them visible, without control characters.
pub fn text(field: &str, value: &str, limit: usize) -> Result<(), Fault> {
    Ok(bounds::text(field, value, 1..=limit)?)
}

/// The same for a text that may be absent.
pub fn optional_text(field: &str, value: Option<&String>, limit: usize) -> Result<(), Fault> {
    Ok(bounds::optional_text(field, value, 1..=limit)?)
}

/// A list of at most `limit` entries.
pub fn list<T>(field: &str, items: &[T], limit: usize) -> Result<(), Fault> {
    Ok(bounds::list(field, items, 0..=limit)?)
}

/// A list that would have so many entries, and may have at most `limit`.
pub fn count(field: &str, given: usize, limit: usize) -> Result<(), Fault> {
    Ok(bounds::count(field, given, 0..=limit)?)
}

/// A number from `least` to `most`.
pub fn range(field: &str, value: impl Into<i64>, least: i64, most: i64) -> Result<(), Fault> {
    let value = value.into();
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Fault::OutOfRange {
        field: field.into(),
        value,
        least,
        most,
    })
}

/// A list without repetition; the pointer names the second of the two.
pub fn distinct<T: Ord>(field: &str, items: &[T]) -> Result<(), Fault> {
    let mut seen = std::collections::BTreeSet::new();
    match items.iter().position(|item| !seen.insert(item)) {
        Some(index) => Err(Fault::Repeated {
            field: format!("{field}/{index}"),
        }),
        None => Ok(()),
    }
}

/// Words of lower-case ASCII letters and digits with hyphens between: what may stand in a path.
pub fn slug(field: &str, value: &str, limit: usize) -> Result<(), Fault> {
    text(field, value, limit)?;
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if value.split('-').all(word) {
        return Ok(());
    }
    Err(Fault::malformed(
        field,
        "words of lower-case letters a to z and digits with hyphens between",
    ))
}

/// An absolute web address.
pub fn web_address(field: &str, value: &str) -> Result<(), Fault> {
    text(field, value, 2_000)?;
    let host = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"))
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    match host {
        Some(host) if !host.is_empty() && !value.contains(char::is_whitespace) => Ok(()),
        _ => Err(Fault::malformed(
            field,
            "an address that begins with https:// or http:// and names a host",
        )),
    }
}

/// An e-mail address, as far as its form tells: something, an `@`, and a host. Only a letter that arrives proves one.
pub fn email(field: &str, value: &str) -> Result<(), Fault> {
    text(field, value, 254)?;
    match value.rsplit_once('@') {
        Some((local, host))
            if !local.is_empty()
                && !host.is_empty()
                && !value.contains(|c: char| c.is_whitespace() || c.is_control()) =>
        {
            Ok(())
        }
        _ => Err(Fault::malformed(field, "an e-mail address")),
    }
}

/// A telephone number: digits, with an optional leading `+` and the usual separators.
pub fn telephone(field: &str, value: &str) -> Result<(), Fault> {
    text(field, value, 32)?;
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let rest = value.strip_prefix('+').unwrap_or(value);
    if (3..=15).contains(&digits) && rest.bytes().all(|b| b.is_ascii_digit() || b" -().".contains(&b)) {
        return Ok(());
    }
    Err(Fault::malformed(
        field,
        "a telephone number of 3 to 15 digits, which may begin with +",
    ))
}
