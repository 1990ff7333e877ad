//! What a token says: JSON Web Token (RFC 7519), signed with Ed25519 (`EdDSA`, RFC 8037).

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use domain::viewer::{Role, Viewer};
use serde::{Deserialize, Serialize, de::IntoDeserializer};

/// The `iss` of every token: this installation.
pub(crate) const ISSUER: &str = "stoa";
/// The `aud` of every token: its APIs.
pub(crate) const AUDIENCE: &str = "stoa-api";

/// The claims of a token. Roles are text here, so that one which this version does not know is told by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user's id, `usr_…`.
    pub sub: String,
    #[serde(default)]
    pub roles: Vec<String>,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
}

/// What is wrong with a token. Every one answers 401.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It is not a bearer token, or not a JWT with the claims that Stoa writes.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// The signature is not this installation's.
    #[error("the token was not signed by this installation")]
    Forged,
    /// Its time is over.
    #[error("the token expired at {}", .0.to_rfc3339())]
    Expired(DateTime<Utc>),
    /// It names a role that this version does not know.
    #[error("the token names the role {0:?}, which does not exist")]
    UnknownRole(String),
}

impl InvalidToken {
    /// The stable name, kebab-case, with which a problem's `type` ends.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "token-malformed",
            Self::Forged => "token-forged",
            Self::Expired(_) => "token-expired",
            Self::UnknownRole(_) => "token-unknown-role",
        }
    }
}

/// Who holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who it is.
    pub viewer: Viewer,
    /// How much longer the token is good; nobody in particular has none that could expire.
    pub left: Option<Duration>,
}

/// What was verified, and until when it holds.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    pub viewer: Viewer,
    pub expires: DateTime<Utc>,
}

impl TryFrom<Claims> for Verified {
    type Error = InvalidToken;

    fn try_from(claims: Claims) -> Result<Self, InvalidToken> {
        let user = claims
            .sub
            .parse()
            .map_err(|error| InvalidToken::Malformed(format!("its subject: {error}")))?;
        let roles: BTreeSet<Role> = claims
            .roles
            .into_iter()
            .map(|name| role(&name).ok_or(InvalidToken::UnknownRole(name)))
            .collect::<Result<_, _>>()?;
        let expires = DateTime::from_timestamp(claims.exp, 0)
            .ok_or_else(|| InvalidToken::Malformed("its time of expiry".to_owned()))?;
        Ok(Self {
            viewer: Viewer::new(user, roles),
            expires,
        })
    }
}

/// The role of this name.
pub fn role(name: &str) -> Option<Role> {
    let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
    Role::deserialize(name).ok()
}

/// The name of a role, as a token and a command line have it.
pub fn role_name(role: Role) -> String {
    match serde_json::to_value(role) {
        Ok(serde_json::Value::String(name)) => name,
        _ => unreachable!("a role is an enum of unit variants, which serialises as a string"),
    }
}
