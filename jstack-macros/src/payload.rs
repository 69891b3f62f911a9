//! Reads and checks the type of `#[derive(Payload)]`.

use proc_macro2::TokenStream;
use syn::{Attribute, Expr, Field, Fields, GenericParam, Generics, Ident, Item, Lit, LitStr, Meta};

use crate::args::runtime;
use crate::errors::Errors;
use crate::names::Case;
use crate::rules::{self, FastRule, has_rules};
use crate::types;

/// A type that travels.
pub(crate) struct Payload<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) rt: TokenStream,
    /// It carries `#[garde(…)]`, so that `garde` checks it with all that is in it.
    pub(crate) ruled: bool,
    /// Cheap checks of its fields before `garde`: if all of them pass, no rule is broken.
    pub(crate) fast: Option<Vec<FastRule>>,
    pub(crate) parts: Vec<Part<'a>>,
    /// Fields whose names on the wire do not follow from those in Rust, which `garde` reports.
    pub(crate) renamed: Vec<(String, String)>,
}

/// The fields of a struct, or of one variant.
pub(crate) struct Part<'a> {
    pub(crate) variant: Option<&'a Ident>,
    pub(crate) fields: &'a Fields,
    /// Fields whose types may have rules of their own: where they are, and what they are called.
    pub(crate) visited: Vec<(usize, &'a Field, String)>,
}

pub(crate) fn read<'a>(item: &'a Item, errors: &mut Errors) -> Option<Payload<'a>> {
    let (attrs, ident, generics, shapes): (_, _, _, Vec<_>) = match item {
        Item::Struct(item) => {
            (&item.attrs, &item.ident, &item.generics, vec![(None, &item.fields, &[][..])])
        }
        Item::Enum(item) => {
            let variants = item.variants.iter();
            let shapes =
                variants.map(|v| (Some(&v.ident), &v.fields, v.attrs.as_slice())).collect();
            (&item.attrs, &item.ident, &item.generics, shapes)
        }
        other => {
            errors.push(
                other,
                "`Payload` is for structs and enums: what travels must be known by its fields",
            );
            return None;
        }
    };
    if let Some(GenericParam::Lifetime(lifetime)) = generics.params.first() {
        errors.push(lifetime, format!("payload `{ident}` cannot borrow: it is decoded here and lives on\nhelp: own the data, `String` for `&str`"));
        return None;
    }
    let mut krate = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("payload")) {
        let parsed = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                krate = Some(meta.value()?.parse()?);
                return Ok(());
            }
            Err(meta.error("unknown key\nhelp: expected `crate = …`"))
        });
        errors.ok(parsed);
    }
    let mut ruled = has_rules(attrs);
    let (mut parts, mut names) = (Vec::new(), Vec::new());
    for (variant, fields, own) in shapes {
        let mut visited = Vec::new();
        let case = serde(own, "rename_all").or_else(|| {
            serde(attrs, if variant.is_some() { "rename_all_fields" } else { "rename_all" })
        });
        for (index, field) in fields.iter().enumerate() {
            ruled |= has_rules(&field.attrs);
            rules::lengths(field, errors);
            let skipped = field
                .attrs
                .iter()
                .any(|attr| attr.path().is_ident("serde") && has_word(attr, "skip"));
            let wire = wire_name(field, index, fields.len(), case.as_deref());
            let rust = field.ident.as_ref().map_or(format!("[{index}]"), ToString::to_string);
            if !skipped {
                names.push((rust, wire.clone()));
            }
            if !skipped && !types::is_scalar(&field.ty) {
                visited.push((index, field, wire));
            }
        }
        parts.push(Part { variant, fields, visited });
    }
    if let Some((place, message)) = rules::unrunnable(attrs, ident) {
        errors.push(&place, message);
        ruled = false;
    }
    let renamed = renamed(&names);
    let fast = rules::fast(attrs, &parts);
    Some(Payload { ident, generics, rt: runtime(krate.as_ref()), ruled, fast, parts, renamed })
}

/// The field's name as it travels; nothing for a field that is not seen in the JSON.
fn wire_name(field: &Field, index: usize, count: usize, case: Option<&str>) -> String {
    if field.attrs.iter().any(|attr| attr.path().is_ident("serde") && has_word(attr, "flatten")) {
        return String::new();
    }
    let renamed = serde(&field.attrs, "rename");
    match (&field.ident, renamed) {
        (_, Some(name)) => name,
        (Some(ident), None) => case.and_then(Case::parse).unwrap_or(Case::Snake).apply(ident),
        // A newtype travels as what it wraps.
        (None, None) if count == 1 => String::new(),
        (None, None) => format!("[{index}]"),
    }
}

/// The names that the runtime would not find by itself. One that means two things in two variants stays
/// as it is.
fn renamed(names: &[(String, String)]) -> Vec<(String, String)> {
    let differs = |(rust, wire): &&(String, String)| {
        !same_words(rust, wire) && names.iter().all(|(other, name)| other != rust || name == wire)
    };
    let mut renamed: Vec<_> = names.iter().filter(differs).cloned().collect();
    renamed.dedup();
    renamed
}

/// Whether the runtime finds one name by the other: they differ in case and separators only.
fn same_words(a: &str, b: &str) -> bool {
    let plain =
        |s: &str| s.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    plain(a) == plain(b)
}

/// The literal behind `key` in `#[serde(…)]`.
fn serde(attrs: &[Attribute], key: &str) -> Option<String> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // What serde itself does not understand is for serde to say.
        let _ = attr.parse_nested_meta(|meta| {
            let wanted = meta.path.is_ident(key);
            if meta.input.peek(syn::Token![=]) {
                if let Ok(Expr::Lit(literal)) = meta.value()?.parse::<Expr>()
                    && let (true, Lit::Str(text)) = (wanted, &literal.lit)
                {
                    found = Some(text.value());
                }
            } else if meta.input.peek(syn::token::Paren) {
                meta.parse_nested_meta(|inner| {
                    let text: LitStr = inner.value()?.parse()?;
                    if wanted && inner.path.is_ident("deserialize") {
                        found = Some(text.value());
                    }
                    Ok(())
                })?;
            }
            Ok(())
        });
    }
    found
}

/// Whether the attribute's list has the word `word`.
fn has_word(attr: &Attribute, word: &str) -> bool {
    matches!(&attr.meta, Meta::List(list) if types::has_word(&list.tokens, word))
}
