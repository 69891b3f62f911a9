//! From tokens to tokens: parse, check, and write what was meant, even where it is wrong.

/// Tokens whose local names are ours alone: a handler called `event` or `session` stays what the
/// user means by it.
macro_rules! code {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

mod emitter;
pub(crate) mod events;
mod fallback;
mod hooks;
mod kept;
mod module;
mod params;
pub(crate) mod payload;
mod procedure;
mod sides;
mod table;

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned as _;

use crate::args::{Args, Kind, USAGE};
use crate::check;
use crate::errors::Errors;
use crate::model::{Arg, Handler, Hook};
use crate::module::{Function, Target};
use crate::roles::PassedBy;
use crate::types;

/// `#[procedure(args)] item`
pub(crate) fn procedure(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut args = Args::parse(args, &mut errors);
    check::rename(&args, &mut errors);
    args.broken |= !check::input(&args, &mut errors);
    let expanded = match syn::parse2(item.clone()) {
        Ok(Target::Module(module)) => {
            check::name(&args, &module.ident, &mut errors);
            module::expand(module, &args, &mut errors)
        }
        Ok(Target::Function(function)) => {
            check::name(&args, &function.sig.ident, &mut errors);
            on_function(*function, &args, &mut errors)
        }
        Ok(Target::File(ident)) => {
            errors.push(
                &ident,
                format!("`#[procedure]` needs an inline module\nhelp: write `mod {ident} {{ … }}`"),
            );
            item
        }
        Ok(Target::Neither) => {
            errors.push(
                &item,
                format!("`#[procedure]` goes on an `async fn` or an inline `mod`\nhelp: {USAGE}"),
            );
            item
        }
        Ok(Target::Unfinished(error)) | Err(error) => {
            errors.add(error);
            item
        }
    };
    let errors = errors.into_tokens();
    code!(#expanded #errors)
}

fn on_function(mut function: Function, args: &Args, errors: &mut Errors) -> TokenStream {
    let is_second = fallback::second_procedure(&mut function.attrs, errors);
    fallback::markers(&mut function.sig, errors);
    let kind = args.kind.unwrap_or(Kind::Get);
    let mut handler = Handler::new(Hook::Procedure(kind), &function, args, None);
    check::handler(&mut handler, &function, args, errors);
    check::event_sets(args, [false; 2], &handler.ident, errors);
    handler.broken |= args.kind.is_none() || args.broken || is_second;
    if function.sig.receiver().is_some() {
        return function.to_token_stream();
    }
    quiet(&mut function);
    procedure::expand(&function, &handler, args)
}

/// The place of `tokens`, with names that resolve as generated ones do.
fn at(tokens: &impl ToTokens) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// The types of extractors, each once, in the order in which they are seen.
fn distinct<'a>(args: impl Iterator<Item = &'a Arg>) -> Vec<&'a syn::Type> {
    let mut seen = HashSet::new();
    args.filter(|arg| seen.insert(&*arg.text)).map(|arg| &arg.ty).collect()
}

/// `impl Procedure<S> for marker`, with the bounds that the extractors need.
struct Implementation<'a> {
    rt: &'a TokenStream,
    args: &'a Args,
    marker: TokenStream,
    /// The extractor trait and who must implement it.
    bound: TokenStream,
    extractors: Vec<&'a syn::Type>,
    /// Aliases of extractors that `#[cfg]` may take away.
    conditional: Vec<&'a TokenStream>,
    /// `None` where an error was reported.
    info: Option<TokenStream>,
    call: Option<TokenStream>,
}

