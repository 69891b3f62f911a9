//! Reads a module's handlers: takes our attributes off and notes what they stood on.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::{Attribute, Meta, Type};

use crate::args::Args;
use crate::check;
use crate::errors::Errors;
use crate::model::{Handler, Handlers, Hook};
use crate::module::{Function, Item, Module};
use crate::types;

/// Takes our attributes off and reads what they stood on.
pub(crate) fn read(module: &mut Module, args: &Args, errors: &mut Errors) -> Handlers {
    let mut handlers = Handlers::default();
    let returned = module.items.iter().find_map(|item| match item {
        Item::Function(function)
            if function.attrs.iter().any(|attr| attr.path().is_ident("connect")) =>
        {
            types::success(&function.sig.output).cloned()
        }
        _ => None,
    });
    for item in &mut module.items {
        let attrs = match item {
            Item::Function(function) => &mut function.attrs,
            Item::Other(other) => &mut other.attrs,
        };
        let (hooks, rest): (Vec<_>, Vec<_>) =
            attrs.drain(..).partition(|attr| Hook::of(attr).is_some());
        *attrs = rest;
        let Some(first) = hooks.first() else {
            if let Item::Other(other) = item
                && let Some(error) = other.unfinished.take()
            {
                errors.add(error);
            }
            continue;
        };
        match item {
            Item::Function(function) => {
                function.is_handler = true;
                add(&mut handlers, function, &hooks, args, returned.as_ref(), errors);
            }
            Item::Other(other) => {
                handlers.incomplete = true;
                match other.unfinished.take() {
                    Some(error) => errors.add(error),
                    None => {
                        let path = first.path();
                        errors.push(
                            first,
                            format!("`#[{}]` goes on an `async fn`", path.to_token_stream()),
                        );
                    }
                }
            }
        }
    }
    handlers
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
        if Hook::of(attr) != Some(hook) {
            let name = hook.name();
            errors.push(
                attr,
                format!(
                    "`{}` has `#[{name}]` already\nhelp: write a function of its own",
                    handler.ident
                ),
            );
            handlers.incomplete = true;
        } else if hook == Hook::On {
            match attr.parse_args::<Ident>() {
                Ok(variant) => handler.variants.push(variant),
                Err(_) => {
                    errors.push(attr, "`#[on]` names one event\nhelp: write `#[on(Message)]` with a variant of the incoming events");
                    handlers.incomplete = true;
                }
            }
        } else if !matches!(attr.meta, Meta::Path(_)) {
            errors.push(attr, format!("`#[{}]` takes no arguments", hook.name()));
        }
    }
    let place = match hook {
        Hook::Connect => &mut handlers.connect,
        Hook::Fallback => &mut handlers.fallback,
        Hook::Error => &mut handlers.error,
        Hook::Disconnect => &mut handlers.disconnect,
        Hook::On | Hook::Procedure(_) => return handlers.events.push(handler),
    };
    match place {
        Some(first) => {
            let (name, first) = (hook.name(), &first.ident);
            errors.push(
                &handler.ident,
                format!(
                    "the module has a `#[{name}]` handler already\nnote: the first one is `{first}`"
                ),
            );
        }
        None => *place = Some(handler),
    }
}
