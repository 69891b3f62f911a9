//! Reads a module's handlers: takes our attributes off and notes what they were on.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, Type};

use crate::args::Args;
use crate::check;
use crate::errors::Errors;
use crate::model::{Handler, Handlers, Hook};
use crate::module::{Function, Item, Module};
use crate::types;

/// Takes our attributes off and reads what they were on.
pub(crate) fn read(module: &mut Module, args: &Args, errors: &mut Errors) -> Handlers {
    let mut handlers = Handlers::default();
    let session = returned_by_connect(module);
    for item in &mut module.items {
        let attrs = match item {
            Item::Function(function) => &mut function.attrs,
            Item::Other(other) => &mut other.attrs,
        };
        let (hooks, rest): (Vec<_>, Vec<_>) =
            attrs.drain(..).partition(|attr| Hook::of(attr).is_some());
        *attrs = rest;
        match (item, hooks.first()) {
            (Item::Function(function), Some(_)) => {
                function.is_handler = true;
                add(&mut handlers, function, &hooks, args, session.as_ref(), errors);
            }
            (Item::Function(function), None) => misnamed(function, &mut handlers, errors),
            (Item::Other(other), first) => {
                handlers.incomplete |= first.is_some();
                match (other.unfinished.take(), first) {
                    (Some(error), _) => errors.add(error),
                    (None, Some(first)) => {
                        let path = first.path().to_token_stream();
                        let function = if first.path().is_ident("member") {
                            "a `fn`"
                        } else {
                            "an `async fn`"
                        };
                        errors.push(first, format!("`#[{path}]` goes on {function}"));
                    }
                    (None, None) => {}
                }
            }
        }
    }
    handlers
}

/// What `#[connect]` returns, which is known before the handlers are read.
fn returned_by_connect(module: &Module) -> Option<Type> {
    module.items.iter().find_map(|item| match item {
        Item::Function(function)
            if function.attrs.iter().any(|attr| attr.path().is_ident("connect")) =>
        {
            types::success(&function.sig.output).cloned()
        }
        _ => None,
    })
}

/// `#[event(Message)]` on a function, for `#[on(Message)]`.
fn misnamed(function: &mut Function, handlers: &mut Handlers, errors: &mut Errors) {
    let Some(at) = function.attrs.iter().position(|attr| attr.path().is_ident("event")) else {
        return;
    };
    let attr = function.attrs.remove(at);
    let variant =
        attr.parse_args::<Ident>().map_or_else(|_| "Message".to_owned(), |v| v.to_string());
    errors.push(
        attr,
        format!("`#[event(…)]` is for a variant of an enum\nhelp: write `#[on({variant})]`"),
    );
    function.is_handler = true;
    handlers.incomplete = true;
}

/// Why `#[on]` names no event.
fn no_event(attr: &Attribute) -> String {
    let several = attr.parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated);
    let help = match several {
        Ok(events) if events.len() > 1 => {
            let each: Vec<_> = events.iter().map(|event| format!("#[on({event})]")).collect();
            format!("write `{}` where they have the same payload", each.join(" "))
        }
        _ => "write `#[on(Message)]` with a variant of the incoming events".to_owned(),
    };
    format!("`#[on]` names one event\nhelp: {help}")
}

/// Reads one handler and puts it where it belongs.
fn add(
    handlers: &mut Handlers,
    function: &Function,
    hooks: &[Attribute],
    args: &Args,
    session: Option<&Type>,
    errors: &mut Errors,
) {
    let Some(hook) = hooks.first().and_then(Hook::of) else { return };
    let mut handler = Handler::new(hook, function, args, session);
    check::handler(&mut handler, function, args, errors);
    for attr in hooks {
        if !argument(attr, hook, &mut handler, errors) {
            handlers.incomplete = true;
        }
    }
    place(handlers, handler, errors);
}

/// Reads what one of our attributes says; `false` if an event may be lost with it.
fn argument(attr: &Attribute, hook: Hook, handler: &mut Handler, errors: &mut Errors) -> bool {
    let name = hook.name();
    if Hook::of(attr) != Some(hook) {
        let message =
            format!("`{}` has `#[{name}]` already\nhelp: write a second function", handler.ident);
        errors.push(attr, message);
        return false;
    }
    if hook != Hook::On {
        if !matches!(attr.meta, Meta::Path(_)) {
            errors.push(attr, format!("`#[{name}]` takes no arguments"));
        }
        return true;
    }
    let variant = attr.parse_args::<Ident>().map_err(|_| errors.push(attr, no_event(attr))).ok();
    let is_known = variant.is_some();
    handler.variants.extend(variant);
    is_known
}

/// Puts a handler where it belongs; all but those of events are there once.
fn place(handlers: &mut Handlers, handler: Handler, errors: &mut Errors) {
    let hook = handler.hook;
    let place = match hook {
        Hook::Connect => &mut handlers.connect,
        Hook::Fallback => &mut handlers.fallback,
        Hook::Error => &mut handlers.error,
        Hook::Disconnect => &mut handlers.disconnect,
        Hook::Refresh => &mut handlers.refresh,
        Hook::Member => &mut handlers.member,
        Hook::On | Hook::Procedure(_) => return handlers.events.push(handler),
    };
    let Some(first) = place else { return *place = Some(handler) };
    let (name, first) = (hook.name(), &first.ident);
    let message =
        format!("the module has a `#[{name}]` handler already\nnote: the first one is `{first}`");
    errors.push(&handler.ident, message);
}
