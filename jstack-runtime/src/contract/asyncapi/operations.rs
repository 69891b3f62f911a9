//! Operations: which messages of a channel travel which way, and which answer them.

use serde_json::{Value, json};

/// An operation on a channel with the messages of these names.
pub(super) fn operation(
    action: &str,
    channel: &str,
    names: impl IntoIterator<Item = String>,
) -> Value {
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{channel}") },
        "messages": references(channel, names),
    })
}

/// The same where each message is answered by one of `replies`.
pub(super) fn request(
    action: &str,
    channel: &str,
    name: String,
    replies: impl IntoIterator<Item = String>,
) -> Value {
    let mut operation = operation(action, channel, [name]);
    operation["reply"] = json!({
        "channel": { "$ref": format!("#/channels/{channel}") },
        "messages": references(channel, replies),
    });
    operation
}

fn references(channel: &str, names: impl IntoIterator<Item = String>) -> Vec<Value> {
    let reference = |name| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") });
    names.into_iter().map(reference).collect()
}
