//! A command as it is asked for, read at the edge: path, body, key, conditions, time and actor. Single requests and
//! lines of a bulk request come to the same [`Request`].

use std::{collections::BTreeMap, sync::LazyLock};

use axum::http::StatusCode;
use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use domain::{
    decision::{Reads, Target},
    erased::AnyCommand,
    id::{self, UserId},
    registry::{EntityType, entities},
    viewer::{Role, Viewer},
};
use event_log::commit::Cause;
use uuid::Uuid;

use crate::{
    key::{Key, command_id},
    limits::BodyLimits,
    problem::Problem,
};

/// What was sent, unread.
#[derive(Debug, Default)]
pub(crate) struct Sent<'a> {
    /// From the root on: `/v1/orders/{id}/place`.
    pub path: &'a str,
    /// Empty for a command without content.
    pub body: Bytes,
    pub viewer: Viewer,
    pub key: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub at: Option<&'a str>,
    pub condition: Condition,
    pub traceparent: Option<&'a str>,
}

/// What the client expects of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Condition {
    #[default]
    None,
    /// `If-Match: *`: it exists.
    Exists,
    /// One of these versions; 0 is a stream without an event.
    Versions(Vec<u64>),
}

impl Condition {
    /// Reads an `If-Match` (RFC 9110 §13.1.1). A weak validator is never equal to a version.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let malformed = || {
            Problem::malformed(
                "if-match-invalid",
                "If-Match takes versions in quotes, as ETag gives them, or *",
            )
            .at("If-Match")
        };
        if text.trim() == "*" {
            return Ok(Self::Exists);
        }
        let mut versions = Vec::new();
        for tag in text.split(',').map(str::trim) {
            let (weak, opaque) = tag.strip_prefix("W/").map_or((false, tag), |opaque| (true, opaque));
            let opaque = opaque
                .strip_prefix('"')
                .and_then(|opaque| opaque.strip_suffix('"'))
                .ok_or_else(malformed)?;
            if let Ok(version) = opaque.parse()
                && !weak
            {
                versions.push(version);
            }
        }
        Ok(Self::Versions(versions))
    }

    /// Whether a stream at this version is what the client expects.
    pub fn holds(&self, version: u64) -> bool {
        match self {
            Self::None => true,
            Self::Exists => version > 0,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// A command, ready to be decided.
#[derive(Debug)]
pub(crate) struct Request {
    pub entity: &'static EntityType,
    pub name: &'static str,
    pub target: Target,
    pub viewer: Viewer,
    pub reads: Reads,
    pub key: Option<Key>,
    pub condition: Condition,
    /// When it happened, if an importer said so.
    pub at: Option<DateTime<Utc>>,
    pub id: Uuid,
    traceparent: Option<String>,
    body: Bytes,
    /// Taken by the decision; read again when it has to be decided again.
    command: Option<Box<dyn AnyCommand>>,
}

impl Request {
    /// Reads what was sent.
    pub fn read(sent: Sent<'_>, secret: &[u8; 32], limits: &BodyLimits) -> Result<Self, Problem> {
        let Sent {
            path,
            mut body,
            mut viewer,
            key,
            actor,
            at,
            condition,
            traceparent,
        } = sent;
        let user = viewer.user.ok_or_else(Problem::no_token)?;
        let (entity, name, target) = resolve(path)?;
        if body.iter().all(u8::is_ascii_whitespace) {
            body = Bytes::from_static(b"{}");
        }
        limits.check(&body)?;
        let at = at.map(|at| read_time(at, &viewer)).transpose()?;
        let actor = actor.map_or(Ok(user), |actor| read_actor(actor, &viewer))?;
        viewer.user = Some(actor);
        let key = key.map(|key| Key::read(key, secret, path, &body)).transpose()?;
        let id = key.as_ref().map_or_else(id::generate, |key| {
            command_id(&actor.to_string(), &target.scope, &key.text)
        });
        let command = parse(entity, name, &body)?;
        Ok(Self {
            entity,
            name,
            reads: command.reads(&target),
            target,
            viewer,
            key,
            condition,
            at,
            id,
            traceparent: traceparent.filter(|text| is_traceparent(text)).map(str::to_owned),
            body,
            command: Some(command),
        })
    }

    /// The command to ask what it needs.
    pub fn peek(&mut self) -> Result<&dyn AnyCommand, Problem> {
        let command = self.take()?;
        Ok(&**self.command.insert(command))
    }

    /// The command to decide.
    pub fn take(&mut self) -> Result<Box<dyn AnyCommand>, Problem> {
        match self.command.take() {
            Some(command) => Ok(command),
            None => parse(self.entity, self.name, &self.body),
        }
    }

    /// Where the events of this command come from.
    pub fn cause(&self, standing: Option<String>) -> Cause {
        Cause {
            command: self.id,
            correlation: self.id,
            causation: None,
            actor: self.viewer.user.map(|user| user.to_string()),
            idempotency_key: self.key.as_ref().map(|key| key.text.clone()),
            body_hmac: self.key.as_ref().map(|key| key.fingerprint.clone()),
            standing,
            traceparent: self.traceparent.clone(),
        }
    }
}

fn parse(entity: &EntityType, name: &str, body: &[u8]) -> Result<Box<dyn AnyCommand>, Problem> {
    let parsed = entity
        .parse(name, body)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "unknown-command", "there is no such command"))?;
    Ok(parsed?)
}

