//! Limits on what is taken in: bytes and nesting of a body. They are checked before anything is parsed.

use axum::http::StatusCode;

use crate::problem::Problem;

/// How large and how deep a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// The most bytes of one command's body, or of one line of a bulk request.
    pub bytes: usize,
    /// How deep objects and arrays may be nested.
    pub nesting: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            bytes: 1 << 20,
            nesting: 32,
        }
    }
}

impl BodyLimits {
    /// Checks that a body is an object and not too deep. Whether it is JSON at all shows when it is read.
    pub(crate) fn check(&self, body: &[u8]) -> Result<(), Problem> {
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Problem::malformed(
                "body-not-an-object",
                "the body of a command is a JSON object",
            ));
        }
        if depth(body) > self.nesting {
            let detail = format!("objects and arrays are nested more than {} deep", self.nesting);
            return Err(Problem::malformed("body-too-deep", detail).with("limit", self.nesting));
        }
        Ok(())
    }

    pub(crate) fn too_large(&self) -> Problem {
        let detail = format!("more than {} bytes", self.bytes);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail).with("limit", self.bytes)
    }
}

/// The deepest nesting of objects and arrays.
fn depth(body: &[u8]) -> usize {
    let (mut deepest, mut depth) = (0_usize, 0_usize);
    significant(body, |token| match token {
        [b'{' | b'['] => {
            depth += 1;
            deepest = deepest.max(depth);
        }
        [b'}' | b']'] => depth = depth.saturating_sub(1),
        _ => {}
    });
    deepest
}

/// Hands over a JSON text without the white space between its tokens: brackets one by one, all else in runs.
pub(crate) fn significant(body: &[u8], mut take: impl FnMut(&[u8])) {
    let mut rest = body;
    while let Some(first) = rest.first() {
        let length = match first {
            b' ' | b'\t' | b'\n' | b'\r' => {
                rest = &rest[1..];
                continue;
            }
            b'"' => string_length(rest),
            b'{' | b'[' | b'}' | b']' => 1,
            _ => rest
                .iter()
                .position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'{' | b'[' | b'}' | b']'))
                .unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(length);
        take(token);
        rest = behind;
    }
}

/// The length of the string that begins here, quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    for (index, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_strings_only() {
        assert_eq!(depth(br#"{"a":"[[[[","b":[{"c":"\"]["}]}"#), 3);
        assert_eq!(depth(b"]]]]{"), 1);
        assert_eq!(depth(br#"{"never closed"#), 1);
    }
}
