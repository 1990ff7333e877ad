//! A line of `POST /v1/commands`, and ids derived from a source's own.

use chrono::{DateTime, Utc};
use domain::id::{self, UserId};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A command of an import.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// `/v1/orders/ord_…/place`
    pub path: String,
    /// The idempotency key: the same at every run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// The version that the stream must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_match: Option<u64>,
    /// The command's body.
    pub data: Box<RawValue>,
}

impl Line {
    /// A command, at a path below `/v1/`, whose key is the path: each is given once in an import.
    pub fn new(path: String, actor: UserId, at: DateTime<Utc>, body: &impl Serialize) -> anyhow::Result<Self> {
        let data = serde_json::value::to_raw_value(body)?;
        let key = Some(format!("import/{path}"));
        Ok(Self {
            path: format!("/v1/{path}"),
            key,
            actor: Some(actor),
            at: Some(at),
            if_match: None,
            data,
        })
    }

    /// The same with something behind the key, for a command that is given to the same stream more than once.
    pub fn keyed(mut self, suffix: impl std::fmt::Display) -> Self {
        self.key = self.key.map(|key| format!("{key}/{suffix}"));
        self
    }
}

/// The id of something that the source calls `name`: its time and a hash of its name, the same at every run.
pub fn derived(kind: &str, name: &str, at: DateTime<Utc>) -> Uuid {
    let digest = Sha256::digest(format!("{kind}\n{name}"));
    let digest = digest.first_chunk().expect("SHA-256 has more than ten bytes");
    id::derived(at, *digest)
}
