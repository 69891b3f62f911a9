//! What is known of a type by how it is written.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Attribute, Expr, GenericArgument, Lit, Meta, PathArguments, PathSegment, ReturnType, Type,
};

/// The type without invisible groups and parentheses.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        _ => ty,
    }
}

pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match plain(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// Whether the type's last word is `name`.
pub(crate) fn is(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// Whether the type is written as the one word `name`.
pub(crate) fn is_word(ty: &Type, name: &str) -> bool {
    matches!(plain(ty), Type::Path(path) if path.path.is_ident(name))
}

/// Whether the type is written as `ident` alone.
pub(crate) fn is_ident(ty: &Type, ident: &Ident) -> bool {
    matches!(plain(ty), Type::Path(path) if path.path.is_ident(ident))
}

/// The types between the angle brackets.
pub(crate) fn arguments(ty: &Type) -> Vec<&Type> {
    match last_segment(ty).map(|segment| &segment.arguments) {
        Some(PathArguments::AngleBracketed(list)) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// As text, for comparing and for messages.
pub(crate) fn text(ty: &Type) -> String {
    spaceless(&ty.to_token_stream())
}

/// Tokens as a person writes them: spaces after commas and between words only.
pub(crate) fn spaceless(tokens: &TokenStream) -> String {
    let mut text = String::new();
    write(tokens, &mut text);
    text
}

fn write(tokens: &TokenStream, text: &mut String) {
    let ends_in_word =
        |text: &str| text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ',');
    for tree in tokens.clone() {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                if text.ends_with(',') {
                    text.push(' ');
                }
                text.push_str(open);
                write(&group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => {
                let c = punct.as_char();
                let opens = matches!(c, '&' | '\'');
                if matches!(c, '=' | '+') || (opens && ends_in_word(text)) {
                    text.push(' ');
                }
                text.push(c);
                if matches!(c, '=' | '+' | ';') {
                    text.push(' ');
                }
            }
            word => {
                if ends_in_word(text) {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}

const SCALARS: [&str; 17] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
    "f64", "bool", "char", "String",
];

/// Numbers, `bool`, `char`, `String` and `()`: they have no rules and extract nothing.
pub(crate) fn is_scalar(ty: &Type) -> bool {
    match plain(ty) {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Path(path) => {
            path.path.get_ident().is_some_and(|ident| SCALARS.contains(&ident.to_string().as_str()))
        }
        _ => false,
    }
}

/// A type that cannot be an extractor, whatever is in scope.
pub(crate) fn never_extracts(ty: &Type) -> bool {
    match plain(ty) {
        Type::Array(_)
        | Type::Slice(_)
        | Type::FnPtr(_)
        | Type::Ptr(_)
        | Type::Never(_)
        | Type::Reference(_) => true,
        Type::Tuple(tuple) => tuple.elems.is_empty() || tuple.elems.iter().any(never_extracts),
        ty => is_scalar(ty) || (is(ty, "Vec") && !arguments(ty).is_empty()),
    }
}

/// A type that is an extractor by its name: ours and axum's best known ones.
pub(crate) fn surely_extracts(ty: &Type) -> bool {
    let is_generic = !arguments(ty).is_empty();
    last_segment(ty).is_some_and(|segment| match segment.ident.to_string().as_str() {
        "Io" | "Socket" => is_generic || is_one_word(ty),
        "HeaderMap" | "CloseReason" => true,
        "State" | "Query" | "Extension" | "Path" => is_generic,
        _ => false,
    })
}

fn is_one_segment(ty: &Type) -> bool {
    matches!(plain(ty), Type::Path(path) if path.path.segments.len() == 1)
}

fn is_one_word(ty: &Type) -> bool {
    matches!(plain(ty), Type::Path(path) if path.path.get_ident().is_some())
}

/// `T` of `Json<T>` and `Form<T>`, which read the body in axum.
pub(crate) fn of_body(ty: &Type) -> Option<&Type> {
    let reads = is(ty, "Json") || is(ty, "Form");
    match arguments(ty).as_slice() {
        [inner] if reads => Some(*inner),
        _ => None,
    }
}

/// Extractors of axum's that take the body as it is.
pub(crate) fn is_whole_body(ty: &Type) -> bool {
    // With a path, a type of the user's may be called so.
    let of = |ty: &Type| {
        let text = text(ty);
        ["extract::", "http::", "body::"].iter().any(|path| text.contains(path))
    };
    let is_body = is(ty, "Request") || is(ty, "Body");
    is(ty, "Multipart") || is(ty, "Bytes") || (is_body && (is_one_segment(ty) || of(ty)))
}

/// Containers of the standard library, and ours: their rules are those of what they contain.
const CONTAINERS: [&str; 12] = [
    "Option",
    "Vec",
    "Box",
    "Arc",
    "Cow",
    "HashMap",
    "BTreeMap",
    "HashSet",
    "BTreeSet",
    "VecDeque",
    "Result",
    "SuperJson",
];

/// The types that one is written with, `A` and `B` of `HashMap<A, Vec<B>>`, which may have rules of
/// their own; none of a type that is written as one word.
pub(crate) fn parts(ty: &Type) -> Vec<&Type> {
    let mut found = Vec::new();
    // A response as it is has no rules, and nothing in it can be looked at.
    if !inner(ty).is_empty() && !is(ty, "Raw") {
        add_parts(ty, &mut found);
    }
    found
}

fn add_parts<'a>(ty: &'a Type, found: &mut Vec<&'a Type>) {
    let inner = inner(ty);
    let is_container = last_segment(ty)
        .is_none_or(|segment| CONTAINERS.iter().any(|container| segment.ident == container));
    if !is_scalar(ty) && (inner.is_empty() || !is_container) {
        found.push(plain(ty));
    }
    for part in inner {
        add_parts(part, found);
    }
}

fn inner(ty: &Type) -> Vec<&Type> {
    match plain(ty) {
        Type::Tuple(tuple) => tuple.elems.iter().collect(),
        Type::Array(array) => vec![&array.elem],
        Type::Slice(slice) => vec![&slice.elem],
        _ => arguments(ty),
    }
}

/// What a function gives when it succeeds: `T` of `T`, `Result<T>` and `Result<T, E>`, and
/// nothing where it gives `()`.
pub(crate) fn success(output: &ReturnType) -> Option<&Type> {
    let ReturnType::Type(_, ty) = output else { return None };
    let inner = match last_segment(ty) {
        Some(segment) if segment.ident.to_string().ends_with("Result") => {
            arguments(ty).first().copied()
        }
        _ => Some(plain(ty)),
    };
    inner.filter(|ty| !matches!(plain(ty), Type::Tuple(tuple) if tuple.elems.is_empty()))
}

/// The doc comment, each line without the space after `///`.
pub(crate) fn docs<'a>(attrs: impl IntoIterator<Item = &'a Attribute>) -> String {
    let lines = attrs.into_iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<_> =
        lines.map(|line| line.strip_prefix(' ').map_or(line.clone(), str::to_owned)).collect();
    lines.join("\n").trim().to_owned()
}

/// The `#[cfg(…)]` among the attributes: what is generated for an item exists when it does.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

/// The first lifetime in a type that is neither `'static` nor left to the compiler.
pub(crate) fn lifetime(ty: &Type) -> Option<String> {
    fn find(tokens: TokenStream) -> Option<String> {
        let mut trees = tokens.into_iter();
        while let Some(tree) = trees.next() {
            let found = match tree {
                TokenTree::Group(group) => find(group.stream()),
                TokenTree::Punct(punct) if punct.as_char() == '\'' => trees
                    .next()
                    .map(|name| format!("'{name}"))
                    .filter(|name| name != "'static" && name != "'_"),
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
    find(ty.to_token_stream())
}

/// Whether the word is anywhere in the tokens.
pub(crate) fn has_word(tokens: &TokenStream, word: &str) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => has_word(&group.stream(), word),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_a_person_writes_them() {
        for written in [
            "Vec<Message>",
            "&mut Session",
            "&'a mut Session<'a, u8>",
            "Option<Box<dyn Store + Send>>",
            "::axum::extract::State<Arc<dyn Store>>",
            "[u8; 4]",
            "(u8, (), String)",
            "Cow<'static, str>",
            "HashMap<String, Vec<u8>>",
            "&'static str",
        ] {
            let ty: Type = syn::parse_str(written).expect("a type");
            assert_eq!(text(&ty), written);
        }
    }
}
