//! Reads and checks the type of `#[derive(Payload)]`.

use proc_macro2::TokenStream;
use syn::{Attribute, Expr, Field, Fields, GenericParam, Generics, Ident, Item, Lit, LitStr, Meta};

use crate::errors::Errors;
use crate::keys::{Keys, assigned, runtime};
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
    let (attrs, ident, generics) = match item {
        Item::Struct(item) => (&item.attrs, &item.ident, &item.generics),
        Item::Enum(item) => (&item.attrs, &item.ident, &item.generics),
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
    Keys::new(&["crate"]).of(attrs, "payload", errors, |key, input, errors| {
        krate = assigned(key, input, errors);
    });
    let mut names = Vec::new();
    let parts: Vec<_> = shapes(item).iter().map(|shape| shape.part(&mut names)).collect();
    let fields = || parts.iter().flat_map(|part| part.fields);
    fields().for_each(|field| rules::lengths(field, errors));
    let mut ruled = has_rules(attrs) || fields().any(|field| has_rules(&field.attrs));
    if let Some((place, message)) = rules::unrunnable(attrs, ident) {
        errors.push(&place, message);
        ruled = false;
    }
    let renamed = renamed(&names);
    let fast = rules::fast(attrs, &parts);
    Some(Payload { ident, generics, rt: runtime(krate.as_ref()), ruled, fast, parts, renamed })
}

/// A struct, or one variant, before its fields are read.
struct Shape<'a> {
    variant: Option<&'a Ident>,
    fields: &'a Fields,
    /// What serde calls the convention for the names of its fields.
    case: Option<String>,
}

/// The shapes of a struct or an enum.
fn shapes(item: &Item) -> Vec<Shape<'_>> {
    match item {
        Item::Struct(item) => {
            let case = serde(&item.attrs, "rename_all");
            vec![Shape { variant: None, fields: &item.fields, case }]
        }
        Item::Enum(item) => {
            let common = serde(&item.attrs, "rename_all_fields");
            let shapes = item.variants.iter().map(|variant| Shape {
                variant: Some(&variant.ident),
                fields: &variant.fields,
                case: serde(&variant.attrs, "rename_all").or_else(|| common.clone()),
            });
            shapes.collect()
        }
        _ => Vec::new(),
    }
}

impl<'a> Shape<'a> {
    /// Reads the fields. Adds to `names` what each is called in Rust and on the wire.
    fn part(&self, names: &mut Vec<(String, String)>) -> Part<'a> {
        let Self { variant, fields, case } = self;
        let mut visited = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            let is_skipped = field
                .attrs
                .iter()
                .any(|attr| attr.path().is_ident("serde") && has_word(attr, "skip"));
            if is_skipped {
                continue;
            }
            let wire = wire_name(field, index, fields.len(), case.as_deref());
            let rust = field.ident.as_ref().map_or(format!("[{index}]"), ToString::to_string);
            names.push((rust, wire.clone()));
            if !types::is_scalar(&field.ty) {
                visited.push((index, field, wire));
            }
        }
        Part { variant: *variant, fields, visited }
    }
}

/// The field's name in the JSON; empty for a field that has no name there.
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

/// The names that the runtime cannot derive. A name that means two things in two variants stays as it
/// is.
fn renamed(names: &[(String, String)]) -> Vec<(String, String)> {
    let differs = |(rust, wire): &&(String, String)| {
        !same_words(rust, wire) && names.iter().all(|(other, name)| other != rust || name == wire)
    };
    let mut renamed: Vec<_> = names.iter().filter(differs).cloned().collect();
    renamed.dedup();
    renamed
}

/// Whether two names differ in case and separators only. The runtime then derives one from the other
/// (`words` in its `payload/issues.rs`).
fn same_words(a: &str, b: &str) -> bool {
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    plain(a) == plain(b)
}

/// The literal behind `key` in `#[serde(…)]`.
fn serde(attrs: &[Attribute], key: &str) -> Option<String> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // serde reports what it does not understand.
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

#[cfg(test)]
mod tests {
    use super::same_words;

    /// The runtime is tested with the same table.
    #[test]
    fn names_are_the_same_words_as_in_the_shared_table() {
        let table = include_str!("../../tests/names.txt");
        let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut count = 0;
        for row in rows {
            let Ok([rust, wire, same]) = <[&str; 3]>::try_from(row.split(' ').collect::<Vec<_>>())
            else {
                panic!("a row has three words: {row}");
            };
            assert_eq!(same_words(rust, wire), same == "same", "{row}");
            count += 1;
        }
        assert!(count > 10, "{count} rows");
    }
}
