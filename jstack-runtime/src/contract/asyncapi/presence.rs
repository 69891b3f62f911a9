//! What clients of the profile `v1` send and get of presence.

use serde_json::{Map, Value, json};

use super::messages::{numbered, object, schema, unasked};
use super::operations::{operation, request};
use crate::contract::contract::{Contract, PresenceContract};

/// The messages of a channel that shows who is in its rooms.
pub(super) fn messages(contract: &Contract, presence: &PresenceContract) -> Map<String, Value> {
    let member = member(contract, presence);
    let room = json!({ "type": "string", "description": "The name of the room." });
    let count =
        json!({ "type": "integer", "minimum": 0, "description": "How many members there are." });
    let number = json!({ "type": "integer", "minimum": 0, "description": "The number of the last difference." });
    let watch = object(&[("r", &room)], &[("off", &json!({ "type": "boolean" }))]);
    let me = json!({ "type": ["string", "null"], "description": "The client's own key." });
    let members = json!({ "type": "array", "items": member, "maxItems": 200 });
    let list = [("n", &number), ("me", &me), ("members", &members), ("count", &count)];
    let gone = json!({ "type": "array", "items": { "type": "string" } });
    let change =
        [("r", &room), ("n", &number), ("set", &members), ("gone", &gone), ("count", &count)];
    let state = json!({ "anyOf": [schema(contract, &presence.state), { "type": "null" }] });
    let messages = [
        ("v1.watch", numbered("$presence", &watch, "Watches a room, or stops with `off`.")),
        ("v1.members", numbered("$ok", &object(&list, &[]), "Who is in the room.")),
        ("v1.presence", unasked("$presence", &object(&change, &[]), "What has changed in a room.")),
        (
            "v1.state",
            unasked(
                "$state",
                &object(&[("r", &room), ("s", &state)], &[]),
                "What the client says about itself in a room; null takes it back.",
            ),
        ),
    ];
    messages.into_iter().map(|(name, message)| (name.to_owned(), message)).collect()
}

/// The operations of such a channel.
pub(super) fn operations(channel: &str) -> Map<String, Value> {
    let answers = ["v1.members", "v1.ok", "v1.err"].map(str::to_owned);
    let operations = [
        ("watch", request("receive", channel, "v1.watch".to_owned(), answers)),
        ("state", operation("receive", channel, ["v1.state".to_owned()])),
        ("presence", operation("send", channel, ["v1.presence".to_owned()])),
    ];
    let named = operations.into_iter();
    named.map(|(name, operation)| (format!("{channel}.v1.{name}"), operation)).collect()
}

fn member(contract: &Contract, presence: &PresenceContract) -> Value {
    let states = json!({ "type": "array", "items": schema(contract, &presence.state) });
    let since =
        json!({ "type": "integer", "minimum": 0, "description": "Milliseconds since 1970." });
    object(
        &[
            ("key", &json!({ "type": "string", "maxLength": 200 })),
            ("info", &schema(contract, &presence.info)),
            ("states", &states),
            ("connections", &json!({ "type": "integer", "minimum": 1 })),
            ("since", &since),
        ],
        &[],
    )
}
