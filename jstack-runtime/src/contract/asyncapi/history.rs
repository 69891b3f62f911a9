//! What clients of the profile `v1` send and get of rooms with a history.

use serde_json::{Map, Value, json};

use super::messages::{closed, numbered, object, schema, unasked};
use super::operations::{operation, request};
use crate::contract::contract::{Contract, EventContract, ProcedureContract};
use crate::contract::document::{describe, id};

/// The messages of a channel whose rooms have a history.
pub(super) fn messages(contract: &Contract, procedure: &ProcedureContract) -> Map<String, Value> {
    let messages = [
        ("v1.history", numbered("$history", &question(), "Reads the history of a room.")),
        ("v1.page", numbered("$ok", &page(contract, procedure), "A page of a room's history.")),
        (
            "v1.at",
            unasked(
                "$at",
                &object(&[("r", &room()), ("o", &offset())], &[]),
                "The message with this offset was not for the connection.",
            ),
        ),
        (
            "v1.pos",
            unasked(
                "$pos",
                &json!({ "type": "object", "additionalProperties": position() }),
                "Where rooms are that have moved, by their names; that of everybody is empty.",
            ),
        ),
    ];
    let kept = kept(procedure).map(|event| {
        let place = object(&[("r", &room()), ("o", &offset())], &[]);
        let payload =
            closed(&[json!({ "const": event.name }), schema(contract, &event.schema), place]);
        let mut message = Map::from_iter([
            ("name".to_owned(), json!(event.name)),
            ("x-profile".to_owned(), json!("v1")),
            ("payload".to_owned(), payload),
        ]);
        describe(&mut message, &event.docs);
        (format!("kept.{}", id(&event.name)), message.into())
    });
    let messages = messages.into_iter().map(|(name, message)| (name.to_owned(), message));
    messages.chain(kept).collect()
}

/// The operations of such a channel.
pub(super) fn operations(procedure: &ProcedureContract, channel: &str) -> Map<String, Value> {
    let answers = ["v1.page", "v1.err"].map(str::to_owned);
    let sent = ["v1.at", "v1.pos"].map(str::to_owned).into_iter();
    let sent = sent.chain(kept(procedure).map(|event| format!("kept.{}", id(&event.name))));
    let operations = [
        ("history", request("receive", channel, "v1.history".to_owned(), answers)),
        ("kept", operation("send", channel, sent)),
    ];
    let named = operations.into_iter();
    named.map(|(name, operation)| (format!("{channel}.v1.{name}"), operation)).collect()
}

/// The events that a room keeps.
fn kept(procedure: &ProcedureContract) -> impl Iterator<Item = &EventContract> {
    procedure.outgoing.iter().filter(|event| event.is_kept())
}

/// `$history` with a position to continue after, or with how many messages before one.
fn question() -> Value {
    let was = json!({
        "type": "string",
        "description": "The id of the connection before a reconnect: what was not for it comes without content.",
    });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 200 });
    json!({
        "oneOf": [
            object(&[("r", &room()), ("after", &position())], &[("was", &was)]),
            object(&[("r", &room()), ("limit", &limit)], &[("before", &position())]),
        ],
    })
}

fn page(contract: &Contract, procedure: &ProcedureContract) -> Value {
    let at = json!({ "type": "integer", "minimum": 0, "description": "Milliseconds since 1970." });
    let item =
        |name: &str, data: Value| closed(&[json!({ "const": name }), data, offset(), at.clone()]);
    let mut items: Vec<_> =
        kept(procedure).map(|event| item(&event.name, schema(contract, &event.schema))).collect();
    // It was not for this client.
    items.push(item("", json!({ "type": "null" })));
    let items = json!({ "type": "array", "items": { "anyOf": items }, "maxItems": 500 });
    let more = json!({ "type": "boolean", "description": "Whether others follow." });
    let gap = json!({
        "enum": ["expired", "reset"],
        "description": "The items do not continue where the reader was: the log does not go back that far, or another epoch began.",
    });
    object(
        &[("e", &epoch()), ("o", &offset()), ("items", &items), ("more", &more)],
        &[("gap", &gap)],
    )
}

pub(super) fn epoch() -> Value {
    json!({
        "type": "string",
        "description": "The epoch of a room's history. In another one, something may have been lost.",
    })
}

pub(super) fn offset() -> Value {
    json!({
        "type": "integer",
        "minimum": 0,
        "description": "Counts the messages of an epoch, without holes.",
    })
}

fn position() -> Value {
    closed(&[epoch(), offset()])
}

fn room() -> Value {
    json!({ "type": ["string", "null"], "description": "The name of the room; null for everybody." })
}
