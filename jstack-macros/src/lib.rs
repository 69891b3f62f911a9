//! The procedural macros of `jstack-runtime`, which re-exports and documents them.
#![allow(clippy::single_match_else, reason = "two outcomes read best side by side")]

mod args;
mod check;
mod errors;
mod events;
mod expand;
#[cfg(test)]
mod golden;
mod handlers;
mod keys;
mod main_attribute;
mod model;
mod module;
mod names;
mod payload;
mod roles;
mod rules;
mod types;

use proc_macro::TokenStream;

/// Makes a procedure of an `async fn` or of a module of handlers: one URL, typed in both directions.
///
/// See [its documentation](https://docs.rs/jstack-runtime/latest/jstack_runtime/attr.procedure.html).
#[proc_macro_attribute]
pub fn procedure(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::procedure(args.into(), item.into()).into()
}

/// Makes a set of events of an enum: their names on the wire, how they decode, and a typed emitter.
///
/// See [its documentation](https://docs.rs/jstack-runtime/latest/jstack_runtime/derive.Events.html).
#[proc_macro_derive(Events, attributes(events, event))]
pub fn events(item: TokenStream) -> TokenStream {
    expand::events::expand(item.into()).into()
}

/// Ties a type that travels to its `#[garde(…)]` rules, which are then enforced in both directions.
///
/// See [its documentation](https://docs.rs/jstack-runtime/latest/jstack_runtime/derive.Payload.html).
#[proc_macro_derive(Payload, attributes(payload))]
pub fn payload(item: TokenStream) -> TokenStream {
    expand::payload::expand(item.into()).into()
}

#[allow(missing_docs, reason = "documented where it is re-exported, so that its examples run")]
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    main_attribute::expand(args.into(), item.into()).into()
}
