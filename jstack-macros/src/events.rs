//! Reads and checks the enum of `#[derive(Events)]`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Fields, Ident, Item, LitStr, Token, Type, Variant, Visibility};

use crate::errors::Errors;
use crate::keys::{Keys, assigned};
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
    /// Every variant can be emitted.
    pub(crate) complete: bool,
}

/// Names that the protocol or the stock client uses.
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
    let keys = Keys::new(&["rename_all", "crate"]);
    keys.of(attrs, "events", errors, |key, input, errors| {
        if key == "crate" {
            options.krate = assigned(key, input, errors);
        } else if let Some(name) = assigned::<LitStr>(key, input, errors) {
            options.case = case(&name, errors);
        }
    });
    options
}

fn case(name: &LitStr, errors: &mut Errors) -> Option<Case> {
    let case = Case::parse(&name.value());
    if case.is_none() {
        let message = format!(
            "`{}` is not a convention for names\nhelp: use one of {}",
            name.value(),
            Case::all()
        );
        errors.push(name, message);
    }
    case
}

fn event(
    variant: &Variant,
    options: &EventsOptions,
    earlier: &[Event],
    errors: &mut Errors,
) -> Option<Event> {
    let ident = &variant.ident;
    let payload = payload(variant, errors)?;
    let attributes = attributes(&variant.attrs, errors);
    let wire = match attributes.rename {
        Some(name) => name,
        None => LitStr::new(&options.case.unwrap_or(Case::Camel).apply(ident), ident.span()),
    };
    let before = errors.len();
    wire_name(&wire, variant, earlier, errors);
    let is_misnamed = errors.len() > before;
    let owner = owner_of_method(ident, earlier);
    if let Some(owner) = owner.as_ref().filter(|_| !is_misnamed) {
        errors.push(ident, taken(ident, owner, &wire));
    }
    let is_of_another = matches!(owner, Some(Owner::Event));
    let method = method(ident).filter(|_| !is_of_another)?;
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

/// The one payload of a variant, which is owned.
fn payload(variant: &Variant, errors: &mut Errors) -> Option<Type> {
    let ident = &variant.ident;
    let payload = match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => &fields.unnamed.first()?.ty,
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
    let Type::Reference(reference) = types::plain(payload) else { return Some(payload.clone()) };
    let owned = match types::text(&reference.elem).as_str() {
        "str" => "String".to_owned(),
        other => other.to_owned(),
    };
    errors.push(
        payload,
        format!("event `{ident}` cannot borrow its payload: it is decoded here and lives on\nhelp: write `{ident}({owned})`"),
    );
    None
}

/// What has the name that a variant's method would have.
enum Owner {
    Event,
    Emitter,
}

fn owner_of_method(variant: &Ident, earlier: &[Event]) -> Option<Owner> {
    let name = Case::Snake.apply(variant);
    if earlier.iter().any(|event| event.method.unraw() == name) {
        return Some(Owner::Event);
    }
    (METHODS.contains(&name.as_str()) || method(variant).is_none()).then_some(Owner::Emitter)
}

/// The error for a variant whose method is taken.
fn taken(variant: &Ident, owner: &Owner, wire: &LitStr) -> String {
    let (name, wire) = (Case::Snake.apply(variant), wire.value());
    let owner = match owner {
        Owner::Event => "the method of another event".to_owned(),
        Owner::Emitter => format!("the emitter's own method `{name}`"),
    };
    format!(
        "event `{variant}` would be emitted by `{name}`, which is {owner}\nhelp: rename the variant; `#[event(rename = \"{wire}\")]` keeps the name on the wire"
    )
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

/// `#[event(rename = "…", reply = T, ask = T, volatile, latest, latest = field, forget)]`
fn attributes(attrs: &[Attribute], errors: &mut Errors) -> Attributes {
    let mut read = Attributes::default();
    let keys = Keys::new(&["rename", "reply", "ask", "volatile", "latest", "forget"]);
    keys.of(attrs, "event", errors, |key, input, errors| {
        let Attributes { rename, exchange } = &mut read;
        match key.to_string().as_str() {
            "rename" => *rename = assigned(key, input, errors),
            "reply" => exchange.reply = assigned(key, input, errors),
            "ask" => exchange.ask = assigned(key, input, errors),
            "forget" => exchange.forget = is_alone(key, input, errors),
            _ => delivery(key, input, &mut exchange.delivery, errors),
        }
    });
    read
}

/// `volatile`, `latest` or `latest = field`.
fn delivery(
    key: &Ident,
    input: ParseStream<'_>,
    delivery: &mut Option<Delivery>,
    errors: &mut Errors,
) {
    if delivery.is_some() {
        let help = "an event has one class of delivery\nhelp: write `volatile` or `latest`";
        return errors.push(key, help);
    }
    *delivery = if key == "latest" && input.peek(Token![=]) {
        assigned(key, input, errors).map(Delivery::LatestBy)
    } else if key == "latest" {
        Some(Delivery::Latest)
    } else {
        is_alone(key, input, errors).then_some(Delivery::Volatile)
    };
}

/// Whether a key has no value, which it must not have.
fn is_alone(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> bool {
    let is_alone = input.is_empty() || input.peek(Token![,]);
    if !is_alone {
        errors.push(key, format!("`{key}` takes no value\nhelp: write `{key}` alone"));
    }
    is_alone
}

/// Checks that a name on the wire is free, readable and unique.
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
