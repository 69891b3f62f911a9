//! The typed emitter of a set of events: one method for each.

use proc_macro2::{Ident, TokenStream};
use quote::format_ident;
use syn::Visibility;

use super::table::lent;
use crate::events::Set;
use crate::model::Event;

/// `struct ChatEmitter`, and its methods.
pub(super) fn emitter(set: &Set<'_>) -> TokenStream {
    let Set { vis, ident, rt, events, lost, .. } = set;
    let vis: &Visibility = vis;
    let name = name(set);
    let doc = format!(" Emits the events of [`{ident}`], each by a method of its own.");
    let room = code!(impl ::core::convert::Into<::std::borrow::Cow<'a, str>>);
    let old = deprecated(set);
    let emitted = events.iter().filter(|event| event.emits);
    let methods = emitted.map(|event| method(event, ident, rt));
    let lost = lost.iter().map(|method| lost_method(method, rt));
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
            /// Closes every connection that is selected, in every process.
            pub fn close(self, code: u16, reason: #room) -> #rt::EmitFuture {
                self.0.close(code, reason)
            }
            /// Emits any event.
            pub fn emit(self, event: &#ident) -> #rt::EmitFuture {
                #rt::Events::emit(event, self)
            }
            #(#methods)*
            #(#lost)*
        }
    }
}

/// `ChatEmitter`
pub(super) fn name(set: &Set<'_>) -> Ident {
    format_ident!("{}Emitter", set.ident)
}

/// Lets generated code name a deprecated event, which does not count as its use.
pub(super) fn deprecated(set: &Set<'_>) -> Option<TokenStream> {
    let any = set.events.iter().any(|event| event.deprecated.is_some());
    any.then(|| code!(#[allow(deprecated)]))
}

fn method(event: &Event, ident: &Ident, rt: &TokenStream) -> TokenStream {
    let Event { payload, wire, method, docs, cfgs, deprecated, .. } = event;
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
            self.0.send(&<#ident as #rt::Events>::TABLE.#method, payload)
        }
    }
}

/// The method of an event that was left out because of an error: it takes anything.
fn lost_method(method: &Ident, rt: &TokenStream) -> TokenStream {
    code! {
        pub fn #method<T: ?::core::marker::Sized>(self, _: &T) -> #rt::EmitFuture {
            ::core::unimplemented!()
        }
    }
}
