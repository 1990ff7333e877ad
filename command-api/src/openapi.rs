//! The OpenAPI 3.1 document, made from the registry: every command's path, parameters and body, and the answers that
//! all have in common.

use std::sync::LazyLock;

use domain::{
    entity::CommandType,
    registry::{EntityType, Segment, entities},
};
use schemars::schema_for;
use serde_json::{Map, Value, json};

use crate::{problem::NAMESPACE, receipt::Receipt};

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&document()).expect("the document is JSON");
    text.push('\n');
    text
});

/// The document's text, as it is served and checked in.
pub fn text() -> &'static str {
    &TEXT
}

/// The document.
pub fn document() -> Value {
    let mut components = Components::default();
    let mut paths = Map::new();
    for entity in entities() {
        for command in (entity.commands)() {
            let path = format!("/v1/{}/{}", entity.path, command.name);
            paths.insert(path, json!({ "post": operation(entity, command, &mut components) }));
        }
    }
    paths.insert("/v1/commands".to_owned(), json!({ "post": bulk() }));
    components.add(schema_for!(Receipt).to_value(), "Receipt");
    components.schemas.insert("Problem".to_owned(), problem_schema());
    components.schemas.insert("BulkLine".to_owned(), line_schema());
    components.schemas.insert("BulkResult".to_owned(), result_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stoa command API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Commands are sent here, one path each; what came of them is read with GraphQL. Ids of \
                aggregates are made by the client: a prefix, an underscore and a UUIDv7.",
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": components.schemas,
            "parameters": parameters(),
            "responses": responses(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

fn operation(entity: &EntityType, command: CommandType, components: &mut Components) -> Value {
    let body = components.add(command.schema.to_value(), &format!("{}-{}", entity.name, command.name));
    let ids = entity.segments().filter_map(|segment| match segment {
        Segment::Id(name) => Some(id_parameter(name, entity)),
        Segment::Literal(_) => None,
    });
    let shared = ["IdempotencyKey", "IfMatch", "At", "Actor"]
        .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    let mut answers = Map::from_iter([
        ("200".to_owned(), json!({ "$ref": "#/components/responses/Done" })),
        ("201".to_owned(), json!({ "$ref": "#/components/responses/Created" })),
    ]);
    for status in [
        "400", "401", "403", "404", "408", "409", "412", "413", "415", "422", "503",
    ] {
        answers.insert(status.to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    json!({
        "operationId": format!("{}-{}", entity.name, command.name),
        "tags": [entity.name],
        "summary": command.summary,
        "parameters": ids.chain(shared).collect::<Vec<_>>(),
        "requestBody": { "content": { "application/json": { "schema": body } } },
        "responses": answers,
    })
}

fn id_parameter(name: &str, of: &EntityType) -> Value {
    let prefix = entities()
        .iter()
        .find(|entity| entity.name == name)
        .map_or(of.prefix, |entity| entity.prefix);
    let hex = "[0-9a-f]";
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "schema": {
            "type": "string",
            "pattern": format!("^{prefix}_{hex}{{8}}-{hex}{{4}}-7{hex}{{3}}-[89ab]{hex}{{3}}-{hex}{{12}}$"),
        },
    })
}

fn bulk() -> Value {
    json!({
        "operationId": "bulk",
        "summary": "Carries out many commands, a line each, and answers a line each, in order, both streamed.",
        "description": "Lines of one scope are decided in the order in which they are sent; lines of different scopes \
            side by side. A line that is refused or malformed stops no other.",
        "requestBody": { "required": true, "content": { "application/x-ndjson": {
            "schema": { "$ref": "#/components/schemas/BulkLine" },
        } } },
        "responses": {
            "200": { "description": "A result for each line that is not empty.", "content": { "application/x-ndjson": {
                "schema": { "$ref": "#/components/schemas/BulkResult" },
            } } },
            "401": { "$ref": "#/components/responses/Problem" },
            "415": { "$ref": "#/components/responses/Problem" },
            "503": { "$ref": "#/components/responses/Problem" },
        },
    })
}

fn parameters() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
    json!({
        "IdempotencyKey": header(
            "Idempotency-Key",
            "Unique per actor and scope. The same key with the same command gives the same receipt, with \
                `Idempotency-Replayed: true`; with another command 422. A refusal is not remembered.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
        ),
        "IfMatch": header(
            "If-Match",
            "The version that the stream must have, in quotes, as `ETag` gave it; `\"0\"` when it must not exist yet, \
                `*` when it must. 412 when it is another.",
            json!({ "type": "string" }),
        ),
        "At": header(
            "Stoa-At",
            "When it happened. Importers only.",
            json!({ "type": "string", "format": "date-time" }),
        ),
        "Actor": header("Stoa-Actor", "On whose behalf. Importers only.", json!({ "type": "string" })),
    })
}

fn responses() -> Value {
    let receipt = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Receipt" } } });
    let headers = json!({
        "ETag": { "description": "The stream's version, in quotes.", "schema": { "type": "string" } },
        "Idempotency-Replayed": {
            "description": "Present when the command had been carried out before.",
            "schema": { "const": "true" },
        },
    });
    json!({
        "Done": { "description": "It is in the log.", "headers": headers, "content": receipt },
        "Created": { "description": "It is in the log, and the stream began with it.", "headers": headers, "content": receipt },
        "Problem": {
            "description": "It was not carried out; with `outcome-unknown` nobody knows yet.",
            "headers": {
                "Retry-After": { "description": "With 503: seconds.", "schema": { "type": "integer" } },
                "WWW-Authenticate": { "description": "With 401.", "schema": { "type": "string" } },
            },
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        },
    })
}

fn problem_schema() -> Value {
    json!({
        "description": "RFC 9457.",
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string", "pattern": format!("^{NAMESPACE}[a-z0-9-]+$") },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "field": { "type": "string", "description": "A JSON pointer into the body, or the name of a header." },
            "facts": { "type": "object", "description": "The state that refused it." },
            "instance": { "type": "string", "description": "The command, `urn:uuid:…`." },
        },
    })
}

fn line_schema() -> Value {
    json!({
        "type": "object",
        "required": ["path"],
        "additionalProperties": false,
        "properties": {
            "path": { "type": "string", "description": "`/v1/orders/{order}/place`" },
            "key": { "type": "string", "description": "As `Idempotency-Key`." },
            "actor": { "type": "string", "description": "As `Stoa-Actor`." },
            "at": { "type": "string", "format": "date-time", "description": "As `Stoa-At`." },
            "ifMatch": { "type": "integer", "description": "The version that the stream must have." },
            "data": { "type": "object", "description": "The command's body." },
        },
    })
}

fn result_schema() -> Value {
    json!({
        "type": "object",
        "required": ["line", "status"],
        "properties": {
            "line": { "type": "integer", "description": "From 1; empty lines count." },
            "status": { "type": "integer", "description": "What a single request would have answered." },
            "replayed": { "type": "boolean" },
            "receipt": { "$ref": "#/components/schemas/Receipt" },
            "problem": { "$ref": "#/components/schemas/Problem" },
        },
    })
}

/// Schemas by name. What a schema defines for itself becomes a component of all.
#[derive(Debug, Default)]
struct Components {
    schemas: Map<String, Value>,
}

impl Components {
    /// Adds a schema under its title; gives the reference to it.
    fn add(&mut self, mut schema: Value, otherwise: &str) -> Value {
        let mut title = otherwise.to_owned();
        if let Value::Object(schema) = &mut schema {
            schema.remove("$schema");
            if let Some(Value::String(own)) = schema.remove("title") {
                title = own;
            }
            if let Some(Value::Object(definitions)) = schema.remove("$defs") {
                for (name, definition) in definitions {
                    self.put(name, definition);
                }
            }
        }
        self.put(title.clone(), schema);
        json!({ "$ref": format!("#/components/schemas/{title}") })
    }

    fn put(&mut self, name: String, mut schema: Value) {
        point_to_components(&mut schema);
        let known = self.schemas.entry(name).or_insert_with(|| schema.clone());
        debug_assert_eq!(*known, schema, "two types of one name have different schemas");
    }
}

fn point_to_components(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "$ref" => {
                        *target = target.replace("#/$defs/", "#/components/schemas/");
                    }
                    member => point_to_components(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_components),
        _ => {}
    }
}
