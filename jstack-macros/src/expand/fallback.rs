//! What is written for what is known to be broken, so that one mistake stays one error.

use proc_macro2::TokenStream;
use syn::{Attribute, FnArg, GenericArgument, PathArguments, Signature, Type};

use super::Implementation;
use super::procedure::inside;
use crate::args::Args;
use crate::check;
use crate::errors::Errors;
use crate::model::Handler;
use crate::module::{Item, Module};
use crate::types;

/// Takes off a second `#[procedure]`, which would make a second procedure of the same name.
pub(super) fn second_procedure(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> bool {
    let is_ours = |attr: &Attribute| {
        attr.path().segments.last().is_some_and(|segment| segment.ident == "procedure")
    };
    let Some(at) = attrs.iter().position(is_ours) else { return false };
    errors.push(
        attrs.remove(at),
        "the item is a procedure already\nhelp: write a second function that calls this one",
    );
    true
}

/// Reports `Io<chat>`, and goes on with what was meant: `Io<chat::Procedure>`.
pub(super) fn markers(sig: &mut Signature, errors: &mut Errors) {
    for arg in &mut sig.inputs {
        if let FnArg::Typed(arg) = arg
            && ["Io", "Socket", "Receiver"].iter().any(|name| types::is(&arg.ty, name))
        {
            marker_of(&mut arg.ty, errors);
        }
    }
}

fn marker_of(ty: &mut Type, errors: &mut Errors) {
    let Type::Path(path) = ty else { return };
    let Some(segment) = path.path.segments.last_mut() else { return };
    let name = segment.ident.clone();
    let PathArguments::AngleBracketed(list) = &mut segment.arguments else { return };
    let Some(GenericArgument::Type(inner @ Type::Path(_))) = list.args.first_mut() else { return };
    let is_module = types::last_segment(inner).is_some_and(|segment| {
        segment.arguments.is_none()
            && segment.ident.to_string().starts_with(|c: char| c.is_lowercase())
    });
    if !is_module || types::is_scalar(inner) {
        return;
    }
    let text = types::text(inner);
    errors.push(
        &*inner,
        format!("`{text}` is a procedure, not its marker\nhelp: write `{name}<{text}::Procedure>`"),
    );
    if let Type::Path(path) = inner {
        path.path.segments.push(syn::parse_quote!(Procedure));
    }
}

/// The items of a module without any events: its handlers' own `Io` and `Socket` would be errors.
pub(super) fn items_without_events(items: &[Item]) -> TokenStream {
    let is_handler = |item: &&Item| match item {
        Item::Function(function) => function.is_handler,
        Item::Other(_) => false,
    };
    items.iter().filter(|item| !is_handler(item)).map(super::module::tokens).collect()
}

/// The marker of a module without any events, so that `router![…]` finds it.
pub(super) fn marker(module: &Module, args: &Args) -> TokenStream {
    let vis = inside(&module.vis);
    let implementation = Implementation {
        rt: &args.runtime(),
        args,
        marker: code!(Procedure),
        bound: code!(SocketExtractor),
        extractors: Vec::new(),
        conditional: Vec::new(),
        info: None,
        call: None,
    };
    let taken = check::types_of(module).any(|ident| ident == "Procedure");
    let definition = (!taken).then(|| code!(#vis struct Procedure;));
    code!(#definition #implementation)
}

/// The arm for the events of handlers that could not be read.
pub(super) fn lost_events() -> TokenStream {
    code!(_ => ::core::unimplemented!(),)
}

/// What calls the handler, unless an error was reported for it.
pub(super) fn unless_broken(handler: &Handler, body: impl FnOnce() -> TokenStream) -> TokenStream {
    if handler.broken { code!(::core::unimplemented!()) } else { body() }
}
