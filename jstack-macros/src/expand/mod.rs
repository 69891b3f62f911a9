//! From tokens to tokens: parse, check, and write what was meant, even where it is wrong.

/// Tokens whose local names are ours alone: a handler called `event` or `session` stays what the
/// user means by it.
macro_rules! code {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

pub(crate) mod events;
mod module;
pub(crate) mod payload;
mod procedure;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned as _;

use crate::args::{Args, Kind, USAGE};
use crate::check;
use crate::errors::Errors;
use crate::model::{Arg, Handler, Hook, Role, Taken};
use crate::module::{Function, Target};

/// `#[procedure(args)] item`
pub(crate) fn procedure(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    check::rename(&args, &mut errors);
    let expanded = match syn::parse2(item.clone()) {
        Ok(Target::Module(module)) => module::expand(module, &args, &mut errors),
        Ok(Target::Function(function)) => on_function(&function, &args, &mut errors),
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

fn on_function(function: &Function, args: &Args, errors: &mut Errors) -> TokenStream {
    let kind = args.kind.unwrap_or(Kind::Get);
    let mut handler = Handler::new(Hook::Procedure(kind), function, args, None);
    check::handler(&mut handler, function, args, errors);
    check::event_sets(args, [false; 2], &handler.ident, errors);
    handler.broken |= args.kind.is_none() || args.broken;
    if function.sig.receiver().is_some() {
        return function.to_token_stream();
    }
    procedure::expand(function, &handler, args)
}

/// The place of `tokens`, with names that resolve as generated ones do.
fn at(tokens: &impl ToTokens) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// The extractors' types, each once, in the order in which they are seen.
fn distinct<'a>(types: impl Iterator<Item = &'a syn::Type>) -> Vec<&'a syn::Type> {
    let mut found: Vec<&syn::Type> = Vec::new();
    for ty in types {
        if position(found.iter().copied(), ty).is_none() {
            found.push(ty);
        }
    }
    found
}

fn position<'a>(
    mut types: impl Iterator<Item = &'a syn::Type>,
    wanted: &syn::Type,
) -> Option<usize> {
    let wanted = wanted.to_token_stream().to_string();
    types.position(|ty| ty.to_token_stream().to_string() == wanted)
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
                    let bound = relocated(code!(#rt::__private::#bound<__S>), ty.span());
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

/// `f(a, b).await`, with each argument as `fill` has it, in the place of its type.
fn call(handler: &Handler, mut fill: impl FnMut(&Arg) -> TokenStream) -> TokenStream {
    let Handler { ident, args, .. } = handler;
    let args = args.iter().map(|arg| {
        let value = fill(arg);
        let ty = &arg.ty;
        relocated(value, at(ty))
    });
    quote_spanned!(at(ident)=> #ident(#(#args),*).await)
}

/// The session as an argument takes it; `borrowed` says that it is a reference already.
fn session(taken: Taken, borrowed: bool) -> TokenStream {
    match taken {
        Taken::Mutably if !borrowed => code!(&mut session),
        Taken::Shared if !borrowed => code!(&session),
        _ => code!(session),
    }
}

/// The same tokens in another place, so that an error points there.
fn relocated(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut tree| {
            if let proc_macro2::TokenTree::Group(group) = &tree {
                let mut inner =
                    proc_macro2::Group::new(group.delimiter(), relocated(group.stream(), span));
                inner.set_span(span);
                return inner.into();
            }
            tree.set_span(tree.span().located_at(span));
            tree
        })
        .collect()
}

/// The name on the wire, and the documentation behind it.
fn described(args: &Args, ident: &proc_macro2::Ident, docs: &str) -> (String, Option<TokenStream>) {
    let name = match &args.rename {
        Some(rename) => rename.value(),
        None => crate::names::Case::Camel.apply(ident),
    };
    (name, (!docs.is_empty()).then(|| code!(.docs(#docs))))
}

/// Whether an argument is filled by an extractor.
fn extracted(arg: &Arg) -> bool {
    arg.role == Role::Extractor
}
