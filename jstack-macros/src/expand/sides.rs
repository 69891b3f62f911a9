//! The typed sides of an exchange: who asks, who replies and who requests.

use proc_macro2::{Ident, TokenStream};
use quote::format_ident;
use syn::Visibility;

use super::table::lent;
use crate::events;
use crate::model::Event;

/// The asker, the replier or the requester: one method for each event that has an answer.
pub(super) struct Side<'a> {
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
    pub(super) fn asker(set: &'a events::Set<'_>) -> Self {
        let asks = set.events.iter().any(|event| event.exchange.ask.is_some());
        let name = asks.then(|| format_ident!("{}Asker", set.ident));
        Self { name, rt: &set.rt, role: SideRole::Asker }
    }

    pub(super) fn replier(set: &'a events::Set<'_>) -> Self {
        Self::of_replies(set, "Replier", SideRole::Replier)
    }

    pub(super) fn requester(set: &'a events::Set<'_>) -> Self {
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

    pub(super) fn ty(&self) -> TokenStream {
        self.name.as_ref().map_or_else(|| self.none(), |name| code!(#name<'a>))
    }

    pub(super) fn constructor(&self) -> TokenStream {
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

    pub(super) fn definition(&self, set: &events::Set<'_>) -> Option<TokenStream> {
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
