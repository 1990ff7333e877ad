//! Tags: what people type, brought into one form, so that `#Rust` and `rust ` are the same tag.

use std::collections::BTreeSet;

use crate::fault::{self, Fault};

/// How many tags a listing may have.
pub(super) const MOST_TAGS: usize = 50;

/// These tags in their one form: without a leading `#`, in lower case, with a hyphen for a space. A tag holds letters,
/// digits and `-_+.#&`.
pub(super) fn normalised(given: &[String]) -> Result<BTreeSet<String>, Fault> {
    // Twice the limit: a client may well name tags that the listing has, but not megabytes of them.
    fault::list("/tags", given, 2 * MOST_TAGS)?;
    given
        .iter()
        .enumerate()
        .map(|(index, tag)| one(&format!("/tags/{index}"), tag))
        .collect()
}

fn one(field: &str, given: &str) -> Result<String, Fault> {
    let trimmed = given.trim();
    let words: Vec<&str> = trimmed
        .strip_prefix('#')
        .unwrap_or(trimmed)
        .split_whitespace()
        .collect();
    let tag = words.join("-").to_lowercase();
    fault::text(field, &tag, 50)?;
    if tag.chars().all(|c| c.is_alphanumeric() || "-_+.#&".contains(c)) {
        return Ok(tag);
    }
    Err(Fault::malformed(field, "letters, digits and any of - _ + . # &"))
}
