//! A WebSocket procedure: `Ws<Incoming, Outgoing, More>`.

use serde_json::Value;

use super::call::input;
use super::text::{block, doc, key, string};
use super::types::type_of;
use crate::contract::contract::{EventContract, ProcedureContract};
use crate::events::Delivery;

/// The arguments of `Ws`. The third is there only where the procedure has something for it.
pub(super) fn arguments(this: &ProcedureContract) -> Vec<String> {
    let mut arguments = vec![events(&this.incoming), events(&this.outgoing)];
    let more = more(this);
    if !more.is_empty() {
        arguments.push(object(&more));
    }
    arguments
}

/// What only some procedures have.
fn more(this: &ProcedureContract) -> Vec<String> {
    let params = this.params.as_ref().map(|params| format!("params: {}", input(Some(params))));
    let class = |is: fn(Delivery) -> bool| {
        let of_class = this.incoming.iter().filter(|event| is(event.delivery));
        let names: Vec<_> = of_class.map(|event| string(&event.name)).collect();
        (!names.is_empty()).then(|| names.join(" | "))
    };
    let volatile = class(|delivery| matches!(delivery, Delivery::Volatile));
    let latest = class(|delivery| matches!(delivery, Delivery::Latest(_)));
    [
        params,
        answers("replies", &this.incoming, |event| event.reply.as_ref()),
        answers("asks", &this.outgoing, |event| event.ask.as_ref()),
        presence(this),
        kept(this).map(|names| format!("history: {names}")),
        volatile.map(|names| format!("volatile: {names}")),
        latest.map(|names| format!("latest: {names}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The events that have an answer, with its type.
fn answers(
    name: &str,
    events: &[EventContract],
    answer: impl Fn(&EventContract) -> Option<&Value>,
) -> Option<String> {
    let members: Vec<_> = events
        .iter()
        .filter_map(|event| {
            let answer = type_of(answer(event)?).text;
            Some(format!("{}{}: {answer}", doc(&event.docs), key(&event.name)))
        })
        .collect();
    (!members.is_empty()).then(|| format!("{name}: {}", object(&members)))
}

/// What clients say about themselves in a room, and what they read of each other.
fn presence(this: &ProcedureContract) -> Option<String> {
    let presence = this.presence.as_ref()?;
    let (state, info) = (type_of(&presence.state).text, type_of(&presence.info).text);
    let members = [format!("state: {state}"), format!("info: {info}")];
    let is_short = members.iter().all(|member| !member.contains('\n'));
    let members = if is_short { format!("{{ {} }}", members.join("; ")) } else { block(&members) };
    Some(format!("presence: {members}"))
}

/// The events that a room keeps. A procedure with a history may have none: it is then `never`.
fn kept(this: &ProcedureContract) -> Option<String> {
    this.history.as_ref()?;
    let kept = this.outgoing.iter().filter(|event| event.is_kept());
    let names: Vec<_> = kept.map(|event| string(&event.name)).collect();
    Some(if names.is_empty() { "never".to_owned() } else { names.join(" | ") })
}

fn events(events: &[EventContract]) -> String {
    let members: Vec<_> = events
        .iter()
        .map(|event| {
            format!("{}{}: {}", doc(&comment(event)), key(&event.name), type_of(&event.schema).text)
        })
        .collect();
    object(&members)
}

/// The documentation of an event, and its class where it is not reliable.
fn comment(event: &EventContract) -> String {
    let class = match (event.delivery, &event.latest_by) {
        (Delivery::Reliable, _) => return event.docs.clone(),
        (Delivery::Volatile, _) => "Volatile: dropped where the connection is busy.".to_owned(),
        (Delivery::Latest(_), None) => {
            "Latest: where the connection is busy, a newer one replaces it.".to_owned()
        }
        (Delivery::Latest(_), Some(field)) => format!(
            "Latest: where the connection is busy, a newer one of the same `{field}` replaces it."
        ),
    };
    format!("{}\n\n{class}", event.docs)
}

/// An object type, on one line where there is only one member of one line.
fn object(members: &[String]) -> String {
    match members {
        [] => "{}".to_owned(),
        [one] if !one.contains('\n') => format!("{{ {one} }}"),
        _ => block(members),
    }
}
