//! What clients of the profile `v1` send and get besides: requests, questions, and the frames of
//! the protocol.

use serde_json::{Map, Value, json};

use super::messages::{numbered, schema};
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
    if let Some(presence) = &procedure.presence {
        messages.extend(presence::messages(contract, presence));
    }
    messages
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
    if procedure.presence.is_some() {
        operations.extend(presence::operations(channel));
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
