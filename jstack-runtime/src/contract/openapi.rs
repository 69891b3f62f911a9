//! OpenAPI 3.1 for GET and POST.

use serde_json::{Map, Value, json};

use super::contract::{Contract, InputContract, OutputContract, ProcedureContract};
use super::document::{component, components, describe, id, info, issues};
use super::walk;
use crate::procedure::Kind;

impl Contract {
    /// Returns the GET and POST procedures as an OpenAPI 3.1 document.
    ///
    /// ```
    /// # use jstack_runtime::App;
    /// # let app: App = App::new();
    /// assert_eq!(app.describe().openapi()["openapi"], "3.1.0");
    /// ```
    pub fn openapi(&self) -> Value {
        document(self)
    }
}

/// The whole document.
fn document(contract: &Contract) -> Value {
    let paths: Map<_, _> = contract
        .procedures()
        .iter()
        .map(|procedure| {
            let method = if procedure.kind == Kind::Post { "post" } else { "get" };
            (format!("/{}", procedure.path), json!({ method: operation(contract, procedure) }))
        })
        .collect();
    let mut tags: Vec<_> = contract.procedures().iter().filter_map(tag).collect();
    tags.dedup();
    let tags: Vec<_> = tags.into_iter().map(|name| json!({ "name": name })).collect();
    let mut schemas = components(contract);
    schemas.insert("Problem".to_owned(), problem());
    let base = if contract.base.is_empty() { "/" } else { contract.base.as_str() };
    json!({
        "openapi": "3.1.0",
        "info": info(contract),
        "servers": [{ "url": base }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": shared_responses(),
        },
    })
}

fn tag(procedure: &ProcedureContract) -> Option<&str> {
    procedure.path.rsplit_once('/').map(|(router, _)| router)
}

fn operation(contract: &Contract, procedure: &ProcedureContract) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), id(&procedure.path).into());
    operation.extend(tag(procedure).map(|tag| ("tags".to_owned(), json!([tag]))));
    describe(&mut operation, &procedure.docs);
    match (procedure.kind, &procedure.input) {
        (Kind::Get, Some(input)) => {
            operation.insert("parameters".to_owned(), parameters(contract, input));
        }
        (Kind::Post, Some(input)) => {
            operation.insert("requestBody".to_owned(), body(contract, input));
        }
        _ => {}
    }
    if procedure.kind == Kind::Ws {
        operation.insert("x-websocket".to_owned(), true.into());
    }
    operation.insert("responses".to_owned(), responses(contract, procedure));
    operation.into()
}

/// A GET's input: one parameter for each field.
fn parameters(contract: &Contract, input: &InputContract) -> Value {
    let mut fields = Fields::default();
    fields.add(contract, &input.schema);
    let parameters = fields.list.iter().map(|(name, schema, required)| {
        let mut parameter = Map::from_iter([
            ("name".to_owned(), json!(name)),
            ("in".to_owned(), json!("query")),
            ("required".to_owned(), json!(*required && !input.optional)),
        ]);
        let mut schema = component(contract, schema);
        if let Some(description) = schema.as_object_mut().and_then(|s| s.remove("description")) {
            parameter.insert("description".to_owned(), description);
        }
        if is_scalar(contract, &schema, 0) {
            // A query has no null: a missing parameter means it.
            parameter.insert("schema".to_owned(), without_null(schema));
        } else {
            let superjson = superjson(&schema);
            parameter.insert(
                "content".to_owned(),
                json!({ "application/json": { "schema": superjson } }),
            );
        }
        Value::from(parameter)
    });
    parameters.collect()
}

/// The fields of an input, by name, with their schemas and whether they must be there.
#[derive(Default)]
struct Fields<'a> {
    list: Vec<(&'a str, &'a Value, bool)>,
}

impl<'a> Fields<'a> {
    fn add(&mut self, contract: &'a Contract, schema: &'a Value) {
        let Some(object) = schema.as_object() else { return };
        if let Some(schema) = walk::target(object).and_then(|name| contract.types.get(name)) {
            self.add(contract, schema);
        }
        let required = object.get("required").and_then(Value::as_array);
        for (name, schema) in
            object.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let is_required = required.is_some_and(|names| names.iter().any(|n| n == name));
            if !self.list.iter().any(|(known, ..)| known == name) {
                self.list.push((name, schema, is_required));
            }
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            for part in object.get(key).and_then(Value::as_array).into_iter().flatten() {
                let before = self.list.len();
                self.add(contract, part);
                // A field of one variant is not one of all.
                let is_union = key != "allOf";
                self.list[before..].iter_mut().for_each(|(.., required)| *required &= !is_union);
            }
        }
    }
}

