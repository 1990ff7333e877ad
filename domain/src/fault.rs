//! What is wrong with a field of a command whatever the state: blank, too long, out of range. Every aggregate checks its
//! texts, lists and numbers here, so that a limit reads the same everywhere and an aggregate's memory is bounded.
//!
//! A refusal enum takes a fault in as its last variant, `#[error(transparent)] #[serde(untagged)] Content(#[from] Fault)`,
//! so that the problem's code is the fault's own.

use serde::Serialize;

/// What is wrong with a field. `field` is a JSON pointer into the command's body: `/tags/3`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Fault {
    /// A text without a visible character.
    #[error("{field} must not be blank")]
    Blank {
        /// The field at fault.
        #[serde(skip)]
        field: String,
    },
    /// A text with too many characters.
    #[error("{field} has {length} characters, at most {limit} are allowed")]
    TooLong {
        /// The field at fault.
        #[serde(skip)]
        field: String,
        /// How many characters it has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A list with too many items.
    #[error("{field} would have {count} items, at most {limit} are allowed")]
    TooMany {
        /// The field at fault.
        #[serde(skip)]
        field: String,
        /// How many items it would have.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
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
            Self::Blank { field }
            | Self::TooLong { field, .. }
            | Self::TooMany { field, .. }
            | Self::OutOfRange { field, .. }
            | Self::Malformed { field, .. }
            | Self::Repeated { field } => field,
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

/// A text of at most `limit` characters, one of them visible. Control characters but line ends and tabs are refused:
/// nobody can see them, and the read side's database can not hold a NUL.
pub fn text(field: &str, value: &str, limit: usize) -> Result<(), Fault> {
    if value.trim().is_empty() {
        return Err(Fault::Blank { field: field.into() });
    }
    let length = value.chars().count();
    if length > limit {
        return Err(Fault::TooLong {
            field: field.into(),
            length,
            limit,
        });
    }
    if value
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Fault::malformed(field, "text without control characters"));
    }
    Ok(())
}

/// The same for a text that may be absent.
pub fn optional_text(field: &str, value: Option<&String>, limit: usize) -> Result<(), Fault> {
    value.map_or(Ok(()), |value| text(field, value, limit))
}

/// A list of at most `limit` items.
pub fn count(field: &str, count: usize, limit: usize) -> Result<(), Fault> {
    if count > limit {
        return Err(Fault::TooMany {
            field: field.into(),
            count,
            limit,
        });
    }
    Ok(())
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
