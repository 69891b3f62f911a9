//! Rules for one handler.

use syn::{FnArg, ReturnType, Type};

use crate::args::{Args, Kind};
use crate::errors::Errors;
use crate::model::{Arg, Handler, Hook, Role};
use crate::module::Function;
use crate::types;

/// What users call a handler in a message.
fn called(handler: &Handler) -> String {
    match handler.hook {
        Hook::Procedure(kind) => format!("{} handler `{}`", kind.title(), handler.ident),
        hook => format!("`#[{}]` handler `{}`", hook.name(), handler.ident),
    }
}

/// Every rule that looks at one handler alone; the first one broken stands for the rest.
pub(crate) fn handler(
    handler: &mut Handler,
    function: &Function,
    args: &Args,
    errors: &mut Errors,
) {
    let before = errors.len();
    signature(handler, function, errors);
    for rule in [misplaced_last, missing_last, extractors, sessions, receivers, output] {
        if errors.len() == before {
            rule(handler, args, errors);
        }
    }
    handler.broken |= errors.len() > before;
}

/// `async`, not generic, not `unsafe`, and no method: generated code can only call that.
fn signature(handler: &Handler, function: &Function, errors: &mut Errors) {
    let sig = &function.sig;
    let called = called(handler);
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        return errors.push(receiver, format!("{called} cannot be a method\nhelp: move it out of the `impl`; state comes as `State<…>`"));
    }
    if sig.asyncness.is_none() {
        return errors.push(
            sig.fn_token,
            format!("{called} must be `async`\nhelp: write `async fn {}`", sig.ident),
        );
    }
    if !sig.generics.params.is_empty() {
        return errors.push(
            &sig.generics,
            format!("{called} cannot be generic: nobody says what to call it with"),
        );
    }
    if let syn::Safety::Unsafe(keyword) = &sig.safety {
        return errors.push(keyword, format!("{called} cannot be `unsafe`"));
    }
    if let (Hook::Connect, Some(cfg)) = (handler.hook, handler.cfgs.first()) {
        return errors.push(cfg, "`#[connect]` cannot be conditional: the session's type would be\nhelp: put the `#[cfg]` inside the function");
    }
    for arg in &sig.inputs {
        if let FnArg::Typed(arg) = arg
            && let Type::ImplTrait(ty) = types::plain(&arg.ty)
        {
            return errors.push(
                ty,
                format!("{called} must name the types of its arguments, not `impl Trait`"),
            );
        }
    }
}

/// An extractor where the payload or the input should stand.
fn misplaced_last(handler: &Handler, args: &Args, errors: &mut Errors) {
    let Some((last, earlier)) = handler.args.split_last() else { return };
    if last.role != Role::Last || !types::surely_extracts(&last.ty) || handler.hook == Hook::Error {
        return;
    }
    match (payload_among(earlier), &args.input, handler.hook) {
        (Some(suspect), _, _) => errors.push(&last.ty, misplaced(handler, last, suspect)),
        (None, Some(input), Hook::Procedure(_)) => {
            errors.push(&last.ty, missing(handler, &types::text(input)));
        }
        _ => errors.push(&last.ty, missing(handler, "")),
    }
}

/// The argument that may be the payload, for it is no extractor by its name.
fn payload_among(args: &[Arg]) -> Option<&Arg> {
    args.iter().find(|arg| arg.role == Role::Extractor && !types::surely_extracts(&arg.ty))
}

fn misplaced(handler: &Handler, last: &Arg, suspect: &Arg) -> String {
    let what = what_is_last(handler.hook);
    let (ty, moved) = (types::text(&last.ty), types::text(&suspect.ty));
    format!(
        "`{ty}` stands where {what} belongs\nhelp: {what} comes last: move the argument of type `{moved}` behind it"
    )
}

/// No argument is left for the payload or the input.
fn missing_last(handler: &Handler, args: &Args, errors: &mut Errors) {
    let input = args.input.as_ref().map(types::text).unwrap_or_default();
    let needs = match handler.hook {
        Hook::On | Hook::Fallback | Hook::Error => true,
        Hook::Procedure(kind) => kind != Kind::Ws && args.input.is_some(),
        _ => false,
    };
    if !needs {
        return;
    }
    let Some((last, earlier)) = handler.args.split_last() else {
        return errors.push(&handler.ident, missing(handler, &input));
    };
    match (last.role, payload_among(earlier)) {
        (Role::Last | Role::OptionalInput, _) => {}
        (Role::Borrowed, _) => errors.push(&last.ty, borrowed(handler, &last.ty)),
        (Role::Session(_), Some(suspect)) if handler.hook != Hook::Error => {
            errors.push(&last.ty, misplaced(handler, last, suspect));
        }
        _ => errors.push(&handler.ident, missing(handler, &input)),
    }
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

fn missing(handler: &Handler, input: &str) -> String {
    let help = match handler.hook {
        Hook::Error => "write `error: &Error` as the last argument".to_owned(),
        Hook::Fallback => "write `event: Incoming` as the last argument".to_owned(),
        Hook::Procedure(_) => format!("write `input: {input}` as the last argument"),
        _ => "the payload comes last; write `_: ()` for an event without data".to_owned(),
    };
    format!("{} does not take {}\nhelp: {help}", called(handler), what_is_last(handler.hook))
}

fn what_is_last(hook: Hook) -> &'static str {
    match hook {
        Hook::Error => "the error",
        Hook::Fallback => "the event",
        Hook::Procedure(_) => "the input",
        _ => "the event's payload",
    }
}

