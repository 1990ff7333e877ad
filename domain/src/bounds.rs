//! Limits on what a command may carry: without them one client could grow an aggregate, and so the memory of the shard
//! that keeps it warm, at will. Each limit is a constant beside the command it limits; only the check is shared.

use std::ops::RangeInclusive;

use serde::Serialize;

/// A text or a list is shorter or longer than is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{field} has {given} {unit}, {least} to {most} are allowed")]
#[serde(rename_all = "camelCase")]
pub struct OutOfBounds {
    /// JSON pointer to it; told beside the facts.
    #[serde(skip)]
    pub field: String,
    /// What is counted.
    pub unit: Unit,
    /// The fewest allowed.
    pub least: usize,
    /// The most allowed.
    pub most: usize,
    /// How many there were. A text of nothing but white space counts as empty.
    pub given: usize,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Unicode scalar values of a text.
    Characters,
    /// Characters of a text that nobody can see, line ends and tabs aside.
    ControlCharacters,
    /// Entries of a list.
    Entries,
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Characters => "characters",
            Self::ControlCharacters => "control characters",
            Self::Entries => "entries",
        })
    }
}

/// Refuses a text whose length in characters is outside `allowed`, and one with control characters but line ends and
/// tabs: nobody can see them, and the read side's database can not hold a NUL.
pub fn text(field: impl Into<String>, given: &str, allowed: RangeInclusive<usize>) -> Result<(), OutOfBounds> {
    let length = if given.trim().is_empty() {
        0
    } else {
        given.chars().count()
    };
    let field = field.into();
    let hidden = given.chars().filter(|c| c.is_control() && !"\n\r\t".contains(*c));
    within(field.clone(), Unit::ControlCharacters, hidden.count(), &(0..=0))?;
    within(field, Unit::Characters, length, &allowed)
}

/// Refuses a text, where one was given, whose length in characters is outside `allowed`.
pub fn optional_text(
    field: impl Into<String>,
    given: Option<&String>,
    allowed: RangeInclusive<usize>,
) -> Result<(), OutOfBounds> {
    given.map_or(Ok(()), |given| text(field, given, allowed))
}

/// Refuses a list whose length is outside `allowed`.
pub fn list<T>(field: impl Into<String>, given: &[T], allowed: RangeInclusive<usize>) -> Result<(), OutOfBounds> {
    within(field.into(), Unit::Entries, given.len(), &allowed)
}

/// Refuses a list that would have so many entries, when that is outside `allowed`.
pub fn count(field: impl Into<String>, given: usize, allowed: RangeInclusive<usize>) -> Result<(), OutOfBounds> {
    within(field.into(), Unit::Entries, given, &allowed)
}

fn within(field: String, unit: Unit, given: usize, allowed: &RangeInclusive<usize>) -> Result<(), OutOfBounds> {
    if allowed.contains(&given) {
        return Ok(());
    }
    Err(OutOfBounds {
        field,
        unit,
        least: *allowed.start(),
        most: *allowed.end(),
        given,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_characters_and_not_bytes() {
        assert_eq!(text("/text", "ação", 1..=4), Ok(()));
        assert_eq!(text("/text", "ações", 1..=4).unwrap_err().given, 5);
    }

    #[test]
    fn white_space_alone_is_an_empty_text() {
        assert_eq!(text("/text", " \n\t", 1..=4).unwrap_err().given, 0);
    }

    #[test]
    fn a_text_holds_no_control_characters_but_line_ends_and_tabs() {
        assert_eq!(text("/text", "a\r\n\tb", 1..=5), Ok(()));
        let refused = text("/text", "a\0b\u{85}", 1..=5).unwrap_err();
        assert_eq!((refused.unit, refused.given), (Unit::ControlCharacters, 2));
    }
}
