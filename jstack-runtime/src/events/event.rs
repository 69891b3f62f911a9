//! `Event`: one event of a set.

use std::fmt;
use std::marker::PhantomData;

use schemars::{Schema, SchemaGenerator};

use super::delivery::Delivery;
use super::reply::EncodedReply;
use super::target::{Buffer, EmitFuture, Target};
use crate::error::Result;
use crate::payload::{Described, EventPayload, EventPayloadAs, InputPayload, RawPayload, SchemaOf};

/// Checks the JSON of a payload and writes it as the payload's type does.
pub(crate) type Recode = fn(&RawPayload<'_>, &mut Vec<u8>) -> Result;

/// One event of a set: its wire name, its payload and the variant that it becomes.
///
/// `B` is what its emitter takes a reference to: the payload, or `str` for a `String`. `R` is the
/// reply that its handler returns, `A` the answer that clients give to it.
pub struct Event<T, E, B: ?Sized = T, R = (), A = ()> {
    name: &'static str,
    /// The name is its own JSON, but for the quotes.
    needs_no_escape: bool,
    variant: fn(T) -> E,
    // The payload's abilities as plain functions. `new` has the only bound, so a type without its
    // derives is exactly one compiler error.
    parse: fn(&RawPayload<'_>) -> Result<T>,
    encode: fn(&B, &mut Vec<u8>) -> Result,
    recode: Recode,
    schema: SchemaOf,
    docs: &'static str,
    delivery: Delivery,
    forget: bool,
    reply: Option<Exchange<R>>,
    ask: Option<Exchange<A>>,
}

/// The abilities of a reply's type, or of an answer's.
struct Exchange<T> {
    encode: fn(&T, &mut Vec<u8>) -> Result,
    parse: fn(&RawPayload<'_>) -> Result<T>,
    schema: SchemaOf,
    of: PhantomData<fn() -> T>,
}

impl<T: EventPayload> Exchange<T> {
    const NEW: Self = Self {
        encode: <T as EventPayload>::encode,
        parse: <T as InputPayload>::decode,
        schema: <T as Described>::described,
        of: PhantomData,
    };
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
            recode: <T as EventPayload>::recode,
            schema: <T as Described>::described,
            docs: "",
            delivery: Delivery::Reliable,
            forget: false,
            reply: None,
            ask: None,
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
            recode: <T as EventPayload>::recode,
            schema: <T as Described>::described,
            docs: "",
            delivery: Delivery::Reliable,
            forget: false,
            reply: None,
            ask: None,
        }
    }
}

impl<T, E, B: ?Sized, R, A> Event<T, E, B, R, A> {
    /// The same event with its documentation, which travels into schemas and TypeScript.
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// The same event, dropped for a connection whose socket takes no bytes at the moment.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.delivery = Delivery::Volatile;
        self
    }

    /// The same event, of which only the newest counts.
    #[must_use]
    pub const fn latest(mut self) -> Self {
        self.delivery = Delivery::Latest(None);
        self
    }

    /// The same event, of which only the newest counts for each value of `field`. The function
    /// only proves that the payload has such a field.
    #[must_use]
    pub const fn latest_by(mut self, field: &'static str, _: fn(&T)) -> Self {
        self.delivery = Delivery::Latest(Some(field));
        self
    }

    /// The same event, which is never kept in history.
    #[must_use]
    pub const fn forget(mut self) -> Self {
        self.forget = true;
        self
    }

    /// The same event with a reply of the type `R2`, which its handler returns.
    #[must_use]
    pub const fn reply<R2: EventPayload>(self) -> Event<T, E, B, R2, A> {
        Event {
            name: self.name,
            needs_no_escape: self.needs_no_escape,
            variant: self.variant,
            parse: self.parse,
            encode: self.encode,
            recode: self.recode,
            schema: self.schema,
            docs: self.docs,
            delivery: self.delivery,
            forget: self.forget,
            reply: Some(Exchange::NEW),
            ask: self.ask,
        }
    }

    /// The same event as a question, which a client answers with an `A2`.
    #[must_use]
    pub const fn ask<A2: EventPayload>(self) -> Event<T, E, B, R, A2> {
        Event {
            name: self.name,
            needs_no_escape: self.needs_no_escape,
            variant: self.variant,
            parse: self.parse,
            encode: self.encode,
            recode: self.recode,
            schema: self.schema,
            docs: self.docs,
            delivery: self.delivery,
            forget: self.forget,
            reply: self.reply,
            ask: Some(Exchange::NEW),
        }
    }

    #[inline]
    pub(crate) fn encode(&self, payload: &B, out: &mut Vec<u8>) -> Result {
        self.encode_open(payload, out)?;
        out.push(b']');
        Ok(())
    }

    /// Encodes the event without the closing bracket, so that a third element can follow.
    #[inline]
    pub(crate) fn encode_open(&self, payload: &B, out: &mut Vec<u8>) -> Result {
        open(self.name, self.needs_no_escape, out);
        (self.encode)(payload, out)
    }

    /// A handler's reply as JSON, after its rules were checked; nothing for an event without one.
    pub fn encode_reply(&self, reply: &R) -> Result<EncodedReply> {
        let Some(exchange) = &self.reply else { return Ok(EncodedReply::none()) };
        let mut out = Vec::new();
        (exchange.encode)(reply, &mut out)?;
        Ok(EncodedReply::json(out))
    }

    /// A client's answer to this question.
    pub(crate) fn parse_answer(&self) -> Option<fn(&RawPayload<'_>) -> Result<A>> {
        self.ask.as_ref().map(|exchange| exchange.parse)
    }

    /// The server's reply to this event.
    pub(crate) fn parse_reply(&self) -> Option<fn(&RawPayload<'_>) -> Result<R>> {
        self.reply.as_ref().map(|exchange| exchange.parse)
    }

    /// The payload of this event.
    #[cfg(feature = "client")]
    pub(crate) fn parse_payload(&self) -> fn(&RawPayload<'_>) -> Result<T> {
        self.parse
    }

    /// How a client's answer to this question is written.
    #[cfg(feature = "client")]
    pub(crate) fn answer_encoder(&self) -> Option<fn(&A, &mut Vec<u8>) -> Result> {
        self.ask.as_ref().map(|exchange| exchange.encode)
    }

    pub(crate) fn wire_name(&self) -> &'static str {
        self.name
    }
}