/// References may go round in circles; a scalar is not nested that deep.
const NESTED: usize = 16;

/// Whether a text in a query can represent any value of this schema.
fn is_scalar(contract: &Contract, schema: &Value, depth: usize) -> bool {
    let Some(object) = schema.as_object().filter(|_| depth < NESTED) else { return false };
    if let Some(target) = walk::text(object, "$ref") {
        let name = target.rsplit('/').next().unwrap_or_default();
        return contract
            .types
            .get(name)
            .is_some_and(|schema| is_scalar(contract, schema, depth + 1));
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(Value::Array(parts)) = object.get(key) {
            return parts.iter().all(|part| is_scalar(contract, part, depth + 1));
        }
    }
    let scalar =
        |kind: &Value| kind.as_str().is_some_and(|kind| !matches!(kind, "object" | "array"));
    match (object.get("type"), object.get("const")) {
        (Some(Value::Array(kinds)), _) => kinds.iter().all(scalar),
        (Some(kind), _) => scalar(kind),
        (None, Some(value)) => !value.is_object() && !value.is_array(),
        (None, None) => false,
    }
}

fn without_null(mut schema: Value) -> Value {
    let Some(object) = schema.as_object_mut() else { return schema };
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(parts)) = object.get_mut("anyOf") {
        parts.retain(|part| part.get("type").is_none_or(|kind| kind != "null"));
        if let [only] = parts.as_slice() {
            return only.clone();
        }
    }
    schema
}

fn superjson(schema: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["json"],
        "properties": {
            "json": schema,
            "meta": { "type": "object", "description": "Which values JSON cannot express, by path (superjson)." },
        },
    })
}

fn body(contract: &Contract, input: &InputContract) -> Value {
    json!({
        "required": !input.optional,
        "content": { "application/json": { "schema": component(contract, &input.schema) } },
    })
}

fn responses(contract: &Contract, procedure: &ProcedureContract) -> Value {
    let mut responses = Map::new();
    let shared = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    let mut add = |status: &str, response| responses.insert(status.to_owned(), response);
    match &procedure.output {
        Some(OutputContract::Json(schema)) => {
            let content = json!({ "application/json": { "schema": component(contract, schema) } });
            add("200", json!({ "description": "The answer.", "content": content }));
        }
        Some(OutputContract::SuperJson(schema)) => {
            add("200", superjson_answer("The answer.", &component(contract, schema)));
        }
        Some(OutputContract::Void) => {
            add(
                "200",
                superjson_answer("Done; there is nothing to return.", &json!({ "type": "null" })),
            );
        }
        Some(OutputContract::Raw) => {
            add("default", json!({ "description": "Whatever the handler writes." }));
        }
        None => {
            add(
                "101",
                json!({ "description": "The WebSocket is open; the AsyncAPI document says what it carries." }),
            );
            add("401", shared("Refused"));
            add("403", shared("Refused"));
            add("426", shared("NoUpgrade"));
            add("503", shared("Unavailable"));
        }
    }
    if procedure.kind == Kind::Post {
        add("413", shared("TooLarge"));
        add("415", shared("NotJson"));
    }
    if procedure.input.is_some() {
        add("422", shared("Invalid"));
    }
    add("400", shared("Malformed"));
    // Handlers and extractors refuse with statuses of their own.
    add("4XX", shared("Refused"));
    add("500", shared("Failed"));
    responses.into()
}

fn superjson_answer(description: &str, schema: &Value) -> Value {
    json!({
        "description": description,
        "headers": { "x-is-superjson": { "required": true, "schema": { "const": "true" } } },
        "content": { "application/json": { "schema": superjson(schema) } },
    })
}

fn shared_responses() -> Value {
    let response =
        |description: &str| json!({ "description": description, "content": error_content() });
    json!({
        "Malformed": response("The request cannot be read."),
        "Invalid": response("The input breaks a rule; each field is named."),
        "Refused": response("Refused, for the reason in the body."),
        "Unavailable": response("Not now; later may do."),
        "TooLarge": response("The body is longer than the limit."),
        "NotJson": response("The body's content type is not JSON."),
        "NoUpgrade": response("Not an upgrade to a WebSocket."),
        "Failed": response("A failure of the server, which says nothing more."),
    })
}

/// Errors are text, or problem documents (RFC 9457) for a client that accepts them.
fn error_content() -> Value {
    json!({
        "text/plain": { "schema": { "type": "string" } },
        "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "An error as RFC 9457 has it.",
        "required": ["title", "status", "detail", "code"],
        "properties": {
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "code": { "type": "string" },
            "errors": issues(),
        },
    })
}
