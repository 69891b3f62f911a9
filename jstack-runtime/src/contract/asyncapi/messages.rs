//! Messages: the whole frame of an event, in the dialect of AsyncAPI.

use schemars::Schema;
use schemars::transform::{
    RemoveRefSiblings, ReplacePrefixItems, ReplaceUnevaluatedProperties, Transform,
};
use serde_json::{Map, Value, json};

use crate::contract::contract::{Contract, EventContract, ProcedureContract};
use crate::contract::document::{component, describe, id, issues};
use crate::contract::walk::walk;
use crate::events::Delivery;

/// The messages of one direction, by their names within the channel. An event may travel both
/// ways, so the direction is part of the name.
pub(super) fn messages(
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
            ("pong", frame("pong", &json!({ "type": "null" })), "Answers `ping`."),
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
    let payload = frame(&event.name, &schema(contract, &event.schema));
    let mut message =
        Map::from_iter([("name".to_owned(), json!(event.name)), ("payload".to_owned(), payload)]);
    describe(&mut message, &event.docs);
    if event.delivery != Delivery::Reliable {
        message.insert("x-delivery".to_owned(), json!(event.delivery.label()));
    }
    if let Some(field) = &event.latest_by {
        message.insert("x-latest-by".to_owned(), json!(field));
    }
    message.into()
}

/// The array `["event", data]`.
pub(super) fn frame(event: &str, data: &Value) -> Value {
    closed(&[json!({ "const": event }), data.clone()])
}

/// An array of exactly these items.
pub(super) fn closed(items: &[Value]) -> Value {
    json!({
        "type": "array",
        "items": items,
        "minItems": items.len(),
        "maxItems": items.len(),
        "additionalItems": false,
    })
}

/// An object with these properties.
pub(super) fn object(required: &[(&str, &Value)], optional: &[(&str, &Value)]) -> Value {
    let names: Vec<_> = required.iter().map(|(name, _)| *name).collect();
    let properties: Map<_, _> = required
        .iter()
        .chain(optional)
        .map(|&(name, schema)| (name.to_owned(), schema.clone()))
        .collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

/// A frame of the profile that does not answer and is not answered.
pub(super) fn unasked(name: &str, data: &Value, summary: &str) -> Value {
    json!({ "name": name, "x-profile": "v1", "summary": summary, "payload": frame(name, data) })
}

/// The message `[name, data, { i: id }]`: a request, a question, or what answers it.
pub(super) fn numbered(name: &str, data: &Value, docs: &str) -> Value {
    let id = json!({
        "type": "object",
        "required": ["i"],
        "properties": { "i": { "type": "string", "maxLength": 32 } },
    });
    let mut message = Map::new();
    message.insert("name".to_owned(), json!(name));
    message.insert("x-profile".to_owned(), json!("v1"));
    message.insert("correlationId".to_owned(), json!({ "location": "$message.payload#/2/i" }));
    message.insert("payload".to_owned(), closed(&[json!({ "const": name }), data.clone(), id]));
    describe(&mut message, docs);
    message.into()
}

/// The schema of the `error` event's data.
pub(super) fn error() -> Value {
    json!({
        "type": "object",
        "description": "Why something that this client sent was refused.",
        "required": ["event", "code", "message", "issues"],
        "properties": {
            "event": { "type": ["string", "null"], "description": "The event that was refused; null if the frame had no event." },
            "code": { "type": "string" },
            "message": { "type": "string" },
            "issues": issues(),
        },
    })
}

/// A schema of the contract as the document has it.
pub(super) fn schema(contract: &Contract, schema: &Value) -> Value {
    draft07(component(contract, schema))
}

/// The dialect of AsyncAPI is that of draft 7.
pub(super) fn draft07(mut schema: Value) -> Value {
    walk(&mut schema, &mut |object| {
        // The target of a reference is not visible there: looser is correct, stricter is not.
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
