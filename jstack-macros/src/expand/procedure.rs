//! `#[procedure]` on an `async fn`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote_spanned};
use syn::{ReturnType, Visibility};

use super::params::params;
use super::{Implementation, at, call, chosen, described, distinct, extraction, respanned};
use crate::args::{Args, Kind};
use crate::model::{Arg, Handler, Hook};
use crate::module::Function;
use crate::roles::Role;
use crate::types;

/// The function as it was, and beside it a module of the same name with the marker.
pub(crate) fn expand(function: &Function, handler: &Handler, args: &Args) -> TokenStream {
    let Handler { ident, cfgs, .. } = handler;
    let kind = match handler.hook {
        Hook::Procedure(kind) => kind,
        _ => Kind::Get,
    };
    let is_socket = kind == Kind::Ws;
    let procedure = code!(#ident::Procedure);
    let events = is_socket.then(|| events(handler, args)).flatten();
    let presence = super::presence(args, &procedure, None).map(|presence| presence.0);
    let presence = presence.map(|presence| code!(#(#cfgs)* #presence));
    // Without any events the function's own `Receiver` would be a second error.
    let lost = is_socket && events.is_none();
    let function_item = (!lost).then(|| function.to_token_stream());
    let written = !handler.broken && !lost;
    let implementation = implementation(function, handler, kind, args, written);
    let one_way = is_socket
        .then(|| super::one_way(args, &procedure))
        .flatten()
        .map(|checks| code!(#(#cfgs)* const _: () = { #checks };));
    let module = marker(function, ident);
    let types = (written && !is_socket).then(|| http_types(handler, args));
    code! {
        #function_item
        #(#cfgs)*
        #module
        #events
        #types
        #presence
        #(#cfgs)*
        #implementation
        #one_way
    }
}

/// The module with the marker, beside the function.
fn marker(function: &Function, ident: &Ident) -> TokenStream {
    let vis = &function.vis;
    let marker_vis = inside(vis);
    let doc = format!(" Stands for `{ident}` in `router![]`.");
    let module = code! {
        #[doc(hidden)]
        #vis mod #ident {
            #[doc = #doc]
            #marker_vis struct Procedure;
        }
    };
    // Where another module has the name, rustc shows the function's name and not the attribute.
    respanned(module, at(ident))
}

/// `impl Procedure`; without its content where the function is not `written`, because of an error.
fn implementation(
    function: &Function,
    handler: &Handler,
    kind: Kind,
    args: &Args,
    written: bool,
) -> TokenStream {
    let rt = &args.runtime();
    let (ident, is_socket) = (&handler.ident, kind == Kind::Ws);
    let call = || if is_socket { run(handler, rt) } else { answer(handler, kind, args) };
    let implementation = Implementation {
        rt,
        args,
        marker: respanned(code!(#ident::Procedure), at(ident)),
        bound: if is_socket { code!(SocketExtractor) } else { code!(RequestExtractor) },
        extractors: if written { distinct(handler.extracted()) } else { Vec::new() },
        conditional: Vec::new(),
        info: written.then(|| info(function, handler, kind, args)),
        call: written.then(call),
    };
    implementation.into_token_stream()
}

/// Name, types and documentation, as data.
fn info(function: &Function, handler: &Handler, kind: Kind, args: &Args) -> TokenStream {
    let rt = args.runtime();
    let (name, docs) = described(args, &handler.ident, &types::docs(&function.attrs));
    let start = match kind {
        Kind::Ws => code!(#rt::__private::ProcedureInfo::ws::<Self>(#name)),
        kind => {
            let (answers, method) = (answers(handler, &rt), format_ident!("{}", kind.name()));
            code!(#answers.#method(#name))
        }
    };
    let input = inputs(handler, args).map(|inputs| code!(.input(#inputs)));
    let params = (kind == Kind::Ws).then(|| params(&rt, handler.extracted(), &[]));
    let presence = super::presence(args, &code!(Self), None).map(|presence| presence.1);
    let history = super::history(args);
    code!(#start #docs #input #params #presence #history)
}

/// The input's type and what it must be able to: as with [`answers`] the same in both places, that
/// of the argument.
fn inputs(handler: &Handler, args: &Args) -> Option<TokenStream> {
    let (rt, input) = (args.runtime(), args.input.as_ref()?);
    let takes_it = |arg: &&Arg| matches!(arg.role, Role::Last | Role::OptionalInput);
    let arg = handler.args.iter().find(takes_it)?;
    let optional = arg.role == Role::OptionalInput;
    let inputs = format_ident!("{}", if optional { "optional_inputs" } else { "inputs" });
    Some(respanned(code!(#rt::__private::#inputs::<#input>()), at(&arg.ty)))
}

/// The answer's type and what it must be able to. Both places that need it write it the same, so that
/// a type which is not an answer is one compiler error.
fn answers(handler: &Handler, rt: &TokenStream) -> TokenStream {
    match &handler.output {
        ReturnType::Default => code!(#rt::__private::answers::<(), _>()),
        ReturnType::Type(_, ty) => {
            // An error that could be an answer itself must not make `Result` an ordinary value.
            let answers = format_ident!("{}", if is_fallible(ty) { "results" } else { "answers" });
            quote_spanned!(at(ty)=> #rt::__private::#answers::<#ty, _>())
        }
    }
}

/// Calls a `get` or `post` handler and writes its answer.
fn answer(handler: &Handler, kind: Kind, args: &Args) -> TokenStream {
    let rt = args.runtime();
    let inputs = inputs(handler, args);
    let called = call(handler, &rt, |arg| match arg.role {
        Role::Last | Role::OptionalInput => code!(#inputs.read(cx.input().await?)?.0),
        _ => extraction(&arg.ty, "extract"),
    });
    let no_input =
        (kind == Kind::Post && args.input.is_none()).then(|| code!(cx.no_input().await?;));
    let chosen = chosen(handler, &rt, &called);
    let called = chosen.map_or(called, |chosen| code!(#rt::__private::refused(#chosen)?));
    let answers = answers(handler, &rt);
    let issues = issues(handler, &rt);
    code! {
        #no_input
        let answer = #called;
        let issues = #issues;
        #answers.reply(answer, issues)
    }
}

/// `impl HttpProcedure`: what clients send and get.
fn http_types(handler: &Handler, args: &Args) -> TokenStream {
    let rt = args.runtime();
    let Handler { ident, cfgs, .. } = handler;
    let optional = handler.args.iter().any(|arg| arg.role == Role::OptionalInput);
    let marker = respanned(code!(#ident::Procedure), at(ident));
    let input = match &args.input {
        Some(input) if optional => code!(::core::option::Option<#input>),
        Some(input) => code!(#input),
        None => code!(()),
    };
    let output = match &handler.output {
        ReturnType::Default => code!(()),
        ReturnType::Type(_, ty) => answered(ty),
    };
    code! {
        #(#cfgs)*
        #[automatically_derived]
        impl #rt::__private::HttpProcedure for #marker {
            type Input = #input;
            type Output = #output;
        }
    }
}

/// What a client reads of an answer that is written as `ty`: the `T` of a `Result<T>` and of a
/// `SuperJson<T>`, and the owned form of a reference.
fn answered(ty: &syn::Type) -> TokenStream {
    let ty = types::plain(ty);
    let inner = types::arguments(ty).first().copied();
    match (ty, inner) {
        (_, Some(inner)) if types::is(ty, "Result") || types::is(ty, "SuperJson") => {
            answered(inner)
        }
        (syn::Type::Path(path), None) if path.path.is_ident("Result") => code!(()),
        (syn::Type::Reference(reference), _) => match &*reference.elem {
            syn::Type::Slice(slice) => {
                let element = &slice.elem;
                code!(::std::vec::Vec<#element>)
            }
            elem if types::is(elem, "str") => code!(::std::string::String),
            elem => code!(#elem),
        },
        _ => code!(#ty),
    }
}

/// The rules that an answer breaks. Rules inside its type that could not be run do not compile.
fn issues(handler: &Handler, rt: &TokenStream) -> TokenStream {
    let ReturnType::Type(_, written) = &handler.output else {
        return code!(#rt::__private::issues!(&answer));
    };
    let is_result = is_fallible(written);
    let ty = if is_result { types::arguments(written).first().copied() } else { Some(&**written) };
    let parts = ty.map(types::parts).unwrap_or_default();
    let ok = is_result.then(|| code!(ok));
    respanned(code!(#rt::__private::issues!(#ok &answer #(, #parts)*)), at(written))
}

/// Whether a type is written as `Result<…>`.
fn is_fallible(ty: &syn::Type) -> bool {
    types::is(ty, "Result") && !types::arguments(ty).is_empty()
}

/// Starts a `ws` function, which runs until the connection or it ends.
fn run(handler: &Handler, rt: &TokenStream) -> TokenStream {
    let ident = &handler.ident;
    let extractions = handler.extracted().map(|arg| extraction(&arg.ty, "extract_for_socket"));
    let mut next = 0..handler.args.len();
    let values = handler.args.iter().map(|arg| match arg.role {
        Role::Extractor => {
            let index = syn::Index::from(next.next().unwrap_or_default());
            quote_spanned!(at(&arg.ty)=> kept.#index)
        }
        _ => quote_spanned!(at(&arg.ty)=> events),
    });
    let place = match &handler.output {
        ReturnType::Default => at(ident),
        output @ ReturnType::Type(..) => at(output),
    };
    let run = quote_spanned!(place=> cx.run::<Self, _, _>);
    let called = code!(#ident(#(#values),*));
    let awaited = quote_spanned!(place=> #called.await);
    let function = match chosen(handler, rt, &awaited) {
        Some(chosen) => {
            code!(move |events| async move { #rt::__private::outcome(#chosen?) })
        }
        None => code!(move |events| #called),
    };
    code! {
        let kept = (#(#extractions,)*);
        #run(#function)
    }
}

/// `impl Ws`, where at least one set of events is known.
fn events(handler: &Handler, args: &Args) -> Option<TokenStream> {
    let rt = args.runtime();
    let Handler { ident, cfgs, .. } = handler;
    let incoming = args.incoming.as_ref().or(args.outgoing.as_ref())?;
    let outgoing = args.outgoing.as_ref().unwrap_or(incoming);
    let history = super::history_const(args);
    let marker = respanned(code!(#ident::Procedure), at(ident));
    Some(code! {
        #(#cfgs)*
        #[automatically_derived]
        impl #rt::SocketProcedure for #marker {
            type Incoming = #incoming;
            type Outgoing = #outgoing;
            #history
        }
    })
}

/// How an item inside a module says that it is as visible as the module is.
pub(super) fn inside(vis: &Visibility) -> TokenStream {
    let Visibility::Restricted(restricted) = vis else {
        return match vis {
            Visibility::Inherited => code!(pub(super)),
            _ => code!(#vis),
        };
    };
    let path = &restricted.path;
    match path.segments.first().map(|segment| segment.ident.to_string()).as_deref() {
        Some("self") => code!(pub(super)),
        Some("super") => code!(pub(in super::#path)),
        _ => code!(#vis),
    }
}
