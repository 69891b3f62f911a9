//! Rules for `#[member]`, which says who a connection is.

use syn::{FnArg, ReturnType, Type};

use crate::args::Args;
use crate::errors::Errors;
use crate::model::Handler;
use crate::module::Function;
use crate::types;

/// Only the first broken rule is reported.
pub(super) fn member(handler: &Handler, function: &Function, args: &Args, errors: &mut Errors) {
    let (sig, ident) = (&function.sig, &handler.ident);
    let called = format!("`#[member]` handler `{ident}`");
    if args.presence.is_none() && !args.broken {
        return errors.push(
            ident,
            "`#[member]` says who is in a room, which this procedure does not show\nhelp: write `#[procedure(ws, …, presence = Status)]`, where `Status` is what clients say about themselves",
        );
    }
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        return errors.push(receiver, format!("{called} cannot be a method"));
    }
    if let Some(keyword) = &sig.asyncness {
        return errors.push(
            keyword,
            format!("{called} only reads the session and cannot be `async`\nhelp: write `fn {ident}`, and let `#[connect]` find what it needs"),
        );
    }
    if let syn::Safety::Unsafe(keyword) = &sig.safety {
        return errors.push(keyword, format!("{called} cannot be `unsafe`"));
    }
    if let Some(parameter) = sig.generics.type_params().next() {
        return errors.push(parameter, format!("{called} cannot be generic"));
    }
    if let Some(cfg) = handler.cfgs.first() {
        return errors.push(cfg, "`#[member]` cannot be conditional: what is said about members would be\nhelp: put the `#[cfg]` inside the function");
    }
    let takes_session = match &*handler.args {
        [arg] => matches!(types::plain(&arg.ty), Type::Reference(to) if to.mutability.is_none()),
        _ => false,
    };
    if !takes_session {
        let message = format!(
            "{called} takes the session alone\nhelp: write `fn {ident}(session: &Session)`"
        );
        return match handler.args.first() {
            Some(arg) => errors.push(&arg.ty, message),
            None => errors.push(ident, message),
        };
    }
    if info(&handler.output).is_none() {
        let message = format!(
            "{called} returns who the connection is\nhelp: write `-> Member<Info>`, where `Info` is what others read about it"
        );
        match &handler.output {
            ReturnType::Type(_, ty) => errors.push(ty, message),
            ReturnType::Default => errors.push(ident, message),
        }
    }
}

/// `Info` of `Member<Info>`.
pub(crate) fn info(output: &ReturnType) -> Option<&Type> {
    let ReturnType::Type(_, ty) = output else { return None };
    match (types::is(ty, "Member"), &*types::arguments(ty)) {
        (true, [info]) => Some(info),
        _ => None,
    }
}
