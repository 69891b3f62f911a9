//! `#[derive(Payload)]`: ties a type to its rules.

use proc_macro2::TokenStream;
use quote::{format_ident, quote_spanned};
use syn::{Field, GenericParam, Index, Member};

use super::at;
use crate::errors::Errors;
use crate::payload::{self, Part, Payload};
use crate::rules::FastRule;
use crate::types;

/// `#[derive(Payload)] item`
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let item = errors.ok(syn::parse2(item));
    let expanded = item
        .as_ref()
        .and_then(|item| payload::read(item, &mut errors))
        .map(|payload| implementation(&payload));
    let errors = errors.into_tokens();
    code!(#expanded #errors)
}

fn implementation(payload: &Payload<'_>) -> TokenStream {
    let Payload { ident, generics, rt, ruled, fast, renamed, .. } = payload;
    let (parameters, arguments, declared) = generics.split_for_impl();
    let types = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        _ => None,
    });
    let mut bounds: Vec<_> = types.map(|ty| code!(#ty: #rt::Payload)).collect();
    if *ruled && !bounds.is_empty() {
        bounds.push(code!(Self: #rt::__private::garde::Validate<Context = ()>));
    }
    bounds.extend(
        declared
            .into_iter()
            .flat_map(|clause| &clause.predicates)
            .map(|predicate| code!(#predicate)),
    );
    let bounds = (!bounds.is_empty()).then(|| code!(where #(#bounds),*));
    let body = if *ruled {
        let rules = quote_spanned!(at(ident)=> #rt::__private::rules(self, issues));
        let names = renamed.iter().map(|(rust, wire)| code!((#rust, #wire)));
        let rules = match renamed.as_slice() {
            [] => rules,
            _ => code!(issues.renamed(&[#(#names),*], |issues| #rules);),
        };
        let fast = fast.as_ref().map(|fast| fast_path(rt, fast));
        Some(code!(#fast #rules))
    } else {
        visits(payload)
    };
    let check = body.map(|body| {
        code! {
            fn check(&self, issues: &mut #rt::Issues) {
                #body
            }
        }
    });
    let marks = ruled.then(|| marks(payload));
    code! {
        #[automatically_derived]
        impl #parameters #rt::Payload for #ident #arguments #bounds {
            #check
        }
        #marks
    }
}

/// Takes two auto traits from a type with rules, so that a type which contains it and does not check
/// it is known by their absence.
fn marks(payload: &Payload<'_>) -> TokenStream {
    let Payload { ident, generics, rt, .. } = payload;
    let (_, arguments, declared) = generics.split_for_impl();
    let predicates = declared.into_iter().flat_map(|clause| &clause.predicates);
    let predicates: Vec<_> = predicates.map(|predicate| code!(, #predicate)).collect();
    let parameters = generics.params.iter().map(|parameter| {
        let mut parameter = parameter.clone();
        match &mut parameter {
            GenericParam::Type(parameter) => parameter.default = None,
            GenericParam::Const(parameter) => parameter.default = None,
            GenericParam::Lifetime(_) => {}
        }
        parameter
    });
    let parameters: Vec<_> = parameters.collect();
    let traits = [code!(UnwindSafe), code!(RefUnwindSafe)];
    let impls = traits.iter().map(|name| {
        code! {
            #[automatically_derived]
            impl<'__a, #(#parameters),*> ::core::panic::#name for #ident #arguments
            where
                #rt::__private::Ruled<'__a>: ::core::panic::#name
                #(#predicates)*
            {}
        }
    });
    code!(#(#impls)*)
}

/// Ends the check of a value that certainly keeps its rules.
fn fast_path(rt: &TokenStream, fast: &[FastRule]) -> TokenStream {
    let certain = fast.iter().map(
        |FastRule { field, rule, range }| code!((&#rt::__private::FastCheck(&self.#field)).#rule(#range)),
    );
    code! {
        #[allow(unused_imports)]
        use #rt::__private::Undecided as _;
        if #(#certain)&&* {
            return;
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
            visit(rt, name, field, &code!(&self.#member))
        });
        return Some(code!(#(#visits)*));
    }
    let rest = (arms.len() < parts.len()).then(|| code!(_ => {}));
    Some(code!(match self { #(#arms)* #rest }))
}

fn arm(part: &Part<'_>, rt: &TokenStream) -> TokenStream {
    let Part { variant, visited, fields } = part;
    let bindings = visited.iter().map(|(index, field, _)| {
        let member =
            field.ident.clone().map_or_else(|| Member::Unnamed(Index::from(*index)), Member::Named);
        let name = format_ident!("field{index}");
        code!(#member: #name)
    });
    let rest = (visited.len() < fields.len()).then(|| code!(..));
    let visits = visited.iter().map(|(index, field, name)| {
        let binding = format_ident!("field{index}");
        visit(rt, name, field, &code!(#binding))
    });
    code!(Self::#variant { #(#bindings,)* #rest } => { #(#visits)* })
}

/// One field, by whatever rules its type has; a name only where it has one.
fn visit(rt: &TokenStream, name: &str, field: &Field, value: &TokenStream) -> TokenStream {
    let parts = types::parts(&field.ty);
    let check = code!(#rt::__private::check!(#value, issues #(, #parts)*));
    let check = super::respanned(check, at(&field.ty));
    code!(issues.field(#name, |issues| #check);)
}
