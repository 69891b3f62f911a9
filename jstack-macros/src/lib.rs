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
mod model;
mod module;
mod names;
mod payload;
mod rules;
mod types;

use proc_macro::TokenStream;

#[allow(missing_docs, reason = "documented where it is re-exported, so that its examples run")]
#[proc_macro_attribute]
pub fn procedure(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::procedure(args.into(), item.into()).into()
}

#[allow(missing_docs, reason = "documented where it is re-exported, so that its examples run")]
#[proc_macro_derive(Events, attributes(events, event))]
pub fn events(item: TokenStream) -> TokenStream {
    expand::events::expand(item.into()).into()
}

#[allow(missing_docs, reason = "documented where it is re-exported, so that its examples run")]
#[proc_macro_derive(Payload, attributes(payload))]
pub fn payload(item: TokenStream) -> TokenStream {
    expand::payload::expand(item.into()).into()
}
