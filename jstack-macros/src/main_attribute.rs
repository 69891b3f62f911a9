//! `#[main]`: an `async fn main` becomes a `fn main` that starts the runtime and waits for it.

use std::num::NonZeroU16;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Lit, Path, Safety, Token};

use crate::errors::Errors;
use crate::keys::{self, Keys, assigned};
use crate::module::{Function, Target};

const USAGE: &str =
    "help: write `#[jstack_runtime::main]` on `async fn main() -> Result<(), BoxError>`";
const WORKERS: &str = "help: write `workers = 4`, or leave it out for one worker on each core";

/// The arguments of the attribute.
#[derive(Default)]
struct Args {
    workers: Option<NonZeroU16>,
    krate: Option<Path>,
}

/// `#[main(args)] item`
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let main = match syn::parse2(item.clone()) {
        Ok(Target::Function(mut function)) => {
            check(&mut function, &mut errors);
            if errors.len() == 0 { program(&function, &args) } else { broken(&function) }
        }
        Ok(Target::Unfinished(error)) | Err(error) => {
            errors.add(error);
            broken(&TokenStream::new())
        }
        Ok(_) => {
            errors.push(&item, format!("`#[jstack_runtime::main]` goes on a function\n{USAGE}"));
            item
        }
    };
    let errors = errors.into_tokens();
    quote_spanned!(Span::mixed_site()=> #main #errors)
}

impl Args {
    fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        // The parser inside keeps its errors and never fails.
        let _ = (|input: ParseStream<'_>| {
            Keys::new(&["workers", "crate"]).read(input, errors, |key, input, errors| {
                if key == "crate" {
                    args.krate = assigned(key, input, errors);
                } else if let Some(value) = assigned::<Expr>(key, input, errors) {
                    args.workers = errors.ok(workers(&value));
                }
            });
            Ok(())
        })
        .parse2(tokens);
        args
    }
}

fn workers(value: &Expr) -> syn::Result<NonZeroU16> {
    let number = match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        let message = format!("`workers` takes a number from 1 to {}\n{WORKERS}", u16::MAX);
        syn::Error::new_spanned(value, message)
    })
}

/// Reports what keeps the function from being a program's `main`.
fn check(function: &mut Function, errors: &mut Errors) {
    let sig = &mut function.sig;
    if sig.ident != "main" {
        let message =
            format!("`#[jstack_runtime::main]` goes on `main`, not on `{}`\n{USAGE}", sig.ident);
        errors.push(&sig.ident, message);
    }
    if sig.asyncness.is_none() {
        errors.push(sig.fn_token, "`main` must be `async`\nhelp: write `async fn main`");
        // Its body is `async` in the author's mind: one error, not one for each `.await`.
        sig.asyncness = Some(Token![async](sig.fn_token.span));
    }
    if !sig.inputs.is_empty() {
        let message = "`main` takes no arguments\nhelp: write `async fn main()`; `std::env::args()` \
                       are the program's";
        errors.push(&sig.inputs, message);
    }
    if !sig.generics.params.is_empty() {
        errors.push(&sig.generics, "`main` cannot be generic\nhelp: write `async fn main()`");
    }
    if let Some(qualifier) = qualifier(sig) {
        errors.push(qualifier, format!("`main` must be a plain `async fn`\n{USAGE}"));
    }
}

/// Qualifiers before `fn` that `main` must not have.
fn qualifier(sig: &syn::Signature) -> Option<TokenStream> {
    if let Some(abi) = &sig.abi {
        return Some(abi.to_token_stream());
    }
    match &sig.safety {
        Safety::Unsafe(keyword) => Some(keyword.to_token_stream()),
        _ => sig.constness.as_ref().map(ToTokens::to_token_stream),
    }
}

/// The program: its `async fn main`, inside of the `fn main` that waits for it.
fn program(function: &Function, args: &Args) -> TokenStream {
    let Function { attrs, vis, sig, body, .. } = function;
    let rt = keys::runtime(args.krate.as_ref());
    let workers = match args.workers {
        Some(workers) => {
            let workers = workers.get();
            quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#workers))
        }
        None => quote_spanned!(Span::mixed_site()=> ::core::option::Option::None),
    };
    let ident = &sig.ident;
    // What the result cannot do is an error at its type.
    let place = match &sig.output {
        syn::ReturnType::Type(_, ty) => Span::mixed_site().located_at(ty.span()),
        syn::ReturnType::Default => Span::mixed_site(),
    };
    let code = quote_spanned!(place=> #rt::__private::exit_code(#ident().await));
    quote_spanned! {Span::mixed_site()=>
        #(#attrs)*
        #vis fn #ident() -> ::std::process::ExitCode {
            #sig #body
            #rt::__private::main(#workers, || ::std::boxed::Box::pin(async { #code }))
        }
    }
}

/// A `fn main` around what was written, so that its body is checked and nothing else is reported
/// as missing.
fn broken(function: &impl ToTokens) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        #[allow(dead_code)]
        fn main() {
            #function
        }
    }
}

#[cfg(test)]
mod tests {
    use super::expand;

    fn expanded(args: &str, item: &str) -> String {
        let [args, item] = [args, item].map(|source| source.parse().unwrap());
        expand(args, item).to_string()
    }

    #[test]
    fn the_runtime_is_named_by_its_path_alone() {
        let expansion = expanded("crate = x::y", "async fn main() -> Result<(), E> { Ok(()) }");
        assert!(expansion.contains("x :: y :: __private :: main"), "{expansion}");
        assert!(!expansion.contains("jstack_runtime"), "{expansion}");
    }

    #[test]
    fn a_body_that_is_still_being_typed_expands_all_the_same() {
        let expansion = expanded("workers = 2", "async fn main() { App::new(). if }");
        assert!(expansion.contains("async fn main () { App :: new () . if }"), "{expansion}");
        assert!(expansion.contains("Some (2u16)"), "{expansion}");
        assert!(!expansion.contains("compile_error"), "{expansion}");
    }

    #[test]
    fn a_mistake_is_one_error_and_leaves_a_main() {
        for (args, item) in [
            ("workers = 0", "async fn main() {}"),
            ("workers", "async fn main() {}"),
            ("workers = 1, workers = 2", "async fn main() {}"),
            ("threads = 1", "async fn main() {}"),
            ("crate", "async fn main() {}"),
            ("", "fn main() {}"),
            ("", "async fn main(args: Vec<String>) {}"),
            ("", "async fn main<T>() {}"),
            ("", "unsafe async fn main() {}"),
            ("", "async fn serve() {}"),
            ("", "async fn main( {}"),
        ] {
            let Ok(item) = item.parse() else { continue };
            let expansion = expand(args.parse().unwrap(), item).to_string();
            assert_eq!(expansion.matches("compile_error").count(), 1, "{args}: {expansion}");
            assert!(expansion.contains("fn main"), "{expansion}");
        }
    }
}
