//! `#[derive(Events)]`: the table of events and the typed emitter.

use proc_macro2::TokenStream;
use quote::format_ident;
use syn::spanned::Spanned as _;
use syn::{Ident, Type, Visibility};

use crate::errors::Errors;
use crate::events;
use crate::model::Event;
use crate::types;

/// `#[derive(Events)] item`
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let expanded = match syn::parse2(item) {
        Ok(item) => {
            let set = events::read(&item, &mut errors);
            set.map(|set| emitter(&set))
        }
        Err(error) => {
            errors.add(error);
            None
        }
    };
    let errors = errors.into_tokens();
    code!(#expanded #errors)
}

fn emitter(set: &events::Set<'_>) -> TokenStream {
    let events::Set { vis, ident, rt, events, complete } = set;
    let name = format_ident!("{ident}Emitter");
    let doc = format!(" Emits the events of [`{ident}`], each by a method of its own.");
    let room = code!(impl ::core::convert::Into<::std::borrow::Cow<'a, str>>);
    let arms = events.iter().map(|event| {
        let Event { variant, method, cfgs, .. } = event;
        code!(#(#cfgs)* Self::#variant(payload) => emitter.#method(payload),)
    });
    let rest = (!complete).then(|| code!(_ => ::core::unimplemented!(),));
    let body = if events.is_empty() && *complete {
        code!(match *self {})
    } else {
        code!(match self { #(#arms)* #rest })
    };
    let methods = events.iter().map(|event| method(event, ident, rt));
    let table = events.iter().map(|event| entry(event, ident, rt));
    let vis: &Visibility = vis;
    // To name a deprecated event here is no use of it.
    let old = events.iter().any(|event| event.deprecated.is_some());
    let old = old.then(|| code!(#[allow(deprecated)]));
    code! {
        #[doc = #doc]
        #[must_use = "an emitter does nothing until an event is emitted"]
        #vis struct #name<'a>(#rt::__private::Target<'a>);
        #old
        impl<'a> #name<'a> {
            /// Adds the members of `room`.
            pub fn to(self, room: #room) -> Self {
                Self(self.0.to(room))
            }
            /// Leaves `socket` out.
            pub fn except(self, socket: impl ::core::convert::AsRef<#rt::SocketId>) -> Self {
                Self(self.0.except(socket))
            }
            /// Leaves the members of `room` out.
            pub fn except_room(self, room: #room) -> Self {
                Self(self.0.except_room(room))
            }
            /// Emits any event.
            pub fn emit(self, event: &#ident) -> #rt::EmitFuture {
                #rt::Events::emit(event, self)
            }
            #(#methods)*
        }
        #old
        #[automatically_derived]
        impl #rt::Events for #ident {
            type Emitter<'a> = #name<'a>;
            const EVENTS: &'static [&'static dyn #rt::__private::AnyEvent<Self>] = &[#(#table,)*];
            fn emitter(target: #rt::__private::Target<'_>) -> #name<'_> {
                #name(target)
            }
            fn emit(&self, emitter: Self::Emitter<'_>) -> #rt::EmitFuture {
                #body
            }
        }
    }
}

/// The event as data, where a payload without its derives is an error. It is the same in the table
/// and in the emitter, so that rustc reports it once.
fn new(event: &Event, ident: &Ident, rt: &TokenStream) -> TokenStream {
    let Event { variant, payload, wire, .. } = event;
    let new = match lent(payload) {
        Some(lent) => code!(#rt::__private::Event::<_, _, #lent>::borrowed),
        None => code!(#rt::__private::Event::new),
    };
    super::respanned(code!(#new(#wire, #ident::#variant)), payload.span())
}

/// What the emitter takes a reference to, where that is not the payload itself: a text need not be
/// a `String` to be emitted.
fn lent(payload: &Type) -> Option<TokenStream> {
    let arguments = types::arguments(payload);
    match arguments.as_slice() {
        [] if types::is(payload, "String") => Some(code!(::core::primitive::str)),
        [element] if types::is(payload, "Vec") => Some(code!([#element])),
        [owned] if types::is(payload, "Cow") => Some(code!(#owned)),
        _ => None,
    }
}

fn method(event: &Event, ident: &Ident, rt: &TokenStream) -> TokenStream {
    let Event { payload, wire, method, docs, cfgs, deprecated, .. } = event;
    let event = new(event, ident, rt);
    let taken = lent(payload).unwrap_or_else(|| code!(#payload));
    let wire = wire.value();
    let doc = if docs.is_empty() {
        format!(" Emits `{wire}`.")
    } else {
        format!(" Emits `{wire}`: {docs}")
    };
    code! {
        #(#cfgs)*
        #[doc = #doc]
        #deprecated
        pub fn #method(self, payload: &#taken) -> #rt::EmitFuture {
            self.0.send(&#event, payload)
        }
    }
}

fn entry(event: &Event, ident: &Ident, rt: &TokenStream) -> TokenStream {
    let (docs, cfgs) = (&event.docs, &event.cfgs);
    let new = new(event, ident, rt);
    let docs = (!docs.is_empty()).then(|| code!(.docs(#docs)));
    code!(#(#cfgs)* &#new #docs)
}
