//! Reads `#[garde(…)]`: what a length counts, and which rules a cheap check can decide.

use proc_macro2::{Delimiter, Ident, Literal, TokenStream, TokenTree};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Field, Lit, Member, Meta, MetaList, Token, Type};

use crate::errors::Errors;
use crate::payload::Part;
use crate::types;

pub(crate) fn has_rules(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("garde"))
}

/// A rule of a field that a cheap check decides for most values, without `garde`.
pub(crate) struct FastRule {
    pub(crate) field: Member,
    /// The question's name in the runtime.
    pub(crate) rule: Ident,
    /// What the rule allows, as a range.
    pub(crate) range: TokenStream,
}

/// What to ask of a value before its rules run; `None` where they have to run anyway.
pub(crate) fn fast(attrs: &[Attribute], parts: &[Part<'_>]) -> Option<Vec<FastRule>> {
    let [Part { variant: None, fields, .. }] = parts else { return None };
    let mut found = Vec::new();
    for meta in listed(attrs)? {
        meta.path().is_ident("allow_unvalidated").then_some(())?;
    }
    for (member, field) in fields.members().zip(*fields) {
        for meta in listed(&field.attrs)? {
            let Meta::List(list) = &meta else {
                meta.path().is_ident("skip").then_some(())?;
                continue;
            };
            let (rule, unit) = if list.path.is_ident("length") && is_text(&field.ty) {
                ("has_chars", Some("chars"))
            } else {
                list.path.is_ident("range").then_some(("is_within", None))?
            };
            let rule = Ident::new(rule, list.path.get_ident()?.span());
            found.push(FastRule { field: member.clone(), rule, range: range(list, unit)? });
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Why the rules of a type cannot be run: they ask for a context.
pub(crate) fn unrunnable(attrs: &[Attribute], ident: &Ident) -> Option<(Meta, String)> {
    let context = listed(attrs)?.into_iter().find(|meta| meta.path().is_ident("context"))?;
    let message = format!(
        "the rules of `{ident}` need a context, and payloads are checked without one\nhelp: leave it \
         out; check in the handler what depends on the application's state"
    );
    let unit = matches!(&context, Meta::List(list) if list.tokens.to_string() == "()");
    (!unit).then_some((context, message))
}

/// The content of all `#[garde(…)]`; `None` for one that is not a list.
fn listed(attrs: &[Attribute]) -> Option<Vec<Meta>> {
    let rules = attrs.iter().filter(|attr| attr.path().is_ident("garde"));
    let lists =
        rules.map(|attr| attr.parse_args_with(Punctuated::<_, Token![,]>::parse_terminated));
    let lists: Vec<_> = lists.collect::<Result<_, _>>().ok()?;
    Some(lists.into_iter().flatten().collect())
}

/// `min..=max` where both are literals; `None` with any option but `unit`, which has to be there.
fn range(list: &MetaList, unit: Option<&str>) -> Option<TokenStream> {
    let (mut min, mut max, mut counts) = (None, None, unit.is_none());
    for option in list.parse_args_with(Punctuated::<_, Token![,]>::parse_terminated).ok()? {
        match option {
            Meta::Path(path) if unit.is_some_and(|unit| path.is_ident(unit)) => counts = true,
            Meta::NameValue(option) => {
                let bound = if option.path.is_ident("min") {
                    &mut min
                } else {
                    option.path.is_ident("max").then_some(&mut max)?
                };
                *bound = Some(integer(&option.value)?);
            }
            _ => return None,
        }
    }
    counts.then(|| if max.is_some() { quote!(#min..=#max) } else { quote!(#min..) })
}

/// A literal, without a suffix: it need not be of the field's type here.
fn integer(value: &Expr) -> Option<Literal> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => {
            Some(Literal::u64_unsuffixed(literal.base10_parse().ok()?))
        }
        _ => None,
    }
}

/// A string's length means characters in a schema, so the rule has to count them as well.
pub(crate) fn lengths(field: &Field, errors: &mut Errors) {
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("garde")) {
        if let Meta::List(list) = &attr.meta {
            length(list.tokens.clone(), Some(&field.ty), errors);
        }
    }
}

fn length(rules: TokenStream, ty: Option<&Type>, errors: &mut Errors) {
    let mut name: Option<Ident> = None;
    for tree in rules {
        match (&name, tree) {
            (_, TokenTree::Ident(ident)) => name = Some(ident),
            (Some(rule), TokenTree::Group(group))
                if group.delimiter() == Delimiter::Parenthesis =>
            {
                if rule == "inner" {
                    length(group.stream(), ty.and_then(element), errors);
                } else if rule == "length" && ty.is_some_and(is_text) {
                    unit(rule, &group.stream(), errors);
                }
                name = None;
            }
            _ => name = None,
        }
    }
}

/// What a rule on a string's length counts.
fn unit(rule: &Ident, options: &TokenStream, errors: &mut Errors) {
    let mode = options.clone().into_iter().find_map(|tree| match tree {
        TokenTree::Ident(ident)
            if ["chars", "bytes", "graphemes", "utf16", "simple"]
                .iter()
                .any(|mode| ident == mode) =>
        {
            Some(ident)
        }
        _ => None,
    });
    let counted = match &mode {
        Some(mode) if mode == "chars" => return,
        Some(mode) if mode == "graphemes" => "graphemes",
        Some(mode) if mode == "utf16" => "UTF-16 units",
        _ => "bytes",
    };
    let message = format!(
        "`length` counts {counted} here while the schema counts characters\nhelp: write `length(chars, …)`"
    );
    match mode {
        Some(mode) => errors.push(mode, message),
        None => errors.push(quote!(#rule), message),
    }
}

/// The type without what `garde` looks through.
fn inside<'a>(ty: &'a Type, wrappers: &[&str]) -> &'a Type {
    match types::arguments(ty).first() {
        Some(inner) if wrappers.iter().any(|wrapper| types::is(ty, wrapper)) => {
            inside(inner, wrappers)
        }
        _ => types::plain(ty),
    }
}

fn is_text(ty: &Type) -> bool {
    match inside(ty, &["Option", "Box", "Arc", "Rc", "Cow"]) {
        Type::Reference(reference) => is_text(&reference.elem),
        ty => types::is(ty, "String") || types::is(ty, "str"),
    }
}

/// What `inner(…)` speaks of.
fn element(ty: &Type) -> Option<&Type> {
    match inside(ty, &["Option", "Box", "Arc", "Rc"]) {
        Type::Array(array) => Some(&array.elem),
        Type::Slice(slice) => Some(&slice.elem),
        ty => types::arguments(ty).last().copied(),
    }
}
