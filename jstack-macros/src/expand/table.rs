//! The table of a set of events: each event as data, by the name of its method.

use proc_macro2::{Ident, TokenStream};
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Type, Visibility};

use crate::events::Set;
use crate::model::{Delivery, Event};
use crate::types;

/// `struct ChatTable`, with a field for each event.
pub(super) fn table(set: &Set<'_>) -> TokenStream {
    let Set { vis, ident, rt, events, .. } = set;
    let vis: &Visibility = vis;
    let name = name(set);
    let fields = events.iter().map(|event| field(event, ident, rt));
    code! {
        #[doc(hidden)]
        #vis struct #name {
            #(#fields,)*
        }
    }
}

/// The table's value, and the list of its events.
pub(super) fn constants(set: &Set<'_>) -> TokenStream {
    let Set { ident, rt, events, .. } = set;
    let name = name(set);
    let entries = events.iter().map(|event| entry(event, ident, rt));
    let listed = events.iter().map(|event| {
        let Event { method, cfgs, .. } = event;
        code!(#(#cfgs)* &Self::TABLE.#method)
    });
    code! {
        type Table = #name;
        const TABLE: #name = #name { #(#entries,)* };
        const EVENTS: &'static [&'static dyn #rt::__private::AnyEvent<Self>] = &[#(#listed,)*];
    }
}

fn name(set: &Set<'_>) -> Ident {
    format_ident!("{}Table", set.ident)
}

/// The event as data. A payload without its derives is an error at its type.
fn entry(event: &Event, ident: &Ident, rt: &TokenStream) -> TokenStream {
    let Event { variant, payload, wire, method, docs, cfgs, exchange, .. } = event;
    let new = match lent(payload) {
        Some(lent) => code!(#rt::__private::Event::<_, _, #lent>::borrowed),
        None => code!(#rt::__private::Event::new),
    };
    let new = super::respanned(code!(#new(#wire, #ident::#variant)), payload.span());
    let docs = (!docs.is_empty()).then(|| code!(.docs(#docs)));
    let reply =
        exchange.reply.as_ref().map(|ty| super::respanned(code!(.reply::<#ty>()), ty.span()));
    let ask = exchange.ask.as_ref().map(|ty| super::respanned(code!(.ask::<#ty>()), ty.span()));
    let delivery = exchange.delivery.as_ref().map(|delivery| match delivery {
        Delivery::Volatile => code!(.volatile()),
        Delivery::Latest => code!(.latest()),
        Delivery::LatestBy(field) => {
            let name = field.unraw().to_string();
            code!(.latest_by(#name, |payload: &#payload| { _ = &payload.#field; }))
        }
    });
    let forget = exchange.forget.then(|| code!(.forget()));
    code!(#(#cfgs)* #method: #new #docs #reply #ask #delivery #forget)
}

/// The event's place in the table.
fn field(event: &Event, ident: &Ident, rt: &TokenStream) -> TokenStream {
    let Event { payload, method, cfgs, exchange, .. } = event;
    let of = |ty: &Option<Type>| ty.as_ref().map_or_else(|| code!(()), |ty| code!(#ty));
    let (taken, reply, ask) = (lent(payload), of(&exchange.reply), of(&exchange.ask));
    let more = match taken {
        _ if exchange.reply.is_some() || exchange.ask.is_some() => {
            let taken = taken.unwrap_or_else(|| code!(#payload));
            Some(code!(, #taken, #reply, #ask))
        }
        Some(taken) => Some(code!(, #taken)),
        None => None,
    };
    code!(#(#cfgs)* pub #method: #rt::__private::Event<#payload, #ident #more>)
}

/// The borrowed type that an emitter takes, if it is not a reference to the payload: a text need not
/// be a `String` to be emitted.
pub(super) fn lent(payload: &Type) -> Option<TokenStream> {
    let arguments = types::arguments(payload);
    match arguments.as_slice() {
        [] if types::is(payload, "String") => Some(code!(::core::primitive::str)),
        [element] if types::is(payload, "Vec") => Some(code!([#element])),
        [owned] if types::is(payload, "Cow") => Some(code!(#owned)),
        _ => None,
    }
}
