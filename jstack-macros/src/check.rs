//! The rules, one a function. Each adds its error and lets the others run.

mod called;
mod extractors;
mod handler;
mod last;
mod member;
mod module;

pub(crate) use handler::handler;
pub(crate) use member::info;
pub(crate) use module::{aliases, module, types_of};

use proc_macro2::{Ident, Span};
use syn::LitStr;

use crate::args::{Args, Kind};
use crate::errors::Errors;
use crate::types;

/// What clients send is an object, whose fields they write by name. `false` where it is not.
pub(crate) fn input(args: &Args, errors: &mut Errors) -> bool {
    let Some(input) = &args.input else { return true };
    let before = errors.len();
    let text = types::text(input);
    if let Some(inner) = types::of_body(input) {
        let inner = types::text(inner);
        errors.push(
            input,
            format!("the input is read as JSON anyway\nhelp: write `input = {inner}`"),
        );
    } else if types::is_scalar(input) && text != "()" {
        errors.push(
            input,
            format!("the input of a procedure is an object, which `{text}` is not: no client could send it\nhelp: put it into a struct, as in `struct Input {{ value: {text} }}`"),
        );
    }
    errors.len() == before
}

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

/// Names that the clients' proxy keeps for itself: a procedure called so could not be called.
pub(crate) fn name(args: &Args, ident: &Ident, errors: &mut Errors) {
    let name = args.rename.as_ref().map_or_else(|| ident.to_string(), LitStr::value);
    let why = match name.trim_start_matches("r#") {
        "index" => "clients leave out a last `index` of a path",
        "then" => "JavaScript takes whatever has a `then` for a promise",
        _ => return,
    };
    let message = format!(
        "no client can call a procedure that is named `{name}`: {why}\nhelp: give it another name, or \
         write `rename = \"{name}_\"`"
    );
    match &args.rename {
        Some(rename) => errors.push(rename, message),
        None => errors.push(ident, message),
    }
}

/// Both event sets must be given for `ws`.
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