impl ToTokens for Implementation<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { rt, args, marker, bound, extractors, conditional, info, call } = self;
        let unknown = || code!(::core::unimplemented!());
        let (name, cx) = match call {
            Some(_) => (code!(mut cx), None),
            None => (code!(_), Some(unknown())),
        };
        let info = info.clone().unwrap_or_else(unknown);
        let (state, generics, bounds) = match &args.state {
            Some(state) => (code!(#state), None, None),
            None => {
                let bounds = extractors.iter().map(|ty| {
                    let bound = respanned(code!(#rt::__private::#bound<__S>), ty.span());
                    code!(#ty: #bound,)
                });
                let conditional =
                    conditional.iter().map(|ty| code!(#ty: #rt::__private::#bound<__S>,));
                let bounds: Vec<_> = bounds.chain(conditional).collect();
                (
                    code!(__S),
                    Some(
                        code!(<__S: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static>),
                    ),
                    (!bounds.is_empty()).then(|| code!(where #(#bounds)*)),
                )
            }
        };
        tokens.extend(code! {
            #[automatically_derived]
            impl #generics #rt::__private::Procedure<#state> for #marker #bounds {
                const INFO: #rt::__private::ProcedureInfo = #info;
                const CALL: #rt::__private::ServeFn<#state> = |#name| {
                    ::std::boxed::Box::pin(async move {
                        #cx
                        #call
                    })
                };
            }
        });
    }
}

/// `sendable(f(a, b)).await`, with each argument as `fill` has it, in the place of its type: that
/// the future is not `Send` is an error of the handler.
fn call(
    handler: &Handler,
    rt: &TokenStream,
    mut fill: impl FnMut(&Arg) -> TokenStream,
) -> TokenStream {
    let Handler { ident, args, .. } = handler;
    let args = args.iter().map(|arg| {
        let value = fill(arg);
        let ty = &arg.ty;
        respanned(value, at(ty))
    });
    let called = quote_spanned!(at(ident)=> #ident(#(#args),*));
    let place = output_place(handler);
    let sendable = respanned(code!(#rt::__private::sendable), place);
    quote_spanned!(place=> #sendable(#called).await)
}

/// The outcome of a handler whose own error may choose what it becomes; `None` where it has none.
fn chosen(handler: &Handler, rt: &TokenStream, call: &TokenStream) -> Option<TokenStream> {
    let syn::ReturnType::Type(_, ty) = &handler.output else { return None };
    let is_ours = types::is_word(ty, "Result");
    if is_ours || types::is_scalar(ty) {
        return None;
    }
    let place = output_place(handler);
    let chosen = respanned(code!(#rt::__private::chosen!), place);
    Some(quote_spanned!(place=> #chosen(#call)))
}

/// Where a handler says what it returns.
fn output_place(handler: &Handler) -> Span {
    match &handler.output {
        syn::ReturnType::Default => at(&handler.ident),
        syn::ReturnType::Type(_, ty) => at(ty),
    }
}

/// `cx.extract().await?`, in the place of the type that it gives, which no argument says.
fn extraction(ty: &syn::Type, method: &str) -> TokenStream {
    let method = proc_macro2::Ident::new(method, at(ty));
    code!(cx.#method().await?)
}

/// The session as an argument takes it; `borrowed` says that it is a reference already.
fn session(taken: PassedBy, borrowed: bool) -> TokenStream {
    match taken {
        PassedBy::Mutably if !borrowed => code!(&mut session),
        PassedBy::Shared if !borrowed => code!(&session),
        _ => code!(session),
    }
}

/// The same tokens in another place, so that an error points there.
fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut tree| {
            if let proc_macro2::TokenTree::Group(group) = &tree {
                let mut inner =
                    proc_macro2::Group::new(group.delimiter(), respanned(group.stream(), span));
                inner.set_span(span);
                return inner.into();
            }
            tree.set_span(tree.span().located_at(span));
            tree
        })
        .collect()
}

/// What clippy says of a handler only because it is one: it has to be `async`, and to take `_: ()`.
fn quiet(function: &mut Function) {
    let has_await = types::has_word(&function.body, "await");
    let takes_nothing = function.sig.inputs.iter().any(|arg| match arg {
        syn::FnArg::Typed(arg) => {
            let is_unit = matches!(&*arg.ty, syn::Type::Tuple(tuple) if tuple.elems.is_empty());
            is_unit && matches!(*arg.pat, syn::Pat::Wild(_))
        }
        syn::FnArg::Receiver(_) => false,
    });
    let is_async = function.sig.asyncness.is_some();
    let unused = (is_async && !has_await).then(|| code!(clippy::unused_async));
    let pattern = takes_nothing.then(|| code!(clippy::ignored_unit_patterns));
    let lints: Vec<_> = unused.into_iter().chain(pattern).collect();
    if !lints.is_empty() {
        function.attrs.push(syn::parse_quote!(#[allow(#(#lints),*)]));
    }
}

/// What makes the procedure one with presence: the trait for its marker, and a part of its data.
fn presence(
    args: &Args,
    marker: &TokenStream,
    info: Option<&syn::Type>,
) -> Option<(TokenStream, TokenStream)> {
    let (rt, status) = (args.runtime(), args.presence.as_ref()?);
    let places = (at(status), info.map_or_else(Span::mixed_site, at));
    let info = info.map_or_else(|| code!(()), ToTokens::to_token_stream);
    let shown_status = quote_spanned!(places.0=> #rt::__private::shown::<#status>());
    let shown_info = quote_spanned!(places.1=> #rt::__private::shown::<#info>());
    let implementation = code! {
        #[automatically_derived]
        impl #rt::__private::PresenceProcedure for #marker {
            type Status = #status;
            type Info = #info;
            const STATUS: #rt::__private::Shown<#status> = #shown_status;
            const INFO: #rt::__private::Shown<#info> = #shown_info;
        }
    };
    Some((implementation, code!(.presence::<Self>())))
}

/// Where the two sets of events differ: constants that fail to evaluate if an event declares what
/// makes no sense in its direction.
fn one_way(args: &Args, marker: &TokenStream) -> Option<TokenStream> {
    let (rt, incoming, outgoing) = (args.runtime(), args.incoming.as_ref(), args.outgoing.as_ref());
    let (incoming, outgoing) = (incoming?, outgoing?);
    if types::text(incoming) == types::text(outgoing) {
        return None;
    }
    // The user's own spans: where a constant fails is shown there.
    let incoming = quote_spanned!(incoming.span()=> #rt::__private::only_incoming::<#marker>());
    let outgoing = quote_spanned!(outgoing.span()=> #rt::__private::only_outgoing::<#marker>());
    Some(code!(const _: () = #incoming; const _: () = #outgoing;))
}

/// `.history(100, 300_000)`, where the procedure keeps one.
fn history(args: &Args) -> Option<TokenStream> {
    let crate::args::History { count, millis } = args.history.as_ref()?;
    Some(code!(.history(#count, #millis)))
}

/// The same for programs that only emit.
fn history_const(args: &Args) -> Option<TokenStream> {
    let crate::args::History { count, millis } = args.history.as_ref()?;
    Some(code! {
        const HISTORY: ::core::option::Option<(u32, u64)> =
            ::core::option::Option::Some((#count, #millis));
    })
}

/// The name on the wire, and its documentation.
fn described(args: &Args, ident: &proc_macro2::Ident, docs: &str) -> (String, Option<TokenStream>) {
    let name = match &args.rename {
        Some(rename) => rename.value(),
        None => crate::names::Case::Camel.apply(ident),
    };
    (name, (!docs.is_empty()).then(|| code!(.docs(#docs))))
}