impl Target<'_> {
    /// Checks `payload`, writes it once and hands it to the broker.
    ///
    /// `Ok` means that the broker took it; it never waits for a slow reader. Fails if the payload
    /// breaks its rules, if a room's name is not valid, and if the broker cannot take it.
    pub fn send<T, E, B: ?Sized, R, A>(
        self,
        event: &Event<T, E, B, R, A>,
        payload: &B,
    ) -> EmitFuture {
        let mut buffer = Buffer::take();
        let encoded = event.encode(payload, &mut buffer.bytes);
        self.publish(buffer, encoded)
    }

    /// The same for an event that is known by its name alone, with a payload in JSON.
    ///
    /// Fails also with a 422 if `data` is not a payload of the event.
    pub(crate) fn send_json(self, name: &str, recode: Recode, data: &RawPayload<'_>) -> EmitFuture {
        let mut buffer = Buffer::take();
        open(name, needs_no_escape(name), &mut buffer.bytes);
        let encoded = recode(data, &mut buffer.bytes);
        buffer.bytes.push(b']');
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

#[inline]
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
    /// The documentation of the variant.
    fn docs(&self) -> &'static str;
    /// Decodes a payload and checks its rules.
    fn decode(&self, data: RawPayload<'_>) -> Result<E>;
    /// Checks the JSON of a payload and rewrites it, without the payload's type.
    fn recode(&self) -> fn(&RawPayload<'_>, &mut Vec<u8>) -> Result;
    /// Writes the payload's schema.
    fn schema(&self) -> fn(&mut SchemaGenerator) -> Schema;
    /// How the event is delivered.
    fn delivery(&self) -> Delivery;
    /// Whether the event is never kept in history.
    fn is_forgotten(&self) -> bool;
    /// Writes the schema of the reply, if there is one.
    fn reply(&self) -> Option<fn(&mut SchemaGenerator) -> Schema>;
    /// Writes the schema of the answer that clients give, if the event is a question.
    fn ask(&self) -> Option<fn(&mut SchemaGenerator) -> Schema>;
}

impl<T, E, B: ?Sized, R, A> AnyEvent<E> for Event<T, E, B, R, A> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn docs(&self) -> &'static str {
        self.docs
    }

    fn decode(&self, data: RawPayload<'_>) -> Result<E> {
        match (self.parse)(&data) {
            Ok(payload) => Ok((self.variant)(payload)),
            Err(error) => Err(error),
        }
    }

    fn recode(&self) -> Recode {
        self.recode
    }

    fn schema(&self) -> fn(&mut SchemaGenerator) -> Schema {
        self.schema
    }

    fn delivery(&self) -> Delivery {
        self.delivery
    }

    fn is_forgotten(&self) -> bool {
        self.forget
    }

    fn reply(&self) -> Option<fn(&mut SchemaGenerator) -> Schema> {
        self.reply.as_ref().map(|exchange| exchange.schema)
    }

    fn ask(&self) -> Option<fn(&mut SchemaGenerator) -> Schema> {
        self.ask.as_ref().map(|exchange| exchange.schema)
    }
}

impl<T, E, B: ?Sized, R, A> fmt::Debug for Event<T, E, B, R, A> {
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
