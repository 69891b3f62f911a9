//! `#[derive(Payload)]`: ties a type to its rules.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{GenericParam, Index, Member};

use super::at;
use crate::errors::Errors;
use crate::payload::{self, Part, Payload};

/// `#[derive(Payload)] item`
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let item = errors.ok(syn::parse2(item));
    let expanded = item
        .as_ref()
        .and_then(|item| payload::read(item, &mut errors))
        .map(|payload| implementation(&payload));
    let errors = errors.into_tokens();
    quote!(#expanded #errors)
}

fn implementation(payload: &Payload<'_>) -> TokenStream {
    let Payload { ident, generics, rt, ruled, .. } = payload;
    let (parameters, arguments, declared) = generics.split_for_impl();
    let types = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        _ => None,
    });
    let mut bounds: Vec<_> = types.map(|ty| quote!(#ty: #rt::Payload)).collect();
    if *ruled && !bounds.is_empty() {
        bounds.push(quote!(Self: #rt::__private::garde::Validate<Context = ()>));
    }
    bounds.extend(
        declared
            .into_iter()
            .flat_map(|clause| &clause.predicates)
            .map(|predicate| quote!(#predicate)),
    );
    let bounds = (!bounds.is_empty()).then(|| quote!(where #(#bounds),*));
    let body = if *ruled {
        Some(quote_spanned!(at(ident)=> #rt::__rules(self, issues)))
    } else {
        visits(payload)
    };
    let check = body.map(|body| {
        quote! {
            fn check(&self, issues: &mut #rt::Issues) {
                #body
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #parameters #rt::Payload for #ident #arguments #bounds {
            #check
        }
    }
}

/// Checks what is inside; `None` where nothing can have rules.
fn visits(payload: &Payload<'_>) -> Option<TokenStream> {
    let Payload { rt, parts, .. } = payload;
    if parts.iter().all(|part| part.visited.is_empty()) {
        return None;
    }
    let arms = parts
        .iter()
        .filter(|part| part.variant.is_some() && !part.visited.is_empty())
        .map(|part| arm(part, rt));
    let arms: Vec<_> = arms.collect();
    if let [part] = parts.as_slice()
        && part.variant.is_none()
    {
        let visits = part.visited.iter().map(|(index, field, name)| {
            let member = field
                .ident
                .clone()
                .map_or_else(|| Member::Unnamed(Index::from(*index)), Member::Named);
            visit(rt, name, &quote!(&self.#member))
        });
        return Some(quote!(#(#visits)*));
    }
    let rest = (arms.len() < parts.len()).then(|| quote!(_ => {}));
    Some(quote!(match self { #(#arms)* #rest }))
}

fn arm(part: &Part<'_>, rt: &TokenStream) -> TokenStream {
    let Part { variant, visited, fields } = part;
    let bindings = visited.iter().map(|(index, field, _)| {
        let member =
            field.ident.clone().map_or_else(|| Member::Unnamed(Index::from(*index)), Member::Named);
        let name = format_ident!("field{index}");
        quote!(#member: #name)
    });
    let rest = (visited.len() < fields.len()).then(|| quote!(..));
    let visits = visited.iter().map(|(index, _, name)| {
        let field = format_ident!("field{index}");
        visit(rt, name, &quote!(#field))
    });
    quote!(Self::#variant { #(#bindings,)* #rest } => { #(#visits)* })
}

/// One field, by whatever rules its type has; a name only where it has one.
fn visit(rt: &TokenStream, name: &str, value: &TokenStream) -> TokenStream {
    quote!(issues.field(#name, |issues| #rt::__check!(#value, issues));)
}
