//! How a handler's argument is filled: one small function for each hook.

use syn::{Type, TypeReference};

use crate::args::{Args, Kind};
use crate::model::{Hook, same};
use crate::types;

/// How a handler's argument is filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Extractor,
    /// What `#[connect]` returned, the way the argument takes it.
    Session(PassedBy),
    /// The event's payload, the procedure's input, the error, the event: what comes last.
    Last,
    /// What should come last, borrowed where it comes by value.
    Borrowed,
    /// `Option<…>` of the input.
    OptionalInput,
    Receiver,
    Reason,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassedBy {
    Mutably,
    Shared,
    ByValue,
}

/// An argument in its place.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) ty: &'a Type,
    /// No argument follows it.
    pub(crate) is_last: bool,
    /// What `#[connect]` returns.
    pub(crate) session: Option<&'a Type>,
}

/// The role of an argument of a handler for `hook`.
pub(crate) fn role(hook: Hook, place: Place<'_>, args: &Args) -> Role {
    match hook {
        Hook::Connect => Role::Extractor,
        Hook::On | Hook::Fallback => of_event(place),
        Hook::Error => of_error(place),
        Hook::Disconnect => of_disconnect(place),
        Hook::Refresh | Hook::Member => of_refresh(place),
        Hook::Procedure(Kind::Ws) => of_loop(place),
        Hook::Procedure(Kind::Get | Kind::Post) => of_request(place, args),
    }
}

fn of_event(place: Place<'_>) -> Role {
    let Some(reference) = reference(place.ty) else {
        return if place.is_last { Role::Last } else { Role::Extractor };
    };
    let is_session = place.session.is_some_and(|session| same(session, &reference.elem));
    let is_extractor = types::surely_extracts(&reference.elem);
    if place.is_last && reference.mutability.is_none() && !is_session && !is_extractor {
        return Role::Borrowed;
    }
    borrowed(reference)
}

fn of_error(place: Place<'_>) -> Role {
    match reference(place.ty) {
        Some(reference) if place.is_last && reference.mutability.is_none() => Role::Last,
        Some(reference) => borrowed(reference),
        None => Role::Extractor,
    }
}

fn of_disconnect(place: Place<'_>) -> Role {
    match reference(place.ty) {
        Some(reference) => borrowed(reference),
        None if types::is(place.ty, "CloseReason") => Role::Reason,
        None if place.session.is_some_and(|session| same(session, place.ty)) => {
            Role::Session(PassedBy::ByValue)
        }
        None => Role::Extractor,
    }
}

fn of_refresh(place: Place<'_>) -> Role {
    reference(place.ty).map_or(Role::Extractor, borrowed)
}

fn of_loop(place: Place<'_>) -> Role {
    if types::is(place.ty, "Receiver") { Role::Receiver } else { Role::Extractor }
}

fn of_request(place: Place<'_>, args: &Args) -> Role {
    let Some(input) = args.input.as_ref().filter(|_| place.is_last) else {
        return Role::Extractor;
    };
    if reference(place.ty).is_some() {
        return Role::Borrowed;
    }
    let is_written_so = types::text(input) == types::text(place.ty);
    if types::is(place.ty, "Option") && !is_written_so { Role::OptionalInput } else { Role::Last }
}

/// What a handler borrows is the session, unless it is text or an extractor by its name.
fn borrowed(reference: &TypeReference) -> Role {
    if types::is(&reference.elem, "str") || types::surely_extracts(&reference.elem) {
        return Role::Extractor;
    }
    let is_mutable = reference.mutability.is_some();
    Role::Session(if is_mutable { PassedBy::Mutably } else { PassedBy::Shared })
}

fn reference(ty: &Type) -> Option<&TypeReference> {
    match types::plain(ty) {
        Type::Reference(reference) => Some(reference),
        _ => None,
    }
}
