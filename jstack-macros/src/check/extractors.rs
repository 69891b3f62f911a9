//! The rules for extractors: one function each, which returns what is wrong with an argument.

use syn::Type;

use super::last::what_is_last;
use crate::args::{Args, Kind};
use crate::errors::Errors;
use crate::model::{Arg, Handler, Hook};
use crate::roles::Role;
use crate::types;

/// What is known by its name to be in the wrong place, and types that extract nothing.
pub(super) fn extractors(handler: &Handler, args: &Args, errors: &mut Errors) {
    let rules =
        [by_reference, too_early, streams, of_a_request, bodies, paths, plain_values, borrowing];
    for arg in &handler.args {
        if let Some(message) = rules.iter().find_map(|rule| rule(handler, arg, args)) {
            errors.push(&arg.ty, message);
        }
    }
}

/// `&Io` for `Io`.
fn by_reference(_: &Handler, arg: &Arg, _: &Args) -> Option<String> {
    let Type::Reference(reference) = types::plain(&arg.ty) else { return None };
    let owned = types::text(&reference.elem);
    let extracts = types::surely_extracts(&reference.elem) && owned != "CloseReason";
    extracts.then(|| format!("extractors come by value\nhelp: write `{owned}`"))
}

/// The reason of the end, before the end.
fn too_early(handler: &Handler, arg: &Arg, _: &Args) -> Option<String> {
    let is_early = types::is(&arg.ty, "CloseReason") && handler.hook != Hook::Disconnect;
    is_early.then(|| {
        let text = types::text(&arg.ty);
        format!("`{text}` is known at the end only\nhelp: take it in `#[disconnect]`")
    })
}

/// A stream of events where there is none.
fn streams(handler: &Handler, arg: &Arg, _: &Args) -> Option<String> {
    if arg.role != Role::Extractor || !types::is(&arg.ty, "Receiver") {
        return None;
    }
    let text = types::text(&arg.ty);
    Some(match handler.hook {
        Hook::Procedure(kind) => format!(
            "a {} request has no `{text}`\nhelp: `#[procedure(ws, …)]` has one",
            kind.title()
        ),
        _ => format!(
            "`{text}` is for a WebSocket function\nnote: in a module, each event goes to its `#[on]` handler"
        ),
    })
}

/// A socket where there is none.
fn of_a_request(handler: &Handler, arg: &Arg, _: &Args) -> Option<String> {
    let Hook::Procedure(kind @ (Kind::Get | Kind::Post)) = handler.hook else { return None };
    let is_socket = types::is(&arg.ty, "Socket") && !types::arguments(&arg.ty).is_empty();
    (is_socket && arg.role == Role::Extractor).then(|| {
        let text = types::text(&arg.ty);
        let emits = text.replacen("Socket", "Io", 1);
        format!("a {} request has no `{text}`\nhelp: take `{emits}` to emit", kind.title())
    })
}

/// What reads the body in axum: here the body is the input.
fn bodies(handler: &Handler, arg: &Arg, args: &Args) -> Option<String> {
    let text = types::text(&arg.ty);
    let Some(inner) = types::of_body(&arg.ty) else {
        let reads_all = arg.role == Role::Extractor && types::is_whole_body(&arg.ty);
        return reads_all.then(|| {
            let own = match name(&arg.ty).as_str() {
                word @ ("Request" | "Body") => format!("\nnote: for an extractor of your own that has this name, write its path: `self::{word}`"),
                _ => String::new(),
            };
            format!("`{text}` reads the whole body, which is for the input alone\nhelp: serve it by a route of axum beside the procedures: `App::merge`{own}")
        });
    };
    let inner = types::text(inner);
    Some(match (handler.hook, &args.input) {
        (Hook::Procedure(kind @ (Kind::Get | Kind::Post)), None) => format!(
            "the input is `{inner}`\nhelp: write `#[procedure({}, input = {inner})]`, and take `{inner}` as the last argument",
            kind.name()
        ),
        // The mistake is in the attribute.
        (Hook::Procedure(_), Some(input)) if types::of_body(input).is_some() => return None,
        (Hook::Procedure(Kind::Get | Kind::Post), Some(input)) => {
            let input = types::text(input);
            format!(
                "the input comes without `{}`\nhelp: take `{input}` as the last argument",
                name(&arg.ty)
            )
        }
        (Hook::On | Hook::Fallback, _) if arg.role == Role::Last => {
            format!("the payload comes without `{}`\nhelp: write `{inner}`", name(&arg.ty))
        }
        _ => format!(
            "`{text}` reads a body, and a WebSocket has none\nhelp: take it from `Query<…>`, or as an event's payload"
        ),
    })
}

