//! `Events`: a set of events, and the lookup of one by its name.

use super::event::AnyEvent;
use super::question::Question;
use super::replier::Replier;
use super::request::Request;
use super::target::{EmitFuture, Target};
use crate::error::{Error, Result};
use crate::payload::RawPayload;
use crate::untrusted::Untrusted;

/// A set of events. [`#[derive(Events)]`](macro@crate::Events) implements it for an enum.
///
/// Each variant is one event with exactly one payload. Its wire name is the variant's name in camelCase,
/// unless renamed.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// #[derive(Clone, Debug, Events)]
/// pub enum Chat {
///     Message(String),
///     /// No data: travels as `["userJoined", null]`.
///     UserJoined(()),
/// }
///
/// let names = Chat::EVENTS.iter().map(|event| event.name());
/// assert_eq!(names.collect::<Vec<_>>(), ["message", "userJoined"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of events",
    label = "not a set of events",
    note = "add `#[derive(Events)]` to the enum `{Self}`"
)]
pub trait Events: Sized + Send + Sync + 'static {
    /// The emitter, with one method for each event.
    type Emitter<'a>;

    /// The questions, with one method for each event that declares `ask`.
    type Asker<'a>;

    /// The replies, with one method for each event that declares `reply`.
    type Replier<'a>;

    /// The requests of a client, with one method for each event that declares `reply`.
    type Requester<'a>;

    /// The events by their emitters' methods.
    #[doc(hidden)]
    type Table: 'static;
    #[doc(hidden)]
    const TABLE: Self::Table;

    /// The variants that declare a reply, each with what its handler must return.
    #[doc(hidden)]
    const REPLIES: &'static [(&'static str, &'static str)] = &[];

    /// For each event that declares `reply`: what is wrong where only the server emits it.
    #[doc(hidden)]
    const REPLIED: &'static [&'static str] = &[];

    /// For each event that declares `ask`: what is wrong where only clients emit it.
    #[doc(hidden)]
    const ASKED: &'static [&'static str] = &[];

    /// The events, in the order of the variants.
    const EVENTS: &'static [&'static dyn AnyEvent<Self>];

    /// The emitter for what `target` selects.
    fn emitter(target: Target<'_>) -> Self::Emitter<'_>;

    /// The questions that go to one connection.
    fn asker(question: Question<'_>) -> Self::Asker<'_>;

    /// The replies to the event that was received last.
    fn replier(replier: Replier<'_>) -> Self::Replier<'_>;

    /// The requests that go to the server of one connection.
    fn requester(request: Request<'_>) -> Self::Requester<'_>;

    /// Emits this event: what the emitter's `emit` does.
    fn emit(&self, emitter: Self::Emitter<'_>) -> EmitFuture;

    /// Decodes the event called `name` and checks its rules.
    ///
    /// Fails with a 404 for a name that is not in the set, and with a 422 that names each field
    /// that is wrong.
    fn decode(name: &str, data: RawPayload<'_>) -> Result<Self> {
        match named::<Self>(name) {
            Some(event) => event.decode(data),
            None => Err(unknown(name, Self::event_name_at)),
        }
    }

    /// The name of an event. rebuild: a closure would be instantiated three times for every set.
    #[doc(hidden)]
    fn event_name_at(index: usize) -> Option<&'static str> {
        if index < Self::EVENTS.len() { Some(Self::EVENTS[index].name()) } else { None }
    }
}

/// The event called `name`. rebuild: iterator adapters would be instantiated again for every set.
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
