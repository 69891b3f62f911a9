//! Names: the words of an identifier, joined for the wire and for methods.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt as _;

/// A convention for names, by serde's words for it.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Camel,
    Snake,
    Pascal,
    Kebab,
    ScreamingSnake,
    Lower,
}

/// What `rename_all` accepts.
const CASES: [(&str, Case); 6] = [
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("PascalCase", Case::Pascal),
    ("kebab-case", Case::Kebab),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("lowercase", Case::Lower),
];

impl Case {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        CASES.iter().find(|(known, _)| *known == name).map(|(_, case)| *case)
    }

    /// Every name that `parse` knows, for an error.
    pub(crate) fn all() -> String {
        CASES.map(|(name, _)| format!("`{name}`")).join(", ")
    }

    pub(crate) fn apply(self, ident: &Ident) -> String {
        let words = words(&ident.unraw().to_string());
        let each = |f: fn(&str) -> String| words.iter().map(|word| f(word)).collect::<Vec<_>>();
        match self {
            Self::Snake => each(str::to_lowercase).join("_"),
            Self::Kebab => each(str::to_lowercase).join("-"),
            Self::ScreamingSnake => each(str::to_uppercase).join("_"),
            Self::Lower => each(str::to_lowercase).concat(),
            Self::Pascal => each(capitalised).concat(),
            Self::Camel => match words.split_first() {
                Some((first, rest)) => {
                    first.to_lowercase()
                        + &rest.iter().map(|word| capitalised(word)).collect::<String>()
                }
                None => String::new(),
            },
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect()
    })
}

/// `UserJoined`, `user_joined` and `userJoined` are two words, `HTTPError` as well.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = name.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        let after_lower = i > 0 && (chars[i - 1].is_lowercase() || chars[i - 1].is_numeric());
        let before_lower = chars.get(i + 1).is_some_and(|next| next.is_lowercase());
        if c == '_' || (c.is_uppercase() && (after_lower || before_lower)) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c != '_', words.last_mut()) {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `name` as an identifier, raw where it is a keyword; `None` where that is impossible.
pub(crate) fn method(name: &str, span: Span) -> Option<Ident> {
    match name {
        "self" | "Self" | "super" | "crate" | "_" | "" => None,
        "gen" => Some(Ident::new_raw(name, span)),
        _ if name.starts_with(|c: char| c.is_numeric()) => None,
        _ if syn::parse_str::<Ident>(name).is_ok() => Some(Ident::new(name, span)),
        _ => Some(Ident::new_raw(name, span)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(case: Case, name: &str) -> String {
        case.apply(&Ident::new(name, Span::call_site()))
    }

    #[test]
    fn names_are_split_at_capitals_and_underscores() {
        assert_eq!(apply(Case::Camel, "UserJoined"), "userJoined");
        assert_eq!(apply(Case::Camel, "recent_posts"), "recentPosts");
        assert_eq!(apply(Case::Camel, "recentPosts"), "recentPosts");
        assert_eq!(apply(Case::Snake, "HTTPError"), "http_error");
        assert_eq!(apply(Case::Snake, "Room2Left"), "room2_left");
        assert_eq!(apply(Case::Kebab, "UserJoined"), "user-joined");
        assert_eq!(apply(Case::ScreamingSnake, "UserJoined"), "USER_JOINED");
        assert_eq!(apply(Case::Pascal, "user_joined"), "UserJoined");
        assert_eq!(apply(Case::Lower, "UserJoined"), "userjoined");
    }

    #[test]
    fn keywords_become_raw_methods_where_rust_allows_it() {
        let method = |name| method(name, Span::call_site()).map(|ident| ident.to_string());
        assert_eq!(method("type").as_deref(), Some("r#type"));
        assert_eq!(method("gen").as_deref(), Some("r#gen"));
        assert_eq!(method("message").as_deref(), Some("message"));
        assert_eq!(method("super"), None);
    }
}
