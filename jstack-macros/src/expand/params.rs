//! The query of a socket: `Query<T>` among the extractors, found by how it is written.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::Type;

use super::at;
use super::kept::Kept;
use crate::model::Arg;
use crate::types;

/// `.params(&[…])` for the queries that a socket procedure reads before the upgrade, each once:
/// those of `args`, and those of `kept`, which may be conditional.
pub(super) fn params<'a>(
    rt: &TokenStream,
    args: impl Iterator<Item = &'a Arg>,
    kept: &[Kept<'_>],
) -> Option<TokenStream> {
    let mut seen: Vec<String> = Vec::new();
    let mut all: Vec<TokenStream> = Vec::new();
    let types = args.map(|arg| (&arg.ty, None));
    // What exists whatever is configured comes first: then its conditional twin adds nothing.
    let (conditional, sure): (Vec<_>, Vec<_>) = kept.iter().partition(|k| k.condition.is_some());
    let kept = sure.into_iter().chain(conditional).map(|kept| (kept.ty, kept.condition.as_ref()));
    for (ty, condition) in types.chain(kept) {
        let (Some((inner, is_optional)), text) = (query(ty), types::text(ty)) else { continue };
        if seen.contains(&text) {
            continue;
        }
        seen.push(text);
        let cfg = condition.map(|condition| code!(#[cfg(#condition)]));
        all.push(quote_spanned!(at(ty)=> #cfg #rt::__private::params!(#inner, #is_optional)));
    }
    (!all.is_empty()).then(|| code!(.params(&[#(#all),*])))
}

/// `T` of `Query<T>`, and whether it may be missing: `OptionalQuery<T>`, `Option<Query<T>>`.
fn query(ty: &Type) -> Option<(&Type, bool)> {
    let [inner] = types::arguments(ty)[..] else { return None };
    match () {
        () if types::is(ty, "Query") => Some((inner, false)),
        () if types::is(ty, "OptionalQuery") => Some((inner, true)),
        () if types::is(ty, "Option") => query(inner).map(|(inner, _)| (inner, true)),
        () => None,
    }
}
