//! The arguments of `#[procedure(…)]`: the kind first, then `key = value`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{LitInt, LitStr, Path, Token, Type};

use crate::errors::Errors;
use crate::types;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    Post,
    Ws,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Ws => "ws",
        }
    }

    /// The same in a sentence.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Ws => "WebSocket",
        }
    }

    /// The keys that make sense for it.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Get | Self::Post => &["input", "rename", "state", "crate"],
            Self::Ws => {
                &["incoming", "outgoing", "presence", "history", "rename", "state", "crate"]
            }
        }
    }
}

/// What is between the parentheses.
#[derive(Default)]
pub(crate) struct Args {
    /// `None` only where an error was reported.
    pub(crate) kind: Option<Kind>,
    pub(crate) incoming: Option<Type>,
    pub(crate) outgoing: Option<Type>,
    /// What a client says about itself, where others may see who is in a room.
    pub(crate) presence: Option<Type>,
    pub(crate) input: Option<Type>,
    pub(crate) history: Option<History>,
    pub(crate) rename: Option<LitStr>,
    pub(crate) state: Option<Type>,
    pub(crate) krate: Option<Path>,
    /// A key failed to parse, so a "missing" key may in fact be present.
    pub(crate) broken: bool,
}

/// `history(100, "5m")`: how much a procedure keeps for each room.
pub(crate) struct History {
    pub(crate) count: u32,
    pub(crate) millis: u64,
}

/// Reads both bounds of a history.
fn history(key: &Ident, input: ParseStream<'_>) -> syn::Result<History> {
    const HELP: &str = "`history` takes a number of messages and an age, and keeps what both allow\nhelp: write `history(100, \"5m\")`";
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(key.span(), HELP));
    }
    let inner;
    let paren = syn::parenthesized!(inner in input);
    let wrong = |_| syn::Error::new(paren.span.join(), HELP);
    let count: LitInt = inner.parse().map_err(wrong)?;
    inner.parse::<Token![,]>().map_err(wrong)?;
    let age: LitStr = inner.parse().map_err(wrong)?;
    let _ = inner.parse::<Token![,]>();
    if !inner.is_empty() {
        return Err(inner.error(HELP));
    }
    let kept = count.base10_parse().ok().filter(|kept| (1..=100_000).contains(kept));
    let kept = kept.ok_or_else(|| {
        syn::Error::new(count.span(), "a history keeps 1 to 100000 messages of a room")
    })?;
    let millis = millis(&age.value()).ok_or_else(|| {
        let message =
            "an age is a number with `s`, `m`, `h` or `d`, of at most a year\nhelp: write `\"5m\"`";
        syn::Error::new(age.span(), message)
    })?;
    Ok(History { count: kept, millis })
}

/// An age in milliseconds, as `90s`, `5m`, `2h` or `7d`.
fn millis(text: &str) -> Option<u64> {
    const YEAR: u64 = 366 * 86_400_000;
    let text = text.trim();
    let unit = match text.chars().last()? {
        's' => 1000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].trim_end().parse().ok()?;
    number.checked_mul(unit).filter(|millis| (1..=YEAR).contains(millis))
}

