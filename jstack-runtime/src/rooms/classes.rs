//! The delivery classes of a procedure's events, prepared for the fan-out.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::events::Delivery;
use crate::platform::HashMap;

/// One event as the hub needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct EventClass {
    pub(crate) name: &'static str,
    pub(crate) delivery: Delivery,
    /// Whether it is never kept in history.
    pub(crate) forget: bool,
    /// The field of [`Delivery::Latest`], by its wire name.
    pub(crate) field: Option<String>,
}

/// The classes of a procedure's events.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    /// Outgoing events that are not reliable.
    outgoing: Vec<EventClass>,
    /// Names of outgoing events that are not kept in history.
    forgotten: Vec<&'static str>,
    /// Some of them are reliable.
    forgets_reliable: bool,
    /// Incoming events that are not reliable, as `$welcome` names them.
    incoming: Value,
}

impl Classes {
    pub(crate) fn new(incoming: &[EventClass], outgoing: Vec<EventClass>) -> Self {
        let named = incoming.iter().filter_map(|class| {
            let value = match (class.delivery, &class.field) {
                (Delivery::Reliable, _) => return None,
                (Delivery::Latest(Some(_)), Some(field)) => json!(["latest", field]),
                (delivery, _) => json!(delivery.label()),
            };
            Some((class.name.to_owned(), value))
        });
        let incoming = Value::Object(named.collect::<Map<_, _>>());
        let is_forgotten =
            |class: &&EventClass| class.forget || class.delivery != Delivery::Reliable;
        let forgets_reliable =
            outgoing.iter().any(|class| class.forget && class.delivery == Delivery::Reliable);
        let forgotten = outgoing.iter().filter(is_forgotten).map(|class| class.name).collect();
        let outgoing =
            outgoing.into_iter().filter(|class| class.delivery != Delivery::Reliable).collect();
        Self { outgoing, forgotten, forgets_reliable, incoming }
    }

    pub(crate) fn incoming(&self) -> &Value {
        &self.incoming
    }

    /// The class of the event that `json` carries; `None` for a reliable one.
    #[inline]
    pub(crate) fn of(&self, json: &[u8]) -> Option<&EventClass> {
        if self.outgoing.is_empty() {
            return None;
        }
        self.outgoing.iter().find(|class| is_named(json, class.name))
    }

    /// Whether every reliable event is kept in history, so that a log shows which were lost.
    pub(crate) fn keeps_all_reliable(&self) -> bool {
        !self.forgets_reliable
    }

    /// Whether the event that `json` carries is kept in history.
    pub(crate) fn keeps(&self, json: &[u8]) -> bool {
        !self.forgotten.iter().any(|name| is_named(json, name))
    }
}

/// Whether `json` carries the event `name`. Names are written without escapes, or match nothing.
fn is_named(json: &[u8], name: &str) -> bool {
    json.strip_prefix(b"[\"")
        .and_then(|rest| rest.strip_prefix(name.as_bytes()))
        .is_some_and(|rest| rest.starts_with(b"\","))
}

impl EventClass {
    /// The key of a `latest` event: its name, and the value of the payload's field.
    pub(crate) fn key(&self, json: &[u8]) -> Box<[u8]> {
        let mut key = self.name.as_bytes().to_vec();
        if let Some(field) = &self.field {
            key.push(0);
            key.extend_from_slice(field_of(json, field).unwrap_or_default().as_bytes());
        }
        key.into()
    }
}

/// The JSON of a field of the payload.
fn field_of<'a>(json: &'a [u8], field: &str) -> Option<&'a str> {
    let (_, data): (Cow<'a, str>, HashMap<Cow<'a, str>, &'a RawValue>) =
        serde_json::from_slice(json).ok()?;
    data.get(field).map(|value| value.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &'static str, delivery: Delivery, field: Option<&str>) -> EventClass {
        EventClass { name, delivery, forget: false, field: field.map(str::to_owned) }
    }

    #[test]
    fn clients_learn_the_classes_that_are_not_reliable() {
        let incoming = [
            class("say", Delivery::Reliable, None),
            class("cursor", Delivery::Volatile, None),
            class("pos", Delivery::Latest(Some("user_id")), Some("userId")),
            class("price", Delivery::Latest(None), None),
        ];
        let classes = Classes::new(&incoming, Vec::new());
        let expected =
            json!({ "cursor": "volatile", "pos": ["latest", "userId"], "price": "latest" });
        assert_eq!(classes.incoming(), &expected);
    }

    #[test]
    fn an_events_class_is_found_by_its_whole_name_and_its_key_by_the_field() {
        let outgoing = vec![class("pos", Delivery::Latest(Some("id")), Some("id"))];
        let classes = Classes::new(&[], outgoing);
        assert!(classes.of(br#"["position",{}]"#).is_none());
        let json = br#"["pos",{"x":1,"id":"a,b","y":[{"id":2}]}]"#;
        assert_eq!(&*classes.of(json).unwrap().key(json), b"pos\0\"a,b\"");
    }
}