/// The commands of each aggregate type, by its name; their schemas are not made again for each request.
static COMMANDS: LazyLock<BTreeMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    entities()
        .iter()
        .map(|entity| {
            (
                entity.name,
                (entity.commands)().iter().map(|command| command.name).collect(),
            )
        })
        .collect()
});

/// The aggregate type, command and stream of a path.
fn resolve(path: &str) -> Result<(&'static EntityType, &'static str, Target), Problem> {
    let segments: Vec<&str> = path.strip_prefix("/v1/").unwrap_or(path).split('/').collect();
    let Some((name, stream)) = segments.split_last() else {
        return Err(unknown_path());
    };
    let (entity, target) = entities()
        .iter()
        .find_map(|entity| Some((entity, entity.target(stream)?)))
        .ok_or_else(unknown_path)?;
    let target = target.map_err(|error| Problem::malformed("id-invalid", error.to_string()))?;
    let names = COMMANDS.get(entity.name).map_or(&[][..], Vec::as_slice);
    if let Some(name) = names.iter().find(|known| *known == name) {
        return Ok((entity, name, target));
    }
    let detail = format!("a {} has no such command", entity.name);
    Err(Problem::new(StatusCode::NOT_FOUND, "unknown-command", detail).with("commands", names.to_vec()))
}

fn unknown_path() -> Problem {
    let paths: Vec<String> = entities()
        .iter()
        .map(|entity| format!("/v1/{}/{{command}}", entity.path))
        .collect();
    Problem::new(StatusCode::NOT_FOUND, "unknown-path", "no aggregate lies at this path").with("paths", paths)
}

fn only_importers(viewer: &Viewer, field: &str) -> Result<(), Problem> {
    if viewer.has(Role::Importer) {
        return Ok(());
    }
    let detail = "only an importer may say when something happened, or who did it";
    Err(Problem::new(StatusCode::FORBIDDEN, "importers-only", detail).at(field))
}

/// Reads `Stoa-At`: RFC 3339, kept to the microsecond.
fn read_time(text: &str, viewer: &Viewer) -> Result<DateTime<Utc>, Problem> {
    only_importers(viewer, "Stoa-At")?;
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc().trunc_subsecs(6))
        .map_err(|error| Problem::malformed("time-invalid", format!("not an RFC 3339 time: {error}")).at("Stoa-At"))
}

/// Reads `Stoa-Actor`: a user's id.
fn read_actor(text: &str, viewer: &Viewer) -> Result<UserId, Problem> {
    only_importers(viewer, "Stoa-Actor")?;
    text.parse()
        .map_err(|error: id::InvalidId| Problem::malformed("actor-invalid", error.to_string()).at("Stoa-Actor"))
}

/// Whether a text is a W3C `traceparent` (Trace Context §3.2.2), as far as it is worth keeping.
fn is_traceparent(text: &str) -> bool {
    text.len() == 55 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_takes_versions_lists_and_a_star_and_never_a_weak_one() {
        assert_eq!(Condition::read("\"3\""), Ok(Condition::Versions(vec![3])));
        assert_eq!(Condition::read(" * "), Ok(Condition::Exists));
        assert_eq!(Condition::read("\"1\", \"2\""), Ok(Condition::Versions(vec![1, 2])));
        assert_eq!(Condition::read("W/\"3\", \"abc\""), Ok(Condition::Versions(vec![])));
        assert!(Condition::read("3").is_err());
        assert!(Condition::Exists.holds(1) && !Condition::Exists.holds(0));
    }
}
