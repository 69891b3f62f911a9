//! Sets of events: their wire names, how they decode, and what a typed emitter sends.

use std::fmt;

use schemars::{Schema, SchemaGenerator};

use super::target::{Buffer, EmitFuture, Target};
use crate::error::{Error, Result};
use crate::payload::{Data, Described, EventPayload, EventPayloadAs, InputPayload, SchemaOf};
use crate::untrusted::Untrusted;

/// A set of events, which [`#[derive(Events)]`](macro@crate::Events) makes of an enum.
///
/// Each variant is one event with exactly one payload; its wire name is the variant's name in
/// camelCase unless renamed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of events",
    label = "not a set of events",
    note = "add `#[derive(Events)]` to the enum `{Self}`"
)]
pub trait Events: Sized + Send + Sync + 'static {
    /// The emitter, with one method for each event.
    type Emitter<'a>;

    /// The events, in the order of the variants.
    const EVENTS: &'static [&'static dyn AnyEvent<Self>];

    /// The emitter for what `target` selects.
    fn emitter(target: Target<'_>) -> Self::Emitter<'_>;

    /// Emits this event: what the emitter's `emit` does.
    fn emit(&self, emitter: Self::Emitter<'_>) -> EmitFuture;

    /// Decodes the event called `name` and checks its rules.
    ///
    /// Fails with a 404 for a name that is not in the set, and with a 422 that names each field
    /// that is wrong.
    fn decode(name: &str, data: Data<'_>) -> Result<Self> {
        match named::<Self>(name) {
            Some(event) => event.decode(data),
            None => Err(unknown(name, Self::event_name_at)),
        }
    }

    /// The name of an event. A function and no closure, which would be three for every set.
    #[doc(hidden)]
    fn event_name_at(index: usize) -> Option<&'static str> {
        if index < Self::EVENTS.len() { Some(Self::EVENTS[index].name()) } else { None }
    }
}

/// The event called `name`. By hand, because iterators are compiled anew for every set.
pub(crate) fn named<E: Events>(name: &str) -> Option<&'static dyn AnyEvent<E>> {
    let mut index = 0;
    while index < E::EVENTS.len() {
        if E::EVENTS[index].name() == name {
            return Some(E::EVENTS[index]);
        }
        index += 1;
    }
    None
}

#[cold]
fn unknown(name: &str, known: fn(usize) -> Option<&'static str>) -> Error {
    let known: Vec<_> = (0..).map_while(known).map(|name| format!("`{name}`")).collect();
    let name = Untrusted(name);
    Error::with_code(
        http::StatusCode::NOT_FOUND,
        "unknown_event",
        format!("no event is called `{name}`; there is {}", known.join(", ")),
    )
}

/// One event of a set: its wire name, its payload and the variant it becomes.
///
/// `B` is what its emitter takes a reference to: the payload, or `str` for a `String`.
pub struct Event<T, E, B: ?Sized = T> {
    name: &'static str,
    /// The name is its own JSON, but for the quotes.
    needs_no_escape: bool,
    variant: fn(T) -> E,
    // The payload's abilities as plain functions: the one bound on `new` is all that a type
    // without its derives can break, so that one mistake is one error.
    parse: fn(&Data<'_>) -> Result<T>,
    encode: fn(&B, &mut Vec<u8>) -> Result,
    schema: SchemaOf,
    docs: &'static str,
}

impl<T: EventPayload, E> Event<T, E> {
    /// The event `name` with the variant that carries its payload.
    pub const fn new(name: &'static str, variant: fn(T) -> E) -> Self {
        Self {
            name,
            needs_no_escape: needs_no_escape(name),
            variant,
            parse: <T as InputPayload>::decode,
            encode: <T as EventPayload>::encode,
            schema: <T as Described>::described,
            docs: "",
        }
    }
}

impl<T, E, B: ?Sized> Event<T, E, B> {
    /// The same where the emitter takes a borrowed form of the payload, as `&str` for a `String`.
    pub const fn borrowed(name: &'static str, variant: fn(T) -> E) -> Self
    where
        T: EventPayloadAs<B>,
    {
        Self {
            name,
            needs_no_escape: needs_no_escape(name),
            variant,
            parse: <T as InputPayload>::decode,
            encode: <T as EventPayloadAs<B>>::encode_borrowed,
            schema: <T as Described>::described,
            docs: "",
        }
    }

    /// The same event with its documentation, which travels into schemas and TypeScript.
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    pub(crate) fn encode(&self, payload: &B, out: &mut Vec<u8>) -> Result {
        open(self.name, self.needs_no_escape, out);
        let encoded = (self.encode)(payload, out);
        out.push(b']');
        encoded
    }
}

impl Target<'_> {
    /// Checks `payload`, writes it once and hands it to the broker.
    ///
    /// `Ok` means that the broker took it; it never waits for a slow reader. Fails if the
    /// payload breaks its rules, if a room's name is none, and if the broker cannot take it.
    pub fn send<T, E, B: ?Sized>(self, event: &Event<T, E, B>, payload: &B) -> EmitFuture {
        let mut buffer = Buffer::take();
        let encoded = event.encode(payload, &mut buffer.bytes);
        self.publish(buffer, encoded)
    }
}

/// Known when the program is compiled: names are looked at once, not with each emit.
const fn needs_no_escape(name: &str) -> bool {
    let (bytes, mut at) = (name.as_bytes(), 0);
    while at < bytes.len() {
        if !matches!(bytes[at], b' '..=b'~') || matches!(bytes[at], b'"' | b'\\') {
            return false;
        }
        at += 1;
    }
    true
}

fn open(name: &str, needs_no_escape: bool, out: &mut Vec<u8>) {
    if needs_no_escape {
        out.extend_from_slice(b"[\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\",");
        return;
    }
    out.push(b'[');
    // Serialising a string into a vector cannot fail.
    let _ = serde_json::to_writer(&mut *out, name);
    out.push(b',');
}

/// An [`Event`] whose payload type is erased.
pub trait AnyEvent<E>: Send + Sync {
    /// The name on the wire.
    fn name(&self) -> &'static str;
    /// What the variant's documentation says.
    fn docs(&self) -> &'static str;
    /// Decodes a payload and checks its rules.
    fn decode(&self, data: Data<'_>) -> Result<E>;
    /// What writes the payload's schema.
    fn schema(&self) -> fn(&mut SchemaGenerator) -> Schema;
}

impl<T, E, B: ?Sized> AnyEvent<E> for Event<T, E, B> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn docs(&self) -> &'static str {
        self.docs
    }

    fn decode(&self, data: Data<'_>) -> Result<E> {
        match (self.parse)(&data) {
            Ok(payload) => Ok((self.variant)(payload)),
            Err(error) => Err(error),
        }
    }

    fn schema(&self) -> fn(&mut SchemaGenerator) -> Schema {
        self.schema
    }
}

impl<T, E, B: ?Sized> fmt::Debug for Event<T, E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_json_whatever_is_in_it() {
        for name in ["message", "", "two words", "a\"b", "a\\b", "a\nb", "é", "\u{7f}", "日本"] {
            let mut out = Vec::new();
            open(name, needs_no_escape(name), &mut out);
            out.extend_from_slice(b"null]");
            let (read, ()): (String, ()) = serde_json::from_slice(&out).unwrap();
            assert_eq!(read, name);
        }
    }
}
