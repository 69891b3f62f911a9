//! The arguments of `#[procedure(…)]`: the kind first, then `key = value`.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{LitInt, LitStr, Path, Token, Type};

use crate::errors::Errors;
use crate::keys::{self, Keys, assigned};

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

    /// Its name in a sentence.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Ws => "WebSocket",
        }
    }

    /// The keys that it may have.
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
        keys::runtime(self.krate.as_ref())
    }

    fn read(&mut self, input: ParseStream<'_>, errors: &mut Errors) {
        self.read_kind(input, errors);
        let keys = Keys { known: self.known(), for_string: Some(for_path) };
        keys.read(input, errors, |key, input, errors| self.value(key, input, errors));
    }

    fn read_kind(&mut self, input: ParseStream<'_>, errors: &mut Errors) {
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
                keys::skip(input);
            }
            None => {
                errors.add(
                    input.error(format!("the kind of the procedure comes first\nhelp: {USAGE}")),
                );
                if input.peek(syn::Lit) {
                    keys::skip(input);
                }
            }
        }
    }

    fn value(&mut self, key: &Ident, input: ParseStream<'_>, errors: &mut Errors) {
        match key.to_string().as_str() {
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

    fn known(&self) -> &'static [&'static str] {
        const ALL: &[&str] =
            &["incoming", "outgoing", "presence", "history", "input", "rename", "state", "crate"];
        self.kind.map_or(ALL, Kind::keys)
    }
}

/// The error for a path where a key is expected.
fn for_path(path: &str) -> String {
    let name = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("name");
    format!(
        "a procedure's URL is its name, not a path\nhelp: leave it out, or write `rename = \"{name}\"`"
    )
}
