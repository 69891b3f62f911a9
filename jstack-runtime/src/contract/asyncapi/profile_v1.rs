//! What clients of the profile `v1` send and get besides: requests, questions, and the frames of
//! the protocol.

use serde_json::{Map, Value, json};

use super::history;
use super::messages::{numbered, object, schema, unasked};
use super::operations::{operation, request};
use super::presence;
use crate::contract::contract::{Contract, ProcedureContract};
use crate::contract::document::id;

/// The frames that are the same for all procedures, by their names in the document.
const SHARED: &str = include_str!("profile_v1.json");

/// Those of them that the server sends without having been asked.
const UNASKED: [&str; 4] = ["v1.welcome", "v1.tick", "v1.gap", "v1.bye"];

/// The messages that all channels refer to, as `#/components/messages`.
pub(super) fn shared() -> Map<String, Value> {
    // The text is part of the program, and a test reads it.
    serde_json::from_str(SHARED).unwrap_or_default()
}

/// The messages of a channel that only clients of the profile `v1` know.
pub(super) fn messages(contract: &Contract, procedure: &ProcedureContract) -> Map<String, Value> {
    let mut messages = Map::new();
    for (name, _) in shared() {
        let reference = json!({ "$ref": format!("#/components/messages/{name}") });
        messages.insert(name, reference);
    }
    let mut add = |name: String, event: &str, schema: &Value, docs: &str| {
        messages.insert(name, numbered(event, &self::schema(contract, schema), docs));
    };
    for event in &procedure.incoming {
        let (name, key) = (&event.name, id(&event.name));
        add(format!("request.{key}"), name, &event.schema, &event.docs);
        if let Some(reply) = &event.reply {
            add(format!("reply.{key}"), "$ok", reply, &format!("The reply to `{name}`."));
        }
    }
    for event in &procedure.outgoing {
        let Some(answer) = &event.ask else { continue };
        let (name, key) = (&event.name, id(&event.name));
        add(format!("ask.{key}"), name, &event.schema, &event.docs);
        add(format!("answer.{key}"), "$ok", answer, &format!("The client's answer to `{name}`."));
    }
    if has_rooms(procedure) {
        messages.insert("v1.room".to_owned(), room(procedure));
    }
    if let Some(presence) = &procedure.presence {
        messages.extend(presence::messages(contract, presence));
    }
    if procedure.history.is_some() {
        messages.extend(history::messages(contract, procedure));
    }
    messages
}

/// Whether clients learn the names of rooms.
fn has_rooms(procedure: &ProcedureContract) -> bool {
    procedure.presence.is_some() || procedure.history.is_some()
}

/// `$room`: with a position where rooms have a history.
fn room(procedure: &ProcedureContract) -> Value {
    let name = json!({ "type": ["string", "null"], "description": "The name of the room; null for everybody." });
    let (is_in, epoch, offset) =
        (json!({ "type": "boolean" }), history::epoch(), history::offset());
    let place = [("e", &epoch), ("o", &offset)];
    let place = if procedure.history.is_some() { &place[..] } else { &[] };
    let data = object(&[("r", &name), ("in", &is_in)], place);
    unasked("$room", &data, "The connection is in a room, or has left it.")
}

/// The operations of a channel: each event as a request, each question, and the protocol's own.
pub(super) fn operations(procedure: &ProcedureContract, channel: &str) -> Map<String, Value> {
    let mut operations = Map::new();
    let unasked = operation("send", channel, UNASKED.map(str::to_owned));
    operations.insert(format!("{channel}.v1.outgoing"), unasked);
    let answers = ["v1.renewed", "v1.err"].map(str::to_owned);
    let renewal = request("receive", channel, "v1.token".to_owned(), answers);
    operations.insert(format!("{channel}.v1.token"), renewal);
    for event in &procedure.incoming {
        let name = id(&event.name);
        let ok = if event.reply.is_some() { format!("reply.{name}") } else { "v1.ok".to_owned() };
        let replies = [ok, "v1.err".to_owned()];
        let request = request("receive", channel, format!("request.{name}"), replies);
        operations.insert(format!("{channel}.request.{name}"), request);
    }
    for event in procedure.outgoing.iter().filter(|event| event.ask.is_some()) {
        let name = id(&event.name);
        let answers = [format!("answer.{name}"), "v1.err".to_owned()];
        let question = request("send", channel, format!("ask.{name}"), answers);
        operations.insert(format!("{channel}.ask.{name}"), question);
    }
    if has_rooms(procedure) {
        let room = operation("send", channel, ["v1.room".to_owned()]);
        operations.insert(format!("{channel}.v1.room"), room);
    }
    if procedure.presence.is_some() {
        operations.extend(presence::operations(channel));
    }
    if procedure.history.is_some() {
        operations.extend(history::operations(procedure, channel));
    }
    operations
}

/// How a client opts in.
pub(super) fn headers() -> Value {
    json!({
        "type": "object",
        "properties": {
            "Sec-WebSocket-Protocol": {
                "type": "string",
                "description": "`jstack.v1` asks for the profile `v1`; a token may be beside it as `jstack.bearer.<base64url>`.",
            },
        },
    })
}
