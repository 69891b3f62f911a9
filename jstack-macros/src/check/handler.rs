//! Rules for one handler.

use syn::{FnArg, GenericParam, ReturnType, Type};

use crate::args::{Args, Kind};
use crate::errors::Errors;
use crate::model::{Arg, Handler, Hook};
use crate::module::Function;
use crate::roles::Role;
use crate::types;

/// What users call a handler in a message.
fn called(handler: &Handler) -> String {
    match handler.hook {
        Hook::Procedure(kind) => format!("{} handler `{}`", kind.title(), handler.ident),
        hook => format!("`#[{}]` handler `{}`", hook.name(), handler.ident),
    }
}

/// Every rule that looks at one handler alone; only the first broken one is reported.
pub(crate) fn handler(
    handler: &mut Handler,
    function: &Function,
    args: &Args,
    errors: &mut Errors,
) {
    let before = errors.len();
    if handler.hook == Hook::Member {
        super::member::member(handler, function, args, errors);
        handler.broken |= errors.len() > before;
        return;
    }
    signature(handler, function, errors);
    for rule in [last, extractors, sessions, receivers, output] {
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
    // Lifetimes follow from the arguments.
    if let Some(parameter) =
        sig.generics.params.iter().find(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
    {
        return errors.push(
            parameter,
            format!("{called} cannot be generic\nhelp: name the type; generated code calls it with one only"),
        );
    }
    if let syn::Safety::Unsafe(keyword) = &sig.safety {
        return errors.push(keyword, format!("{called} cannot be `unsafe`"));
    }
    if let (Hook::Connect, Some(cfg)) = (handler.hook, handler.cfgs.first()) {
        return errors.push(cfg, "`#[connect]` cannot be conditional: the session's type would be\nhelp: put the `#[cfg]` inside the function");
    }
    for arg in &sig.inputs {
        let FnArg::Typed(arg) = arg else { continue };
        if let Type::ImplTrait(ty) = types::plain(&arg.ty) {
            return errors.push(
                ty,
                format!("{called} must name the types of its arguments, not `impl Trait`"),
            );
        }
        if let Some(cfg) = types::cfgs(&arg.attrs).first() {
            return errors.push(
                cfg,
                format!("{called} cannot have a conditional argument\nhelp: write the handler twice, with `#[cfg(…)]` on one and `#[cfg(not(…))]` on the other"),
            );
        }
    }
}

/// The payload, the input, the error or the event comes last, by value.
fn last(handler: &Handler, args: &Args, errors: &mut Errors) {
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

fn what_is_last(hook: Hook) -> &'static str {
    match hook {
        Hook::Error => "the error",
        Hook::Fallback => "the event",
        Hook::Procedure(_) => "the input",
        _ => "the event's payload",
    }
}

/// What is known by its name to be in the wrong place, and types that extract nothing.
fn extractors(handler: &Handler, args: &Args, errors: &mut Errors) {
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
    if let Some(lifetime) = types::lifetime(ty) {
        let message = format!(
            "{} cannot return what it borrows: its answer outlives its arguments\nhelp: return an owned value, or `'static` for `{lifetime}`",
            called(handler)
        );
        return errors.push(ty, message);
    }
    let fine = types::arguments(ty).first().copied().filter(|_| types::is(ty, "Result"));
    let answer = fine.unwrap_or(ty);
    if let (Hook::Procedure(Kind::Get | Kind::Post), true, Some(inner)) =
        (handler.hook, types::is(answer, "Json"), types::of_body(answer))
    {
        let inner = types::text(inner);
        let message = format!("an answer is JSON anyway\nhelp: write `{inner}`");
        return errors.push(answer, message);
    }
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
