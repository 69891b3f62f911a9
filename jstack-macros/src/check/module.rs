//! Rules for the handlers of a module together, and for its other items.

use std::collections::HashSet;

use proc_macro2::Ident;
use syn::Type;

use crate::args::Args;
use crate::errors::Errors;
use crate::model::{Arg, Handlers, Role, same};
use crate::module::{Item, Module, Other};
use crate::types;

/// All that looks at several handlers of a module, and at its other items.
pub(crate) fn module(module: &Module, handlers: &mut Handlers, args: &Args, errors: &mut Errors) {
    reserved(module, args, errors);
    duplicates(handlers, errors);
    session(module, handlers, errors);
}

/// The names that the module gets from us.
fn reserved(module: &Module, args: &Args, errors: &mut Errors) {
    for ident in types_of(module) {
        let name = ident.to_string();
        let meaning = match name.as_str() {
            "Procedure" => "the procedure's marker",
            "Socket" => "the connection's `Socket`",
            "Io" => "the procedure's `Io`",
            "Incoming" if args.incoming.is_some() => "what `incoming = …` names",
            "Outgoing" if args.outgoing.is_some() => "what `outgoing = …` names",
            _ => continue,
        };
        let module = &module.ident;
        errors.push(
            ident,
            format!("`{name}` is taken in `{module}`: it stands for {meaning}\nhelp: rename it, or define it outside of `{module}`"),
        );
    }
}

/// Every type name that the module's items define or import.
pub(crate) fn types_of(module: &Module) -> impl Iterator<Item = &Ident> {
    module.items.iter().flat_map(|item| match item {
        Item::Other(Other { types, .. }) => types.as_slice(),
        Item::Function(_) => &[],
    })
}

/// A second handler would never run, and rustc does not tell.
fn duplicates(handlers: &mut Handlers, errors: &mut Errors) {
    let mut seen: Vec<(Ident, Ident, bool)> = Vec::new();
    for handler in &mut handlers.events {
        let conditional = !handler.cfgs.is_empty();
        let ident = handler.ident.clone();
        handler.variants.retain(|variant| {
            let first =
                seen.iter().find(|(known, _, other)| known == variant && !(*other && conditional));
            if let Some((_, first, _)) = first {
                errors.push(
                    variant,
                    format!(
                        "event `{variant}` already has a handler\nnote: the first one is `{first}`"
                    ),
                );
                return false;
            }
            seen.push((variant.clone(), ident.clone(), conditional));
            true
        });
    }
}

/// `&mut T` is what `#[connect]` returns.
fn session(module: &Module, handlers: &mut Handlers, errors: &mut Errors) {
    let returned = handlers
        .connect
        .as_ref()
        .map(|connect| (connect.ident.clone(), types::success(&connect.output).cloned()));
    // A session that nobody knows fits no handler.
    let unknown = handlers.connect.as_ref().is_some_and(|connect| connect.broken);
    let incomplete = handlers.incomplete;
    let defined: HashSet<String> =
        module.items.iter().flat_map(defines).map(ToString::to_string).collect();
    let hooks = [&mut handlers.fallback, &mut handlers.error, &mut handlers.disconnect];
    for handler in handlers.events.iter_mut().chain(hooks.into_iter().flatten()) {
        if unknown || incomplete {
            let takes = |arg: &Arg| matches!(arg.role, Role::Session(_));
            handler.broken |= unknown && handler.args.iter().any(takes);
            continue;
        }
        if handler.broken {
            continue;
        }
        let Some(arg) = handler.args.iter().find(|arg| matches!(arg.role, Role::Session(_))) else {
            continue;
        };
        let Type::Reference(reference) = types::plain(&arg.ty) else { continue };
        let wanted = &*reference.elem;
        if matches!(types::plain(wanted), Type::Tuple(_)) {
            continue;
        }
        let text = types::text(wanted);
        let message = match &returned {
            None => format!(
                "`{}` needs `#[connect]` returning `{text}`\nhelp: add `#[connect] async fn connect() -> Result<{text}>`",
                types::text(&arg.ty)
            ),
            Some((connect, None)) => format!(
                "`{}` needs `#[connect]` returning `{text}`\nnote: `{connect}` returns nothing",
                types::text(&arg.ty)
            ),
            Some((connect, Some(other)))
                if !same(wanted, other)
                    && [wanted, other].iter().all(|ty| is_local(ty, &defined)) =>
            {
                format!(
                    "`{}` takes the session as `{text}`, and `#[connect]` returns `{}`\nnote: a connection has one session, which `{connect}` returns",
                    handler.ident,
                    types::text(other)
                )
            }
            _ => continue,
        };
        errors.push(&arg.ty, message);
        handler.broken = true;
    }
}

/// The structs and enums of the module: two of them are two types, while an alias may not be.
fn defines(item: &Item) -> &[Ident] {
    match item {
        Item::Other(Other { types, rest, .. }) => {
            let definition = rest.clone().into_iter().take(4).any(|tree| {
                let word = tree.to_string();
                word == "struct" || word == "enum"
            });
            if definition { types } else { &[] }
        }
        Item::Function(_) => &[],
    }
}

fn is_local(ty: &Type, defined: &HashSet<String>) -> bool {
    matches!(types::plain(ty), Type::Path(path) if path.path.segments.len() == 1)
        && types::last_segment(ty)
            .is_some_and(|segment| defined.contains(&segment.ident.to_string()))
}
