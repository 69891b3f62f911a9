//! The rules, one a function. Each adds its error and lets the others run.

mod handler;
mod module;

pub(crate) use handler::handler;
pub(crate) use module::{module, types_of};

use proc_macro2::{Ident, Span};

use crate::args::{Args, Kind};
use crate::errors::Errors;

/// A name for URLs and clients.
pub(crate) fn rename(args: &Args, errors: &mut Errors) {
    if let Some(rename) = &args.rename {
        let value = rename.value();
        if value.is_empty()
            || !value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        {
            errors.push(rename, "a procedure's name is a part of its URL\nhelp: use letters, digits, `-` and `_` only");
        }
    }
}

/// A function as a procedure takes `incoming` and `outgoing` for `ws`.
pub(crate) fn event_sets(args: &Args, own: [bool; 2], ident: &Ident, errors: &mut Errors) {
    if args.broken || args.kind != Some(Kind::Ws) {
        return;
    }
    let missing: Vec<_> = [
        ("incoming", args.incoming.is_some() || own[0]),
        ("outgoing", args.outgoing.is_some() || own[1]),
    ]
    .into_iter()
    .filter_map(|(key, given)| (!given).then_some(key))
    .collect();
    if !missing.is_empty() {
        let keys =
            missing.iter().map(|key| format!("`{key} = …`")).collect::<Vec<_>>().join(" and ");
        errors.add(syn::Error::new(
            Span::call_site(),
            format!("`{ident}` does not say which events travel\nhelp: add {keys}, as in `#[procedure(ws, incoming = Chat, outgoing = Chat)]`"),
        ));
    }
}
