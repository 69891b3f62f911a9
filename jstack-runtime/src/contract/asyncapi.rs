//! AsyncAPI 3.0 for WebSockets.

use schemars::Schema;
use schemars::transform::{
    RemoveRefSiblings, ReplacePrefixItems, ReplaceUnevaluatedProperties, Transform,
};
use serde_json::{Map, Value, json};

use super::contract::{Contract, EventContract, ProcedureContract};
use super::document::{component, components, describe, id, info, issues};
use super::walk::walk;
use crate::procedure::Kind;

impl Contract {
    /// The WebSocket procedures as an AsyncAPI 3.0 document.
    pub fn asyncapi(&self) -> Value {
        document(self)
    }
}

/// The whole document. It describes the server: what it *receives* is what clients send.
fn document(contract: &Contract) -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    for procedure in contract.procedures().iter().filter(|p| p.kind == Kind::Ws) {
        let channel = id(&procedure.path);
        for (action, direction) in [("receive", "incoming"), ("send", "outgoing")] {
            let messages: Vec<_> = messages(contract, procedure, direction)
                .into_iter()
                .map(|(name, _)| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") }))
                .collect();
            operations.insert(
                format!("{channel}.{direction}"),
                json!({
                    "action": action,
                    "channel": { "$ref": format!("#/channels/{channel}") },
                    "messages": messages,
                }),
            );
        }
        channels.insert(channel, self::channel(contract, procedure));
    }
    let mut schemas: Map<_, _> =
        components(contract).into_iter().map(|(name, schema)| (name, draft07(schema))).collect();
    schemas.insert("EventError".to_owned(), error());
    json!({
        "asyncapi": "3.0.0",
        "info": info(contract),
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": { "schemas": schemas },
    })
}

fn channel(contract: &Contract, procedure: &ProcedureContract) -> Value {
    let mut messages = self::messages(contract, procedure, "incoming");
    messages.extend(self::messages(contract, procedure, "outgoing"));
    let mut channel = Map::from_iter([
        ("address".to_owned(), json!(format!("{}/{}", contract.base, procedure.path))),
        ("messages".to_owned(), messages.into()),
        ("bindings".to_owned(), json!({ "ws": { "method": "GET" } })),
    ]);
    describe(&mut channel, &procedure.docs);
    channel.into()
}

/// The messages of one direction, by their names within the channel. An event may travel both
/// ways, so the direction is part of the name.
fn messages(
    contract: &Contract,
    procedure: &ProcedureContract,
    direction: &str,
) -> Map<String, Value> {
    let events = if direction == "incoming" { &procedure.incoming } else { &procedure.outgoing };
    let own = events.iter().map(|event| (event.name.clone(), of_event(contract, event)));
    let protocol = if direction == "incoming" {
        vec![("ping", frame("ping", &json!({})), "Asks whether the server is there.")]
    } else {
        vec![
            ("pong", frame("pong", &json!({ "type": "null" })), "AnswerWriter `ping`."),
            (
                "error",
                frame("error", &json!({ "$ref": "#/components/schemas/EventError" })),
                "Something that this client sent was refused.",
            ),
        ]
    };
    let protocol = protocol.into_iter().map(|(name, payload, summary)| {
        let message = json!({ "name": name, "summary": summary, "payload": payload });
        (name.to_owned(), message)
    });
    own.chain(protocol)
        .map(|(name, message)| (format!("{direction}.{}", id(&name)), message))
        .collect()
}

fn of_event(contract: &Contract, event: &EventContract) -> Value {
    let payload = frame(&event.name, &draft07(component(contract, &event.schema)));
    let mut message =
        Map::from_iter([("name".to_owned(), json!(event.name)), ("payload".to_owned(), payload)]);
    describe(&mut message, &event.docs);
    message.into()
}

/// The array `["event", data]`.
fn frame(event: &str, data: &Value) -> Value {
    json!({
        "type": "array",
        "items": [{ "const": event }, data],
        "minItems": 2,
        "maxItems": 2,
        "additionalItems": false,
    })
}

fn error() -> Value {
    json!({
        "type": "object",
        "description": "Why something that this client sent was refused.",
        "required": ["event", "code", "message", "issues"],
        "properties": {
            "event": { "type": ["string", "null"], "description": "The event that was refused; null where the frame was none." },
            "code": { "type": "string" },
            "message": { "type": "string" },
            "issues": issues(),
        },
    })
}

/// The dialect of AsyncAPI is that of draft 7.
fn draft07(mut schema: Value) -> Value {
    walk(&mut schema, &mut |object| {
        // What stands behind a reference is out of sight there: looser is right, stricter is not.
        let composed =
            ["$ref", "oneOf", "anyOf", "allOf"].iter().filter_map(|key| object.get(*key));
        if composed.into_iter().any(refers) {
            object.remove("unevaluatedProperties");
        }
    });
    let Ok(mut schema) = Schema::try_from(schema) else { return Value::Bool(true) };
    ReplaceUnevaluatedProperties::default().transform(&mut schema);
    RemoveRefSiblings::default().transform(&mut schema);
    ReplacePrefixItems::default().transform(&mut schema);
    schema.to_value()
}

fn refers(part: &Value) -> bool {
    match part {
        Value::String(_) => true,
        Value::Array(parts) => parts.iter().any(|part| part.get("$ref").is_some()),
        _ => false,
    }
}
