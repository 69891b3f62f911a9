//! Reads and checks the enum of `#[derive(Events)]`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Fields, Ident, Item, LitStr, Token, Type, Variant, Visibility};

use crate::args::list;
use crate::errors::Errors;
use crate::model::{Delivery, Event, EventsOptions, Exchange};
use crate::names::{self, Case};
use crate::types;

/// An enum as a set of events.
pub(crate) struct Set<'a> {
    pub(crate) vis: &'a Visibility,
    pub(crate) ident: &'a Ident,
    pub(crate) rt: TokenStream,
    pub(crate) events: Vec<Event>,
    /// The methods of variants that were left out because of an error, so that a use of one is not
    /// another error.
    pub(crate) lost: Vec<Ident>,
    /// Each variant has its emit.
    pub(crate) complete: bool,
}

/// Names that the protocol, or the stock client, uses itself.
const RESERVED: [&str; 6] = ["onConnect", "onDisconnect", "onError", "ping", "pong", "error"];
/// The emitter's own methods.
const METHODS: [&str; 5] = ["to", "except", "except_room", "emit", "close"];

pub(crate) fn read<'a>(item: &'a Item, errors: &mut Errors) -> Option<Set<'a>> {
    let item = match item {
        Item::Enum(item) => item,
        other => {
            errors.push(other, "`Events` is for an enum\nhelp: write `enum Chat { Message(Message), … }`, one variant an event");
            return None;
        }
    };
    if !item.generics.params.is_empty() {
        errors.push(
            &item.generics,
            format!("the set of events `{}` cannot be generic, for its names and payloads are one protocol\nhelp: make a payload generic instead, as in `Page(Page<Message>)`", item.ident),
        );
        return None;
    }
    let options = options(&item.attrs, errors);
    let (mut events, mut lost): (Vec<Event>, _) = (Vec::new(), Vec::new());
    for variant in &item.variants {
        match event(variant, &options, &events, errors) {
            Some(event) => events.push(event),
            None => lost.extend(method(&variant.ident)),
        }
    }
    let complete = events.len() == item.variants.len() && events.iter().all(|event| event.emits);
    let (vis, ident, rt) = (&item.vis, &item.ident, options.runtime());
    Some(Set { vis, ident, rt, events, lost, complete })
}

/// `#[events(rename_all = "…", crate = …)]`
fn options(attrs: &[Attribute], errors: &mut Errors) -> EventsOptions {
    let mut options = EventsOptions::default();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("events")) {
        let parsed = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename_all") {
                let name: LitStr = meta.value()?.parse()?;
                options.case = Case::parse(&name.value());
                if options.case.is_none() {
                    let message = format!(
                        "`{}` is not a convention for names\nhelp: use one of {}",
                        name.value(),
                        Case::all()
                    );
                    return Err(syn::Error::new(name.span(), message));
                }
                Ok(())
            } else if meta.path.is_ident("crate") {
                options.krate = Some(meta.value()?.parse()?);
                Ok(())
            } else {
                Err(meta.error(format!(
                    "unknown key\nhelp: expected one of {}",
                    list(&["rename_all", "crate"])
                )))
            }
        });
        errors.ok(parsed);
    }
    options
}

fn event(
    variant: &Variant,
    options: &EventsOptions,
    earlier: &[Event],
    errors: &mut Errors,
) -> Option<Event> {
    let ident = &variant.ident;
    let payload = match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first()?.ty.clone(),
        fields => {
            let help = match fields {
                Fields::Unit => format!("write `{ident}(())` for an event without data"),
                Fields::Unnamed(fields) if fields.unnamed.is_empty() => {
                    format!("write `{ident}(())` for an event without data")
                }
                _ => format!("put the fields into a struct and write `{ident}(…)` with its name"),
            };
            errors.push(
                variant,
                format!("event `{ident}` must carry exactly one payload\nhelp: {help}"),
            );
            return None;
        }
    };
    if let Type::Reference(reference) = types::plain(&payload) {
        let owned = match types::text(&reference.elem).as_str() {
            "str" => "String".to_owned(),
            other => other.to_owned(),
        };
        errors.push(
            &payload,
            format!("event `{ident}` cannot borrow its payload: it is decoded here and lives on\nhelp: write `{ident}({owned})`"),
        );
        return None;
    }
    let attributes = attributes(&variant.attrs, errors);
    let wire = match attributes.rename {
        Some(name) => name,
        None => LitStr::new(&options.case.unwrap_or(Case::Camel).apply(ident), ident.span()),
    };
    let before = errors.len();
    wire_name(&wire, variant, earlier, errors);
    let name = Case::Snake.apply(ident);
    let is_misnamed = errors.len() > before;
    let clash = earlier.iter().any(|event| event.method.unraw() == name);
    let owner = if clash {
        Some("the method of another event".to_owned())
    } else if METHODS.contains(&name.as_str()) || method(ident).is_none() {
        Some(format!("the emitter's own method `{name}`"))
    } else {
        None
    };
    if let Some(owner) = owner.as_ref().filter(|_| !is_misnamed) {
        errors.push(
            ident,
            format!("event `{ident}` would be emitted by `{name}`, which is {owner}\nhelp: rename the variant; `#[event(rename = \"{}\")]` keeps the name on the wire", wire.value()),
        );
    }
    let method = method(ident).filter(|_| !clash)?;
    Some(Event {
        variant: ident.clone(),
        payload,
        wire,
        method,
        emits: owner.is_none(),
        docs: types::docs(&variant.attrs),
        cfgs: types::cfgs(&variant.attrs),
        deprecated: variant.attrs.iter().find(|attr| attr.path().is_ident("deprecated")).cloned(),
        exchange: attributes.exchange,
    })
}

