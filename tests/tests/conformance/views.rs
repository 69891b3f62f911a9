//! What the client shows, as the corpus writes it.

use jstack_runtime::client::{Position, Status, TokenReason, Watch};
use jstack_runtime::prelude::*;
use serde_json::{Value, json};

use crate::application::{Script, ToClient};

pub fn named(reason: TokenReason) -> &'static str {
    match reason {
        TokenReason::Connect => "connect",
        TokenReason::Expiring => "expiring",
        TokenReason::Refused => "refused",
        _ => "request",
    }
}

pub fn place(at: &Position) -> Value {
    json!({ "epoch": at.epoch, "offset": at.offset })
}

pub fn event(event: &ToClient) -> Value {
    match event {
        ToClient::A(data) => json!(["a", data]),
        ToClient::B(data) => json!(["b", data]),
        ToClient::C(data) => json!(["c", data]),
        ToClient::Confirm(data) => json!(["confirm", data]),
    }
}

pub fn who(watch: &Watch<Script>) -> Value {
    let members = watch.list();
    let states: serde_json::Map<_, _> =
        members.iter().map(|member| (member.key.clone(), json!(member.states.first()))).collect();
    json!({
        "members": members.iter().map(|member| &member.key).collect::<Vec<_>>(),
        "others": watch.others().iter().map(|member| &member.key).collect::<Vec<_>>(),
        "self": watch.me().map(|member| member.key),
        "count": watch.count(),
        "stale": watch.is_stale(),
        "states": states,
    })
}

pub fn failed(event: Option<&str>, error: &Error) -> Value {
    let cause = error.cause().map(ToString::to_string);
    json!({
        "event": event,
        "code": error.code(),
        "message": cause.unwrap_or_else(|| error.message().to_owned()),
        "status": error.status().as_u16(),
        "issues": error.issues(),
        "after": error.retry_delay().map(|after| after.as_millis()),
    })
}

pub fn shown(status: &Status) -> Value {
    match status {
        Status::Connecting { attempt, .. } => json!({ "state": "connecting", "attempt": attempt }),
        Status::Open { profile, .. } => {
            let profile = format!("{profile:?}").to_lowercase();
            json!({ "state": "open", "profile": profile })
        }
        Status::Reconnecting { attempt, lost, cause, .. } => {
            let cause = failed(None, cause);
            json!({ "state": "reconnecting", "attempt": attempt, "lost": lost, "cause": cause })
        }
        Status::Closed { code, cause, .. } => {
            let cause = cause.as_ref().map(|cause| failed(None, cause));
            json!({ "state": "closed", "code": code, "cause": cause })
        }
        other => json!({ "state": format!("{other:?}") }),
    }
}