/// Types that extract nothing, whatever is in scope.
fn extractors(handler: &Handler, args: &Args, errors: &mut Errors) {
    for ty in handler.extractors() {
        let text = types::text(ty);
        if types::is(ty, "CloseReason") {
            errors.push(
                ty,
                format!("`{text}` is known at the end only\nhelp: take it in `#[disconnect]`"),
            );
        } else if types::is(ty, "Receiver") && !matches!(handler.hook, Hook::Procedure(_)) {
            errors.push(
                ty,
                format!("`{text}` is for a WebSocket function\nnote: in a module, each event goes to its `#[on]` handler"),
            );
        } else if types::is(ty, "Socket")
            && !types::arguments(ty).is_empty()
            && let Hook::Procedure(kind @ (Kind::Get | Kind::Post)) = handler.hook
        {
            let emits = text.replacen("Socket", "Io", 1);
            errors.push(
                ty,
                format!("a {} request has no `{text}`\nhelp: take `{emits}` to emit", kind.title()),
            );
        } else if types::never_extracts(ty) {
            let (kind, note) = match handler.hook {
                Hook::Procedure(kind @ (Kind::Get | Kind::Post)) => {
                    let note = if args.input.is_some() {
                        "extractors first, the input last".to_owned()
                    } else {
                        format!(
                            "extractors first, the input last; for an input write `#[procedure({}, input = {text})]`",
                            kind.name()
                        )
                    };
                    (kind.title(), note)
                }
                Hook::Connect => ("WebSocket", "`#[connect]` takes extractors only".to_owned()),
                Hook::Disconnect => (
                    "WebSocket",
                    "`#[disconnect]` takes the session, extractors and the `CloseReason`"
                        .to_owned(),
                ),
                Hook::Procedure(Kind::Ws) => (
                    "WebSocket",
                    "events come through the `Receiver`, the rest are extractors".to_owned(),
                ),
                Hook::Error => ("WebSocket", "extractors first, the error last".to_owned()),
                Hook::Fallback => ("WebSocket", "extractors first, the event last".to_owned()),
                Hook::On => ("WebSocket", "extractors first, the event's payload last".to_owned()),
            };
            errors.push(
                ty,
                format!("`{text}` is not an extractor for a {kind} handler\nnote: {note}"),
            );
        }
    }
}

/// One borrow of the session is all there can be.
fn sessions(handler: &Handler, _: &Args, errors: &mut Errors) {
    let reason = handler.args.iter().find(|arg| match types::plain(&arg.ty) {
        Type::Reference(reference) => types::is(&reference.elem, "CloseReason"),
        _ => false,
    });
    if let Some(arg) = reason {
        let message = format!(
            "{} borrows the reason, which comes by value\nhelp: write `CloseReason`",
            called(handler)
        );
        return errors.push(&arg.ty, message);
    }
    let mut sessions = handler.args.iter().filter(|arg| matches!(arg.role, Role::Session(_)));
    if let (Some(first), Some(second)) = (sessions.next(), sessions.next()) {
        let (first, text) = (types::text(&first.ty), types::text(&second.ty));
        let message =
            format!("{} takes the session twice, as `{first}` and as `{text}`", called(handler));
        errors.push(&second.ty, message);
    }
}

/// The function form reads events itself.
fn receivers(handler: &Handler, _: &Args, errors: &mut Errors) {
    if handler.hook != Hook::Procedure(Kind::Ws) {
        return;
    }
    let mut receivers = handler.args.iter().filter(|arg| arg.role == Role::Receiver);
    let name = &handler.ident;
    if receivers.next().is_none() {
        errors.push(
            name,
            format!("{} has no way to hear its client\nhelp: write `mut events: Receiver<{name}::Procedure>` as an argument", called(handler)),
        );
    } else if let Some(second) = receivers.next() {
        errors.push(
            &second.ty,
            format!("{} has two receivers; there is one stream of events", called(handler)),
        );
    }
}

/// A return type that has no name cannot be described.
fn output(handler: &Handler, _: &Args, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &handler.output else { return };
    let unnamed = |ty: &Type| matches!(types::plain(ty), Type::ImplTrait(_) | Type::Infer(_));
    if unnamed(ty) || types::arguments(ty).into_iter().any(unnamed) {
        let help = match handler.hook {
            Hook::Procedure(Kind::Get | Kind::Post) => {
                "write the type, or `Raw<axum::response::Response>` for any response"
            }
            _ => "write the type",
        };
        errors.push(ty, format!("{} must name what it returns\nhelp: {help}", called(handler)));
    }
}