pub(crate) const USAGE: &str = "write `#[procedure(get)]` or `#[procedure(post)]` on an `async fn`, \
     or `#[procedure(ws, incoming = …, outgoing = …)]` on a `mod` or an `async fn`";

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let before = errors.len();
        // The parser inside keeps its errors and never fails.
        let _ = (|input: ParseStream<'_>| {
            args.read(input, errors);
            Ok(())
        })
        .parse2(tokens);
        args.broken = errors.len() > before;
        args
    }

    /// The path of the runtime.
    pub(crate) fn runtime(&self) -> TokenStream {
        runtime(self.krate.as_ref())
    }

    fn read(&mut self, input: ParseStream<'_>, errors: &mut Errors) {
        let first = input.fork();
        match first.call(Ident::parse_any).ok().filter(|_| !first.peek(Token![=])) {
            Some(ident) => {
                self.kind =
                    [Kind::Get, Kind::Post, Kind::Ws].into_iter().find(|k| ident == k.name());
                if self.kind.is_none() {
                    errors.push(
                        &ident,
                        format!("`{ident}` is not a kind of procedure\nhelp: {USAGE}"),
                    );
                }
                let _ = input.call(Ident::parse_any);
                if self.kind.is_some() && !input.is_empty() && !input.peek(Token![,]) {
                    errors.add(input.error(format!("expected `,` after `{ident}`")));
                }
                skip(input);
            }
            None => {
                errors.add(
                    input.error(format!("the kind of the procedure comes first\nhelp: {USAGE}")),
                );
                if input.peek(syn::Lit) {
                    skip(input);
                }
            }
        }
        let mut seen = Vec::new();
        while !input.is_empty() {
            let Ok(key) = input.call(Ident::parse_any) else {
                errors.add(input.error(self.no_key(input)));
                skip(input);
                continue;
            };
            let before = errors.len();
            self.value(&key, &mut seen, input, errors);
            if errors.len() == before && !input.is_empty() && !input.peek(Token![,]) {
                errors.add(input.error(format!("expected `,` after the value of `{key}`")));
            }
            skip(input);
        }
    }

    fn value(
        &mut self,
        key: &Ident,
        seen: &mut Vec<String>,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) {
        let name = key.to_string();
        if !self.allowed().contains(&name.as_str()) {
            return errors
                .push(key, format!("unknown key `{name}`\nhelp: expected one of {}", self.keys()));
        }
        if seen.contains(&name) {
            return errors.push(key, format!("`{name}` is given twice"));
        }
        seen.push(name.clone());
        match name.as_str() {
            "incoming" => self.incoming = assigned(key, input, errors),
            "outgoing" => self.outgoing = assigned(key, input, errors),
            "presence" => self.presence = assigned(key, input, errors),
            "history" => self.history = errors.ok(history(key, input)),
            "input" => self.input = assigned(key, input, errors),
            "state" => self.state = assigned(key, input, errors),
            "rename" => self.rename = assigned(key, input, errors),
            _ => self.krate = assigned(key, input, errors),
        }
    }

    /// What to write instead of something that is not a key.
    fn no_key(&self, input: ParseStream<'_>) -> String {
        let keys = self.keys();
        match input.fork().parse::<LitStr>() {
            Ok(path) => {
                let path = path.value();
                let name = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("name");
                format!(
                    "a procedure's URL is its name, not a path\nhelp: leave it out, or write `rename = \"{name}\"`"
                )
            }
            Err(_) => format!("expected one of {keys}"),
        }
    }

    fn allowed(&self) -> &'static [&'static str] {
        const ALL: &[&str] =
            &["incoming", "outgoing", "presence", "history", "input", "rename", "state", "crate"];
        self.kind.map_or(ALL, Kind::keys)
    }

    fn keys(&self) -> String {
        list(self.allowed())
    }
}

/// `a`, `b`, `c` between backticks.
pub(crate) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The runtime's path as expansions write it.
pub(crate) fn runtime(path: Option<&Path>) -> TokenStream {
    path.map_or_else(|| quote!(::jstack_runtime), |path| quote!(#path))
}

/// What a key's value is.
#[derive(Clone, Copy)]
enum Wanted {
    Type,
    Text,
    Path,
}

/// What a key takes, and an example of it.
fn wanted(key: &Ident) -> (Wanted, &'static str) {
    match key.to_string().as_str() {
        "rename" => (Wanted::Text, "\"name\""),
        "crate" => (Wanted::Path, "path::to::jstack_runtime"),
        "state" => (Wanted::Type, "AppState"),
        "input" => (Wanted::Type, "Page"),
        "presence" => (Wanted::Type, "Status"),
        _ => (Wanted::Type, "Chat"),
    }
}

/// The value after `=`.
fn assigned<T: Parse>(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Option<T> {
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
        return None;
    }
    errors.ok(input.parse())
}

/// What a user meant by `input(Page)` and `input: Page`, as text.
fn unassigned(input: ParseStream<'_>) -> Option<String> {
    let ahead = input.fork();
    if let Ok(TokenTree::Group(group)) = ahead.fork().parse::<TokenTree>() {
        return Some(types::spaceless(&group.stream())).filter(|text| !text.is_empty());
    }
    ahead.parse::<Token![:]>().ok()?;
    ahead.parse::<Type>().ok().map(|ty| types::text(&ty))
}

/// Why the value ahead cannot be the key's: a type in quotes, a name without them.
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

/// Goes on after the next comma.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.parse::<Token![,]>().is_ok() {
            return;
        }
        let _ = input.parse::<TokenTree>();
    }
}