/// The method that emits a variant; `None` where Rust has no such name.
fn method(variant: &Ident) -> Option<Ident> {
    let place = proc_macro2::Span::call_site().located_at(variant.span());
    names::method(&Case::Snake.apply(variant), place)
}

/// What `#[event(…)]` says.
#[derive(Default)]
struct Attributes {
    rename: Option<LitStr>,
    exchange: Exchange,
}

/// The keys of `#[event(…)]`.
const KEYS: [&str; 6] = ["rename", "reply", "ask", "volatile", "latest", "forget"];

/// `#[event(rename = "…", reply = T, ask = T, volatile, latest, latest = field, forget)]`
fn attributes(attrs: &[Attribute], errors: &mut Errors) -> Attributes {
    let mut read = Attributes::default();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("event")) {
        let parsed = attr.parse_nested_meta(|meta| attribute(&meta, &mut read));
        errors.ok(parsed);
    }
    read
}

fn attribute(meta: &ParseNestedMeta<'_>, read: &mut Attributes) -> syn::Result<()> {
    let Attributes { rename, exchange } = read;
    let is = |name: &str| meta.path.is_ident(name);
    let has_value = meta.input.peek(Token![=]);
    if is("rename") && has_value {
        *rename = Some(meta.value()?.parse()?);
    } else if is("reply") || is("ask") {
        let name = if is("reply") { "reply" } else { "ask" };
        if !has_value {
            let help = format!("`{name}` names a type\nhelp: write `{name} = Saved`");
            return Err(meta.error(help));
        }
        let value = meta.value()?;
        let place = if is("reply") { &mut exchange.reply } else { &mut exchange.ask };
        if value.peek(LitStr) {
            let text: LitStr = value.parse()?;
            *place = text.parse().ok();
            let message = format!(
                "`{name}` takes a type, not a string\nhelp: write `{name} = {}`",
                text.value()
            );
            return Err(syn::Error::new(text.span(), message));
        }
        *place = Some(value.parse()?);
    } else if is("volatile") || is("latest") {
        if exchange.delivery.is_some() {
            let help = "an event has one class of delivery\nhelp: write `volatile` or `latest`";
            return Err(meta.error(help));
        }
        exchange.delivery = Some(match (is("latest"), has_value) {
            (true, true) => Delivery::LatestBy(meta.value()?.parse()?),
            (true, false) => Delivery::Latest,
            (false, false) => Delivery::Volatile,
            (false, true) => return Err(meta.error("`volatile` takes no value")),
        });
    } else if is("forget") && !has_value {
        exchange.forget = true;
    } else if is("rename") {
        return Err(meta.error("expected `rename = \"…\"`"));
    } else {
        return Err(meta.error(format!("unknown key\nhelp: expected one of {}", list(&KEYS))));
    }
    Ok(())
}

/// A name on the wire is free, readable, and nobody else's.
fn wire_name(wire: &LitStr, variant: &Variant, earlier: &[Event], errors: &mut Errors) {
    let (name, ident) = (wire.value(), &variant.ident);
    let rename = "write another one with `#[event(rename = \"…\")]`";
    if RESERVED.contains(&name.as_str()) || name.starts_with('$') {
        errors.push(wire, format!("event `{ident}` cannot be called `{name}`: the protocol uses that name itself\nhelp: {rename}, or rename the variant"));
    } else if name.is_empty() || name.chars().any(char::is_control) {
        errors.push(wire, format!("event `{ident}` needs a name that can be read\nhelp: {rename}, without control characters"));
    } else if let Some(first) = earlier.iter().find(|event| {
        event.wire.value() == name
            && (event.cfgs.is_empty() || types::cfgs(&variant.attrs).is_empty())
    }) {
        errors.push(
            wire,
            format!(
                "event `{ident}` has the name of event `{}`: `{name}`\nhelp: {rename}",
                first.variant
            ),
        );
    }
}