/// The type's last word.
fn name(ty: &Type) -> String {
    types::last_segment(ty).map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// The parameters of a path that has none.
fn paths(handler: &Handler, arg: &Arg, _: &Args) -> Option<String> {
    if arg.role != Role::Extractor || !types::is(&arg.ty, "Path") {
        return None;
    }
    let inner = types::text(types::arguments(&arg.ty).first()?);
    let text = types::text(&arg.ty);
    let help = match handler.hook {
        Hook::Procedure(kind @ (Kind::Get | Kind::Post)) => format!(
            "make `{inner}` a field of the input: `#[procedure({}, input = …)]`",
            kind.name()
        ),
        _ => "take it from `Query<…>`".to_owned(),
    };
    Some(format!(
        "`{text}` is never there: a procedure's path is its name and has no parameters\nhelp: {help}\nnote: `axum::extract::RawPathParams` has those of a router around the application"
    ))
}

/// Types that extract nothing, whatever is in scope.
fn plain_values(handler: &Handler, arg: &Arg, args: &Args) -> Option<String> {
    if arg.role != Role::Extractor || !types::never_extracts(&arg.ty) {
        return None;
    }
    let text = types::text(&arg.ty);
    let (kind, note) = match handler.hook {
        Hook::Procedure(kind @ (Kind::Get | Kind::Post)) => {
            (kind.title(), of_input(kind, &arg.ty, args))
        }
        Hook::Procedure(Kind::Ws) => {
            ("WebSocket", "events come through the `Receiver`, the rest are extractors".to_owned())
        }
        Hook::Connect => ("WebSocket", "`#[connect]` takes extractors only".to_owned()),
        Hook::Refresh => ("WebSocket", "`#[refresh]` takes the session and extractors".to_owned()),
        Hook::Member => ("WebSocket", "`#[member]` takes the session alone".to_owned()),
        Hook::Disconnect => (
            "WebSocket",
            "`#[disconnect]` takes the session, extractors and the `CloseReason`".to_owned(),
        ),
        hook @ (Hook::On | Hook::Fallback | Hook::Error) => {
            ("WebSocket", format!("extractors first, {} last", what_is_last(hook)))
        }
    };
    Some(format!("`{text}` is not an extractor for a {kind} handler\nnote: {note}"))
}

/// An extractor with a lifetime, which nothing could outlive.
fn borrowing(_: &Handler, arg: &Arg, _: &Args) -> Option<String> {
    let lifetime = types::lifetime(&arg.ty).filter(|_| arg.role == Role::Extractor)?;
    Some(format!(
        "an extractor owns what it takes, and cannot live for `{lifetime}`\nhelp: use a type without a lifetime"
    ))
}

/// Where a plain value goes in a `get` or `post` handler.
fn of_input(kind: Kind, ty: &Type, args: &Args) -> String {
    if args.input.is_some() {
        return "extractors first, the input last".to_owned();
    }
    let (text, kind) = (types::text(ty), kind.name());
    if types::is_scalar(ty) {
        return format!(
            "the input is a struct with a field of type `{text}`: `#[procedure({kind}, input = …)]`"
        );
    }
    format!(
        "extractors first, the input last; for an input write `#[procedure({kind}, input = {text})]`"
    )
}
