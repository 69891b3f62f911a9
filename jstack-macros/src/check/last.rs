//! The rule for the last argument: the payload, the input, the error or the event.

use syn::Type;

use super::called::called;
use crate::args::{Args, Kind};
use crate::errors::Errors;
use crate::model::{Arg, Handler, Hook};
use crate::roles::Role;
use crate::types;

/// The payload, the input, the error or the event comes last, by value.
pub(super) fn last(handler: &Handler, args: &Args, errors: &mut Errors) {
    let needs_it = match handler.hook {
        Hook::On | Hook::Fallback | Hook::Error => true,
        Hook::Procedure(kind) => kind != Kind::Ws && args.input.is_some(),
        Hook::Connect | Hook::Disconnect | Hook::Refresh | Hook::Member => false,
    };
    if !needs_it {
        return;
    }
    let input = args.input.as_ref().map(types::text).unwrap_or_default();
    let Some((last, earlier)) = handler.args.split_last() else {
        return errors.push(&handler.ident, missing(handler, &input, None));
    };
    if last.role == Role::Borrowed {
        return errors.push(&last.ty, borrowed(handler, &last.ty));
    }
    let is_error = handler.hook == Hook::Error;
    let is_it = matches!(last.role, Role::Last | Role::OptionalInput);
    if is_it && (is_error || !types::surely_extracts(&last.ty)) {
        return;
    }
    match payload_among(earlier) {
        Some(suspect) if !is_error => errors.push(&last.ty, misplaced(handler, last, suspect)),
        _ if is_it => errors.push(&last.ty, missing(handler, &input, Some(&last.ty))),
        _ => errors.push(&handler.ident, missing(handler, &input, None)),
    }
}

/// The argument that may be the payload, for it is not an extractor by its name.
fn payload_among(args: &[Arg]) -> Option<&Arg> {
    args.iter().find(|arg| arg.role == Role::Extractor && !types::surely_extracts(&arg.ty))
}

fn misplaced(handler: &Handler, last: &Arg, suspect: &Arg) -> String {
    let what = what_is_last(handler.hook);
    let (ty, moved) = (types::text(&last.ty), types::text(&suspect.ty));
    format!(
        "`{ty}` is where {what} belongs\nhelp: {what} comes last: move the argument of type `{moved}` to the end"
    )
}

fn borrowed(handler: &Handler, ty: &Type) -> String {
    let owned = match types::plain(ty) {
        Type::Reference(reference) if types::is(&reference.elem, "str") => "String".to_owned(),
        Type::Reference(reference) => types::text(&reference.elem),
        ty => types::text(ty),
    };
    format!(
        "{} borrows {}, which comes by value\nhelp: write `{owned}`",
        called(handler),
        what_is_last(handler.hook)
    )
}

/// No argument is left for the payload or the input; `found` is an extractor in its place.
fn missing(handler: &Handler, input: &str, found: Option<&Type>) -> String {
    let help = match handler.hook {
        Hook::Error => "write `error: &Error` as the last argument".to_owned(),
        Hook::Fallback => "write `event: Incoming` as the last argument".to_owned(),
        Hook::Procedure(_) => format!("write `input: {input}` as the last argument"),
        _ => "the payload comes last; write `(): ()` for an event without data".to_owned(),
    };
    let is_alias = |ty: &&Type| types::is_word(ty, "Socket") || types::is_word(ty, "Io");
    let taken = found.filter(is_alias);
    let note = taken.map(types::text).map_or_else(String::new, |name| {
        format!(
            "\nnote: `{name}` is an extractor here; give a payload type of that name another one"
        )
    });
    format!("{} does not take {}\nhelp: {help}{note}", called(handler), what_is_last(handler.hook))
}

pub(super) fn what_is_last(hook: Hook) -> &'static str {
    match hook {
        Hook::Error => "the error",
        Hook::Fallback => "the event",
        Hook::Procedure(_) => "the input",
        _ => "the event's payload",
    }
}
