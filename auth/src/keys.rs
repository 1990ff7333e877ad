//! The installation's keys: the Ed25519 pair that signs tokens, and the secret that fingerprints command bodies.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use domain::{
    clock::Clock,
    id::UserId,
    viewer::{Role, Viewer},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind, jwk::Jwk};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::{
    secret::{Secret, SecretError, load_or_create},
    token::{AUDIENCE, Claims, Holder, ISSUER, InvalidToken, Verified, role_name},
};

/// Where the token key lies below the keys' directory: PKCS #8 PEM, as `openssl pkey` reads it.
const TOKEN_KEY: &str = "token-ed25519.pem";
/// Where the secret for bodies lies: 32 raw bytes.
const BODY_SECRET: &str = "body-hmac.key";
/// How many verified tokens are remembered. Verifying costs some 50 µs; a command in all has less than that.
const REMEMBERED: u64 = 20_000;

/// `PrivateKeyInfo` of an Ed25519 seed (RFC 8410 §7), up to the seed itself.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The installation's keys. Every process of an installation must see the same directory.
pub struct Keys {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    /// By SHA-256 of the token, so that no memory dump holds tokens.
    verified: Cache<[u8; 32], Arc<Verified>>,
    body_secret: Secret,
    clock: Arc<dyn Clock>,
}

impl Keys {
    /// Reads the keys in this directory; makes them when they are not there yet.
    pub fn load_or_create(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, SecretError> {
        let path = directory.join(TOKEN_KEY);
        let damaged = || SecretError::Damaged { path: path.clone() };
        let pem = load_or_create(&path, pem)?;
        let signing = EncodingKey::from_ed_pem(&pem).map_err(|_| damaged())?;
        let public = Jwk::from_encoding_key(&signing, Algorithm::EdDSA).map_err(|_| damaged())?;
        let verifying = DecodingKey::from_jwk(&public).map_err(|_| damaged())?;
        let path = directory.join(BODY_SECRET);
        let body_secret = load_or_create(&path, |secret| secret.to_vec())?
            .try_into()
            .map_err(|_| SecretError::Damaged { path })?;
        Ok(Self {
            signing,
            verifying,
            validation: validation(),
            verified: Cache::new(REMEMBERED),
            body_secret,
            clock,
        })
    }

    /// A token for this user, good for `lifetime` from now.
    pub fn mint(&self, user: UserId, roles: &BTreeSet<Role>, lifetime: TimeDelta) -> String {
        let now = self.clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.to_string(),
            roles: roles.iter().copied().map(role_name).collect(),
            iat: now.timestamp(),
            exp: now
                .checked_add_signed(lifetime)
                .map_or(i64::MAX, |expiry| expiry.timestamp()),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.signing)
            .expect("the claims are plain data, and the key was read as an Ed25519 key")
    }

    /// Who holds this token.
    pub fn verify(&self, token: &str) -> Result<Viewer, InvalidToken> {
        self.holder(token).map(|holder| holder.viewer)
    }

    /// Who holds this token, and for how much longer: for connections that may outlive it.
    pub fn holder(&self, token: &str) -> Result<Holder, InvalidToken> {
        let digest = Sha256::digest(token).into();
        let verified = if let Some(verified) = self.verified.get(&digest) {
            verified
        } else {
            let verified = Arc::new(self.check(token)?);
            self.verified.insert(digest, Arc::clone(&verified));
            verified
        };
        let left = (verified.expires - self.clock.now()).to_std().unwrap_or_default();
        if left.is_zero() {
            return Err(InvalidToken::Expired(verified.expires));
        }
        Ok(Holder {
            viewer: verified.viewer.clone(),
            left: Some(left),
        })
    }

    /// The secret for HMACs of command bodies: lost, every retry of an old command looks like another body.
    pub const fn body_secret(&self) -> &Secret {
        &self.body_secret
    }

    fn check(&self, token: &str) -> Result<Verified, InvalidToken> {
        match jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation) {
            Ok(token) => token.claims.try_into(),
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => Err(InvalidToken::Forged),
            Err(error) => Err(InvalidToken::Malformed(error.to_string())),
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// Expiry is checked by [`Keys::verify`] against the clock port, not here against the machine's.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation
}

fn pem(seed: &Secret) -> Vec<u8> {
    let der = BASE64_STANDARD.encode([PKCS8_PREFIX.as_slice(), seed].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use std::sync::Mutex;

    use super::*;

    struct Hands(Mutex<DateTime<Utc>>);

    impl Clock for Hands {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().unwrap()
        }
    }

    fn keys(directory: &Path) -> (Keys, Arc<Hands>) {
        let hands = Arc::new(Hands(Mutex::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap())));
        (Keys::load_or_create(directory, hands.clone()).unwrap(), hands)
    }

    #[test]
    fn a_token_tells_user_and_roles_also_to_a_process_started_later() {
        let directory = tempfile::tempdir().unwrap();
        let user = UserId::generate();
        let roles = BTreeSet::from([Role::Importer, Role::Moderator]);
        let token = keys(directory.path()).0.mint(user, &roles, TimeDelta::hours(1));
        let later = keys(directory.path()).0;
        assert_eq!(later.verify(&token), Ok(Viewer::new(user, roles)));
        assert_eq!(later.body_secret(), keys(directory.path()).0.body_secret());
    }

    #[test]
    fn a_token_expires_also_once_it_was_verified() {
        let directory = tempfile::tempdir().unwrap();
        let (keys, hands) = keys(directory.path());
        let token = keys.mint(UserId::generate(), &BTreeSet::new(), TimeDelta::hours(1));
        assert!(keys.verify(&token).is_ok());
        let expiry = keys.clock.now() + TimeDelta::hours(1);
        *hands.0.lock().unwrap() = expiry;
        assert_eq!(keys.verify(&token), Err(InvalidToken::Expired(expiry)));
    }

    #[test]
    fn a_token_of_another_installation_is_forged_and_a_changed_one_too() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ours = keys(here.path()).0;
        let token = keys(there.path())
            .0
            .mint(UserId::generate(), &BTreeSet::new(), TimeDelta::hours(1));
        assert_eq!(ours.verify(&token), Err(InvalidToken::Forged));
        let good = ours.mint(UserId::generate(), &BTreeSet::new(), TimeDelta::hours(1));
        let other = ours.mint(
            UserId::generate(),
            &BTreeSet::from([Role::Administrator]),
            TimeDelta::hours(1),
        );
        let (_, signature) = good.rsplit_once('.').unwrap();
        let (content, _) = other.rsplit_once('.').unwrap();
        assert_eq!(
            ours.verify(&format!("{content}.{signature}")),
            Err(InvalidToken::Forged)
        );
    }

    #[test]
    fn an_unknown_role_and_what_is_no_token_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let keys = keys(directory.path()).0;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: UserId::generate().to_string(),
            roles: vec!["emperor".to_owned()],
            iat: 0,
            exp: i64::from(u32::MAX),
        };
        let signed =
            |claims: &Claims| jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &keys.signing).unwrap();
        assert_eq!(
            keys.verify(&signed(&claims)),
            Err(InvalidToken::UnknownRole("emperor".to_owned()))
        );
        let elsewhere = Claims {
            aud: "another-api".to_owned(),
            ..claims
        };
        assert!(matches!(
            keys.verify(&signed(&elsewhere)),
            Err(InvalidToken::Malformed(_))
        ));
        assert!(matches!(keys.verify("no.token"), Err(InvalidToken::Malformed(_))));
    }
}
