//! `key = value, …`: the one parser for the arguments of all attributes.
//!
//! A mistake is one error, and the keys after the next comma are still read.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, LitStr, Path, Token, Type};

use crate::errors::Errors;
use crate::types;

/// The keys that a list may contain.
pub(crate) struct Keys<'a> {
    pub(crate) known: &'a [&'static str],
    /// The error for a string in place of a key.
    pub(crate) for_string: Option<fn(&str) -> String>,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(known: &'a [&'static str]) -> Self {
        Self { known, for_string: None }
    }

    /// Reads the keys of all attributes that are called `name`.
    pub(crate) fn of(
        &self,
        attrs: &[Attribute],
        name: &str,
        errors: &mut Errors,
        mut value: impl FnMut(&Ident, ParseStream<'_>, &mut Errors),
    ) {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
            let parsed = attr.parse_args_with(|input: ParseStream<'_>| {
                self.read(input, errors, &mut value);
                Ok(())
            });
            errors.ok(parsed);
        }
    }

    /// Reads the rest of `input`. `value` reads what follows a key that is known and not a repetition.
    pub(crate) fn read(
        &self,
        input: ParseStream<'_>,
        errors: &mut Errors,
        mut value: impl FnMut(&Ident, ParseStream<'_>, &mut Errors),
    ) {
        let mut seen = Vec::new();
        while !input.is_empty() {
            let before = errors.len();
            match input.call(Ident::parse_any) {
                Err(_) => errors.add(input.error(self.no_key(input))),
                Ok(key) if !self.known.iter().any(|known| key == known) => errors.push(
                    &key,
                    format!("unknown key `{key}`\nhelp: expected one of {}", list(self.known)),
                ),
                Ok(key) if seen.contains(&key) => {
                    errors.push(&key, format!("`{key}` is given twice"));
                }
                Ok(key) => {
                    value(&key, input, errors);
                    if errors.len() == before && !input.is_empty() && !input.peek(Token![,]) {
                        errors.add(input.error(format!("expected `,` after the value of `{key}`")));
                    }
                    seen.push(key);
                }
            }
            skip(input);
        }
    }

    fn no_key(&self, input: ParseStream<'_>) -> String {
        match (self.for_string, input.fork().parse::<LitStr>()) {
            (Some(message), Ok(text)) => message(&text.value()),
            _ => format!("expected one of {}", list(self.known)),
        }
    }
}

/// The names between backticks, with commas.
fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The runtime's path as expansions write it.
pub(crate) fn runtime(path: Option<&Path>) -> TokenStream {
    path.map_or_else(|| quote!(::jstack_runtime), |path| quote!(#path))
}

/// The kind of a key's value.
#[derive(Clone, Copy)]
enum Wanted {
    Type,
    Text,
    Path,
    Number,
    Name,
}

/// The kind of a key's value, and an example.
fn wanted(key: &Ident) -> (Wanted, &'static str) {
    match key.to_string().as_str() {
        "rename" => (Wanted::Text, "\"name\""),
        "rename_all" => (Wanted::Text, "\"kebab-case\""),
        "crate" => (Wanted::Path, "path::to::jstack_runtime"),
        "state" => (Wanted::Type, "AppState"),
        "input" => (Wanted::Type, "Page"),
        "presence" => (Wanted::Type, "Status"),
        "reply" | "ask" => (Wanted::Type, "Saved"),
        "workers" => (Wanted::Number, "4"),
        "latest" => (Wanted::Name, "id"),
        _ => (Wanted::Type, "Chat"),
    }
}

/// The value after `=`.
pub(crate) fn assigned<T: Parse>(
    key: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Option<T> {
    let (wanted, example) = wanted(key);
    if input.parse::<Token![=]>().is_err() {
        let written = unassigned(input).unwrap_or_else(|| example.to_owned());
        errors.push(
            key,
            format!("`{key}` takes its value after `=`\nhelp: write `{key} = {written}`"),
        );
        return None;
    }
    if input.is_empty() || input.peek(Token![,]) {
        errors.push(key, format!("`{key}` needs a value\nhelp: write `{key} = {example}`"));
        return None;
    }
    if let Some(message) = of_another_kind(key, wanted, input) {
        errors.add(input.error(message));
        // The type that was meant, so that its absence is not another error.
        let meant = input.fork().parse::<LitStr>().ok().filter(|_| matches!(wanted, Wanted::Type));
        return meant.and_then(|meant| meant.parse().ok());
    }
    errors.ok(input.parse())
}

/// The value in `input(Page)` and `input: Page`, as text.
fn unassigned(input: ParseStream<'_>) -> Option<String> {
    let ahead = input.fork();
    if let Ok(TokenTree::Group(group)) = ahead.fork().parse::<TokenTree>() {
        return Some(types::spaceless(&group.stream())).filter(|text| !text.is_empty());
    }
    ahead.parse::<Token![:]>().ok()?;
    ahead.parse::<Type>().ok().map(|ty| types::text(&ty))
}

/// The error for a value of another kind: a type in quotes, a name without them.
fn of_another_kind(key: &Ident, wanted: Wanted, input: ParseStream<'_>) -> Option<String> {
    let in_quotes = input.peek(LitStr);
    let text = || input.fork().parse::<LitStr>().map(|text| text.value()).unwrap_or_default();
    match wanted {
        Wanted::Path if in_quotes => Some(
            "`crate` takes a path, not a string\nhelp: write `crate = path::to::jstack_runtime`"
                .to_owned(),
        ),
        Wanted::Type if in_quotes => {
            Some(format!("`{key}` takes a type, not a string\nhelp: write `{key} = {}`", text()))
        }
        Wanted::Text if !in_quotes => {
            let written = input.fork().parse::<TokenTree>().map(|tree| tree.to_string());
            let name = written.unwrap_or_else(|_| "name".to_owned());
            Some(format!("`{key}` takes a string\nhelp: write `{key} = \"{name}\"`"))
        }
        _ => None,
    }
}

/// Continues after the next comma.
pub(crate) fn skip(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.parse::<Token![,]>().is_ok() {
            return;
        }
        let _ = input.parse::<TokenTree>();
    }
}
