//! `#[derive(Events)]`: the table of events and the typed emitter.

use proc_macro2::TokenStream;
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Ident, Type, Visibility};

use crate::errors::Errors;
use crate::events;
use crate::model::{Delivery, Event, Exchange};
use crate::types;

/// What is wrong with an event that only the server emits.
const REPLIED: &str = "declares `reply`, and only the server emits it: a handler replies to what \
     clients send; write `ask = …` for an answer of the client, or put the event into the set of \
     `incoming`";
/// What is wrong with an event that only clients emit.
const ASKED: &str = "declares `ask`, and only clients emit it: the server asks what it emits; \
     write `reply = …` for an answer of its handler, or put the event into the set of `outgoing`";

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
    let events::Set { vis, ident, rt, events, lost, complete } = set;
    let name = format_ident!("{ident}Emitter");
    let doc = format!(" Emits the events of [`{ident}`], each by a method of its own.");
    let room = code!(impl ::core::convert::Into<::std::borrow::Cow<'a, str>>);
    let arms = events.iter().filter(|event| event.emits).map(|event| {
        let Event { variant, method, cfgs, .. } = event;
        code!(#(#cfgs)* Self::#variant(payload) => emitter.#method(payload),)
    });
    let rest = (!complete).then(|| code!(_ => ::core::unimplemented!(),));
    let body = if events.is_empty() && *complete {
        code!(match *self {})
    } else {
        code!(match self { #(#arms)* #rest })
    };
    let emitted = events.iter().filter(|event| event.emits);
    let methods = emitted.map(|event| method(event, ident, rt));
    let lost = lost.iter().map(|method| lost_method(method, rt));
    let table_name = format_ident!("{ident}Table");
    let fields = events.iter().map(|event| field(event, ident, rt));
    let entries = events.iter().map(|event| entry(event, ident, rt));
    let listed = events.iter().map(|event| {
        let Event { method, cfgs, .. } = event;
        code!(#(#cfgs)* &Self::TABLE.#method)
    });
    let vis: &Visibility = vis;
    // Naming a deprecated event here does not count as its use.
    let old = events.iter().any(|event| event.deprecated.is_some());
    let old = old.then(|| code!(#[allow(deprecated)]));
    let asker = Side::asker(set);
    let replier = Side::replier(set);
    let requester = Side::requester(set);
    let declared = declared(set);
    let (asker_type, asker_new, asker) = (asker.ty(), asker.constructor(), asker.definition(set));
    let (replier_type, replier_new, replier) =
        (replier.ty(), replier.constructor(), replier.definition(set));
    let (requester_type, requester_new, requester) =
        (requester.ty(), requester.constructor(), requester.definition(set));
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
        #asker
        #replier
        #requester
        #[doc(hidden)]
        #vis struct #table_name {
            #(#fields,)*
        }
        #old
        #[automatically_derived]
        impl #rt::Events for #ident {
            type Emitter<'a> = #name<'a>;
            type Asker<'a> = #asker_type;
            type Replier<'a> = #replier_type;
            type Requester<'a> = #requester_type;
            type Table = #table_name;
            const TABLE: #table_name = #table_name { #(#entries,)* };
            const EVENTS: &'static [&'static dyn #rt::__private::AnyEvent<Self>] = &[#(#listed,)*];
            #declared
            fn emitter(target: #rt::__private::Target<'_>) -> #name<'_> {
                #name(target)
            }
            #asker_new
            #replier_new
            #requester_new
            fn emit(&self, emitter: Self::Emitter<'_>) -> #rt::EmitFuture {
                #body
            }
        }
    }
}

/// What handlers return and what is wrong with an event in one direction, for checks by the compiler.
fn declared(set: &events::Set<'_>) -> TokenStream {
    let events = &set.events;
    let replies: Vec<_> = events.iter().filter_map(|event| {
        let Event { variant, cfgs, exchange, .. } = event;
        let reply = types::text(exchange.reply.as_ref()?);
        let (name, help) = (
            variant.to_string(),
            format!(
                "event `{variant}` declares `reply = {reply}`: its handler returns `{reply}` or `Result<{reply}>`"
            ),
        );
        Some(code!(#(#cfgs)* (#name, #help)))
    }).collect();
    let replies = (!replies.is_empty())
        .then(|| code!(const REPLIES: &'static [(&'static str, &'static str)] = &[#(#replies,)*];));
    let one_way = |name: &str, of: fn(&Exchange) -> Option<&Type>, why: &str| {
        let name = format_ident!("{name}");
        let messages = events.iter().filter_map(|event| {
            let (variant, cfgs) = (&event.variant, &event.cfgs);
            of(&event.exchange)?;
            let message = format!("event `{variant}` {why}");
            Some(code!(#(#cfgs)* #message))
        });
        let messages: Vec<_> = messages.collect();
        (!messages.is_empty())
            .then(|| code!(const #name: &'static [&'static str] = &[#(#messages,)*];))
    };
    let replied = one_way("REPLIED", |exchange| exchange.reply.as_ref(), REPLIED);
    let asked = one_way("ASKED", |exchange| exchange.ask.as_ref(), ASKED);
    code!(#replies #replied #asked)
}

/// The method of an event that was left out because of an error: it takes anything.
fn lost_method(method: &Ident, rt: &TokenStream) -> TokenStream {
    code! {
        pub fn #method<T: ?::core::marker::Sized>(self, _: &T) -> #rt::EmitFuture {
            ::core::unimplemented!()
        }
    }
}

/// The asker, the replier or the requester: one method for each event that has an answer.
struct Side<'a> {
    /// `ToClientAsker`; `None` where no event has an answer.
    name: Option<Ident>,
    rt: &'a TokenStream,
    role: SideRole,
}

/// Who asks or answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SideRole {
    /// The server asks a client.
    Asker,
    /// The server answers a client.
    Replier,
    /// A client asks the server.
    Requester,
}

impl<'a> Side<'a> {
    fn asker(set: &'a events::Set<'_>) -> Self {
        let asks = set.events.iter().any(|event| event.exchange.ask.is_some());
        let name = asks.then(|| format_ident!("{}Asker", set.ident));
        Self { name, rt: &set.rt, role: SideRole::Asker }
    }

    fn replier(set: &'a events::Set<'_>) -> Self {
        Self::of_replies(set, "Replier", SideRole::Replier)
    }

    fn requester(set: &'a events::Set<'_>) -> Self {
        Self::of_replies(set, "Requester", SideRole::Requester)
    }

    fn of_replies(set: &'a events::Set<'_>, suffix: &str, role: SideRole) -> Self {
        let replies = set.events.iter().any(|event| event.exchange.reply.is_some());
        let name = replies.then(|| format_ident!("{}{suffix}", set.ident));
        Self { name, rt: &set.rt, role }
    }

    /// What the runtime passes in.
    fn inner(&self) -> TokenStream {
        let rt = self.rt;
        match self.role {
            SideRole::Asker => code!(#rt::__private::Question),
            SideRole::Replier => code!(#rt::__private::Replier),
            SideRole::Requester => code!(#rt::__private::Request),
        }
    }

    /// Its replacement in a set without answers.
    fn none(&self) -> TokenStream {
        let rt = self.rt;
        match self.role {
            SideRole::Asker => code!(#rt::__private::NoQuestions),
            SideRole::Replier => code!(#rt::__private::NoReplies),
            SideRole::Requester => code!(#rt::__private::NoRequests),
        }
    }

    fn ty(&self) -> TokenStream {
        self.name.as_ref().map_or_else(|| self.none(), |name| code!(#name<'a>))
    }

    fn constructor(&self) -> TokenStream {
        let inner = self.inner();
        let function = match self.role {
            SideRole::Asker => code!(asker),
            SideRole::Replier => code!(replier),
            SideRole::Requester => code!(requester),
        };
        let (ty, new, argument) = match &self.name {
            Some(name) => (code!(#name<'_>), code!(#name(inner)), code!(inner)),
            None => (self.none(), self.none(), code!(_)),
        };
        code! {
            fn #function(#argument: #inner<'_>) -> #ty {
                #new
            }
        }
    }

    fn definition(&self, set: &events::Set<'_>) -> Option<TokenStream> {
        let (name, inner) = (self.name.as_ref()?, self.inner());
        let events::Set { vis, ident, events, .. } = set;
        let vis: &Visibility = vis;
        let (doc, must_use) = match self.role {
            SideRole::Asker => (
                format!(" Asks the questions of [`{ident}`], each by a method of its own."),
                "an asker does nothing until a question is asked",
            ),
            SideRole::Replier => (
                format!(" Answers the events of [`{ident}`] that have a reply."),
                "a replier does nothing until a reply is given",
            ),
            SideRole::Requester => (
                format!(" Sends the events of [`{ident}`] that have a reply, and waits for it."),
                "a requester does nothing until a request is sent",
            ),
        };
        let methods = events.iter().filter_map(|event| self.method(event, ident));
        Some(code! {
            #[doc = #doc]
            #[must_use = #must_use]
            #vis struct #name<'a>(#inner<'a>);
            impl #name<'_> {
                #(#methods)*
            }
        })
    }

    /// The method of one event, if that has an answer.
    fn method(&self, event: &Event, ident: &Ident) -> Option<TokenStream> {
        let rt = self.rt;
        let Event { payload, method, cfgs, exchange, wire, .. } = event;
        let wire = wire.value();
        let table = code!(&<#ident as #rt::Events>::TABLE.#method);
        let taken = lent(payload).unwrap_or_else(|| code!(#payload));
        let (doc, signature, call) = match self.role {
            SideRole::Asker => {
                let answer = exchange.ask.as_ref()?;
                (
                    format!(" Asks `{wire}` and waits for the answer."),
                    code!((self, payload: &#taken) -> #rt::Asked<#answer>),
                    code!(self.0.ask(#table, payload)),
                )
            }
            SideRole::Replier => {
                let reply = exchange.reply.as_ref()?;
                (
                    format!(" Answers `{wire}`."),
                    code!((self, reply: &#reply) -> #rt::EmitFuture),
                    code!(self.0.send(#table, reply)),
                )
            }
            SideRole::Requester => {
                let reply = exchange.reply.as_ref()?;
                (
                    format!(" Sends `{wire}` and waits for the reply."),
                    code!((self, payload: &#taken) -> #rt::Asked<#reply>),
                    code!(self.0.send(#table, payload)),
                )
            }
        };
        Some(code! {
            #(#cfgs)*
            #[doc = #doc]
            pub fn #method #signature {
                #call
            }
        })
    }
}

/// The event as data, where a payload without its derives is an error.
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
