//! Rules for the handlers of a module together, and for its other items.

use std::collections::HashSet;

use proc_macro2::Ident;
use syn::Type;

use crate::args::Args;
use crate::errors::Errors;
use crate::model::{Arg, Handler, Handlers, same};
use crate::module::{Item, Module, Other};
use crate::roles::Role;
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
            "Incoming" if is_other(args.incoming.as_ref(), ident) => "what `incoming = …` names",
            "Outgoing" if is_other(args.outgoing.as_ref(), ident) => "what `outgoing = …` names",
            _ => continue,
        };
        let module = &module.ident;
        errors.push(
            ident,
            format!("`{name}` is taken in `{module}`: it stands for {meaning}\nhelp: rename it, or define it outside of `{module}`"),
        );
    }
}

/// Whether a set of events is given, and by another name than `ident`.
fn is_other(given: Option<&Type>, ident: &Ident) -> bool {
    given.is_some_and(|given| !types::is_ident(given, ident))
}

/// Inside the module each alias names its own set, so neither can name the other.
pub(crate) fn aliases(args: &Args, errors: &mut Errors) {
    let crossed =
        [(&args.incoming, "incoming", "Outgoing"), (&args.outgoing, "outgoing", "Incoming")];
    for (given, key, alias) in crossed {
        let Some(given) = given else { continue };
        if types::is_word(given, alias) {
            errors.push(given, format!("`{alias}` has its own meaning inside the module, and is not what it should name\nhelp: write its path, `{key} = super::{alias}`"));
        }
    }
}

/// Every type name that the module's items define or import.
pub(crate) fn types_of(module: &Module) -> impl Iterator<Item = &Ident> {
    module.items.iter().flat_map(|item| match item {
        Item::Other(Other { types, .. }) => types.as_slice(),
        Item::Function(_) => &[],
    })
}

/// A second handler would never run, and rustc does not say so.
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
    if handlers.incomplete {
        return;
    }
    // The session of a broken `#[connect]` is unknown: it fits no handler, and none is wrong.
    let is_unknown = handlers.connect.as_ref().is_some_and(|connect| connect.broken);
    let known = Known::of(module, handlers);
    for handler in handlers.all_but_connect() {
        if is_unknown {
            let takes_it = |arg: &Arg| matches!(arg.role, Role::Session(_));
            handler.broken |= handler.args.iter().any(takes_it);
        } else if !handler.broken
            && let Some((ty, message)) = handler.args.iter().find_map(|arg| {
                let message =
                    known.by_value(handler, arg).or_else(|| known.refusal(handler, arg))?;
                Some((&arg.ty, message))
            })
        {
            errors.push(ty, message);
            handler.broken = true;
        }
    }
}

/// What is known of a module's session.
struct Known {
    /// `#[connect]` and what it returns; `None` where there is no such handler.
    returned: Option<(Ident, Option<Type>)>,
    /// The structs and enums of the module.
    defined: HashSet<String>,
    /// The module has an extractor of its own, which may be the session as well.
    has_extractors: bool,
}

impl Known {
    fn of(module: &Module, handlers: &Handlers) -> Self {
        let returned = handlers
            .connect
            .as_ref()
            .map(|connect| (connect.ident.clone(), types::success(&connect.output).cloned()));
        let defined = module.items.iter().flat_map(defines).map(ToString::to_string).collect();
        let is_extractor = |item: &Item| match item {
            Item::Other(other) => other.rest.to_string().contains("FromRequestParts"),
            Item::Function(_) => false,
        };
        Self { returned, defined, has_extractors: module.items.iter().any(is_extractor) }
    }

    /// Why a handler cannot take its session by value.
    fn by_value(&self, handler: &Handler, arg: &Arg) -> Option<String> {
        let (_, Some(session)) = self.returned.as_ref()? else { return None };
        let is_session = arg.role == Role::Extractor && same(session, &arg.ty);
        (is_session && !self.has_extractors && is_local(session, &self.defined)).then(|| {
            let text = types::text(&arg.ty);
            format!(
                "`{}` takes the session by value, which lives as long as the connection\nhelp: write `&mut {text}`",
                handler.ident
            )
        })
    }

    /// Why what a handler borrows is not the session.
    fn refusal(&self, handler: &Handler, arg: &Arg) -> Option<String> {
        let Type::Reference(reference) = types::plain(&arg.ty) else { return None };
        let wanted = &*reference.elem;
        if !matches!(arg.role, Role::Session(_)) || matches!(types::plain(wanted), Type::Tuple(_)) {
            return None;
        }
        let (written, text) = (types::text(&arg.ty), types::text(wanted));
        match &self.returned {
            None => Some(format!(
                "`{written}` needs `#[connect]` returning `{text}`\nhelp: add `#[connect] async fn connect() -> Result<{text}>`"
            )),
            Some((connect, None)) => Some(format!(
                "`{written}` needs `#[connect]` returning `{text}`\nnote: `{connect}` returns nothing"
            )),
            Some((connect, Some(other))) => {
                // An alias may be the same type.
                let differ = !same(wanted, other)
                    && is_local(wanted, &self.defined)
                    && is_local(other, &self.defined);
                differ.then(|| format!(
                    "`{}` takes the session as `{text}`, and `#[connect]` returns `{}`\nnote: a connection has one session, which `{connect}` returns",
                    handler.ident,
                    types::text(other)
                ))
            }
        }
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
