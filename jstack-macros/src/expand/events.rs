//! `#[derive(Events)]`: the table of events and the typed emitter.

use proc_macro2::TokenStream;
use quote::format_ident;
use syn::spanned::Spanned as _;
use syn::{Ident, Visibility};

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
    let events::Set { vis, ident, rt, events, whole } = set;
    let name = format_ident!("{ident}Emitter");
    let doc = format!(" Emits the events of [`{ident}`], each by a method of its own.");
    let room = code!(impl ::core::convert::Into<::std::borrow::Cow<'a, str>>);
    let arms = events.iter().map(|event| {
        let Event { variant, method, cfgs, .. } = event;
        code!(#(#cfgs)* Self::#variant(payload) => emitter.#method(payload),)
    });
    let rest = (!whole).then(|| code!(_ => ::core::unimplemented!(),));
    let body = if events.is_empty() && *whole {
        code!(match *self {})
    } else {
        code!(match self { #(#arms)* #rest })
    };
    let methods = events.iter().map(|event| method(event, ident, rt));
    let table = events.iter().map(|event| entry(event, ident, rt));
    let vis: &Visibility = vis;
    // Every payload is taken by reference, whatever it is.
    let borrowed = events.iter().any(|event| types::is(&event.payload, "Cow"));
    let allow = borrowed.then(|| code!(#[allow(clippy::ptr_arg)]));
    // To name a deprecated event here is no use of it.
    let old = events.iter().any(|event| event.deprecated.is_some());
    let old = old.then(|| code!(#[allow(deprecated)]));
    code! {
        #[doc = #doc]
        #[must_use = "an emitter does nothing until an event is emitted"]
        #vis struct #name<'a>(#rt::__private::Target<'a>);
        #allow
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

/// `Event::new`, where a payload without its derives is told.
fn new(event: &Event, ident: &Ident, rt: &TokenStream) -> TokenStream {
    let Event { variant, payload, wire, .. } = event;
    super::relocated(code!(#rt::__private::Event::new(#wire, #ident::#variant)), payload.span())
}

fn method(event: &Event, ident: &Ident, rt: &TokenStream) -> TokenStream {
    let Event { payload, wire, method, docs, cfgs, deprecated, .. } = event;
    let event = new(event, ident, rt);
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
        pub fn #method(self, payload: &#payload) -> #rt::EmitFuture {
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
