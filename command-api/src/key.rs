//! Idempotency keys. A key makes the command's id: the same actor, scope and key give the same one, so that the log
//! itself tells whether the command was carried out. Beside the key the log keeps a fingerprint of what was asked, so
//! that a key which is used for something else is noticed.

use std::fmt::Write;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::{limits::significant, problem::Problem};

/// The longest key.
const LONGEST: usize = 255;

/// A client's key, with what it makes of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub text: String,
    /// HMAC-SHA-256 of what was asked, lower-case hex.
    pub fingerprint: String,
}

impl Key {
    /// Reads a key: 1 to 255 visible ASCII characters.
    pub fn read(text: &str, secret: &[u8; 32], path: &str, body: &[u8]) -> Result<Self, Problem> {
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = format!("an Idempotency-Key has 1 to {LONGEST} visible ASCII characters");
            return Err(Problem::malformed("key-invalid", detail).at("Idempotency-Key"));
        }
        Ok(Self {
            text: text.to_owned(),
            fingerprint: fingerprint(secret, path, body),
        })
    }
}

/// The id of a command with a key: a UUID of version 8 (RFC 9562) of SHA-256 over actor, scope and key, each length-prefixed.
pub(crate) fn command_id(actor: &str, scope: &str, key: &str) -> Uuid {
    let mut digest = Sha256::new();
    for part in ["stoa command v1", actor, scope, key] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digest: [u8; 32] = digest.finalize().into();
    let (id, _) = digest.split_first_chunk::<16>().expect("a SHA-256 digest has 32 bytes");
    Builder::from_custom_bytes(*id).into_uuid()
}

/// HMAC-SHA-256 of path and body, lower-case hex. White space between the body's tokens does not count: a client that
/// prints its JSON in another way asks for the same thing.
fn fingerprint(secret: &[u8; 32], path: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(b"POST ");
    mac.update(path.as_bytes());
    mac.update(b"\n");
    significant(body, |token| mac.update(token));
    let code = mac.finalize().into_bytes();
    code.iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes everything");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actor_scope_and_key_make_the_command_id_and_can_not_be_shifted_into_each_other() {
        let id = command_id("usr_a", "ord_b", "k");
        assert_eq!(id, command_id("usr_a", "ord_b", "k"));
        assert_eq!(id.get_version_num(), 8);
        for other in [
            command_id("usr_ao", "rd_b", "k"),
            command_id("usr_a", "ord_bk", ""),
            command_id("usr_b", "ord_b", "k"),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_fingerprint_overlooks_white_space_between_tokens_and_nothing_else() {
        let of = |body: &str| fingerprint(&[7; 32], "/v1/x", body.as_bytes());
        assert_eq!(of(r#"{"a":1,"b":"c d"}"#), of("{ \"a\" : 1,\n\t\"b\":\"c d\" }"));
        assert_ne!(of(r#"{"b":"c d"}"#), of(r#"{"b":"cd"}"#));
        assert_ne!(of(r#"{"b":"\" "}"#), of(r#"{"b":"\""}"#));
        assert_ne!(of("{}"), fingerprint(&[7; 32], "/v1/y", b"{}"));
        assert_ne!(of("{}"), fingerprint(&[8; 32], "/v1/x", b"{}"));
    }
}
