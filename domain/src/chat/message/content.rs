//! What a message says: text, attachments, or ciphertext that only its readers can open.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bounds::{self, OutOfBounds},
    id::MediaId,
};

/// The longest text, in characters.
pub const LONGEST_TEXT: usize = 10_000;
/// The longest caption, in characters.
pub const LONGEST_CAPTION: usize = 2_000;
/// The longest ciphertext, in characters of base64.
pub const LONGEST_CIPHERTEXT: usize = 65_536;
/// The most attachments.
pub const MOST_MEDIA: usize = 10;
/// The most hashtags.
pub const MOST_HASHTAGS: usize = 30;
/// The longest hashtag, in characters.
pub const LONGEST_HASHTAG: usize = 100;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum MessageContent {
    /// Words.
    Text(Text),
    /// Pictures.
    Image(Attachments),
    /// Films.
    Video(Attachments),
    /// Sound.
    Audio(Attachments),
    /// Files of any kind.
    File(Attachments),
    /// A recording of the author's voice.
    Voice(Attachments),
    /// Something that only the members' devices can read.
    Ciphertext(Ciphertext),
}

/// Words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Text {
    /// 1 to 10,000 characters.
    pub text: String,
    /// How they are meant.
    #[serde(default)]
    pub kind: TextKind,
}

/// How words are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextKind {
    /// The author says it.
    #[default]
    Said,
    /// The author does it: `/me waves`.
    Action,
    /// It is announced, by a bot as a rule.
    Notice,
}

/// One or more uploaded files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Attachments {
    /// The files: 1 to 10.
    pub media: Vec<MediaId>,
    /// What is said about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

/// Something that only the members' devices can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Ciphertext {
    /// Base64, standard or URL-safe, up to 65,536 characters.
    pub ciphertext: String,
    /// How it is encrypted, for the devices to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// What is wrong with a message's content, whatever the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentFault {
    /// The ciphertext has characters that base64 has not.
    #[error("ciphertext is base64")]
    NotBase64,
    /// Part of it is too long, or empty.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
}

impl MessageContent {
    /// Plain words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text {
            text: text.into(),
            kind: TextKind::Said,
        })
    }

    /// Whether only the members' devices can read it.
    pub const fn is_ciphertext(&self) -> bool {
        matches!(self, Self::Ciphertext(_))
    }

    /// The words in it that can be read: text or caption.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            Self::Image(it) | Self::Video(it) | Self::Audio(it) | Self::File(it) | Self::Voice(it) => {
                it.caption.as_deref()
            }
            Self::Ciphertext(_) => None,
        }
    }

    /// The files attached to it.
    pub fn media(&self) -> &[MediaId] {
        match self {
            Self::Image(it) | Self::Video(it) | Self::Audio(it) | Self::File(it) | Self::Voice(it) => &it.media,
            Self::Text(_) | Self::Ciphertext(_) => &[],
        }
    }

    /// Refuses what is empty, too long or not base64.
    pub fn check(&self) -> Result<(), ContentFault> {
        match self {
            Self::Text(it) => bounds::text("/content/text", &it.text, 1..=LONGEST_TEXT)?,
            Self::Image(it) | Self::Video(it) | Self::Audio(it) | Self::File(it) | Self::Voice(it) => {
                bounds::list("/content/media", &it.media, 1..=MOST_MEDIA)?;
                bounds::optional_text("/content/caption", it.caption.as_ref(), 1..=LONGEST_CAPTION)?;
            }
            Self::Ciphertext(it) => {
                bounds::text("/content/ciphertext", &it.ciphertext, 1..=LONGEST_CIPHERTEXT)?;
                bounds::optional_text("/content/scheme", it.scheme.as_ref(), 1..=LONGEST_HASHTAG)?;
                if !it.ciphertext.bytes().all(is_base64) {
                    return Err(ContentFault::NotBase64);
                }
            }
        }
        Ok(())
    }
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// A hashtag as it is kept: lower case, without its `#`; nothing when it is none. It has letters, digits and
/// underscores, and a letter among them, so that `#1` stays a number.
pub fn hashtag(given: &str) -> Option<String> {
    let tag = given.strip_prefix('#').unwrap_or(given);
    let fits = (1..=LONGEST_HASHTAG).contains(&tag.chars().count());
    let spelt = tag.chars().all(is_of_a_tag) && tag.chars().any(char::is_alphabetic);
    (fits && spelt).then(|| tag.to_lowercase())
}

/// The hashtags that stand in a text, each once, in their order; past the thirtieth they are words like others.
pub fn hashtags_in(text: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut tags = Vec::new();
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if character == '#' && !is_of_a_tag(before) && before != '#' {
            let rest = &text[at + 1..];
            let end = rest.find(|next| !is_of_a_tag(next)).unwrap_or(rest.len());
            if let Some(tag) = hashtag(&rest[..end])
                && seen.insert(tag.clone())
            {
                tags.push(tag);
            }
        }
        before = character;
    }
    tags.truncate(MOST_HASHTAGS);
    tags
}

fn is_of_a_tag(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hashtag_stands_at_the_start_of_a_word_and_has_a_letter() {
        assert_eq!(
            hashtags_in("#Ubuntu #1 a#b ##x (#snap_24) #ubuntu #ação."),
            ["ubuntu", "snap_24", "ação"]
        );
    }

    #[test]
    fn a_text_gives_at_most_thirty_hashtags_and_none_that_is_too_long() {
        let many: Vec<String> = (0..40).map(|number| format!("#tag{number}")).collect();
        assert_eq!(hashtags_in(&many.join(" ")).len(), MOST_HASHTAGS);
        assert_eq!(hashtags_in(&format!("#{}", "x".repeat(101))), Vec::<String>::new());
    }

    #[test]
    fn content_reads_and_writes_its_type_beside_its_fields() {
        let content: MessageContent = serde_json::from_str(r#"{"type":"text","text":"hi"}"#).unwrap();
        assert_eq!(content, MessageContent::text("hi"));
        assert_eq!(
            serde_json::to_string(&content).unwrap(),
            r#"{"type":"text","text":"hi","kind":"said"}"#
        );
        assert!(serde_json::from_str::<MessageContent>(r#"{"type":"text","text":"hi","colour":1}"#).is_err());
    }
}
