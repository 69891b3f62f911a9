//! Rules for one handler: its signature, its sessions and receivers, and what it returns.

use syn::{FnArg, GenericParam, ReturnType, Type};

use super::called::called;
use super::extractors::extractors;
use super::last::last;
use crate::args::{Args, Kind};
use crate::errors::Errors;
use crate::model::{Handler, Hook};
use crate::module::Function;
use crate::roles::Role;
use crate::types;

/// Runs every rule for one handler. Only the first broken one is reported.
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
