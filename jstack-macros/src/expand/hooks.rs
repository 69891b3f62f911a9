//! `impl Handlers`: the calls of a module's handlers.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{ReturnType, Type};

use super::fallback::{self, unless_broken};
use super::kept::KeptExtractors;
use super::{at, call, chosen, output_place, respanned, session};
use crate::args::Args;
use crate::model::{Arg, Handler, Handlers};
use crate::names::{self, Case};
use crate::roles::{PassedBy, Role};
use crate::types;

/// The handlers that run after the upgrade, and the extractors that they share.
pub(super) struct Hooks<'a> {
    pub(super) handlers: &'a Handlers,
    pub(super) args: &'a Args,
    pub(super) rt: TokenStream,
    pub(super) kept: KeptExtractors<'a>,
}

impl Hooks<'_> {
    /// A clone of an extractor that was extracted once for the connection.
    pub(super) fn clone_of(&self, arg: &Arg) -> TokenStream {
        let (rt, field) = (&self.rt, self.kept.field(arg));
        code!(#rt::__private::kept(&kept.#field))
    }

    /// `handler(…)`, with the session borrowed and the kept extractors cloned.
    fn called(&self, handler: &Handler, last: &TokenStream) -> TokenStream {
        call(handler, &self.rt, |arg: &Arg| match arg.role {
            Role::Extractor => self.clone_of(arg),
            Role::Session(taken) => session(taken, true),
            _ => last.clone(),
        })
    }

    /// As [`called`](Self::called), with the result converted for the runtime.
    fn call(&self, handler: &Handler, last: &TokenStream) -> TokenStream {
        self.outcome(handler, &self.called(handler, last))
    }

    /// Calls an event's handler. What it returns, if anything, is the event's reply.
    fn replied(&self, handler: &Handler, variant: &Ident, payload: &TokenStream) -> TokenStream {
        let (rt, call) = (&self.rt, self.called(handler, payload));
        let place = output_place(handler);
        if returns_nothing(handler) {
            return quote_spanned!(place=> #rt::__private::unreplied(#call));
        }
        let call = chosen(handler, rt, &call).map_or(call, |chosen| code!(#chosen?));
        let field = names::method(&Case::Snake.apply(variant), at(variant));
        let event = code!(&<Incoming as #rt::Events>::TABLE.#field);
        quote_spanned!(place=> #rt::__private::replied(#event, #call))
    }

    /// A constant for each handler that returns nothing. It does not compile if the event declares a
    /// reply.
    pub(super) fn no_replies(&self) -> TokenStream {
        let rt = &self.rt;
        let handlers = self.handlers.events.iter().filter(|handler| !handler.broken);
        handlers
            .filter(|handler| returns_nothing(handler))
            .map(|handler| {
                let (names, cfgs) = (handler.variants.iter().map(Ident::to_string), &handler.cfgs);
                // The user's own span: where a constant fails is shown there.
                let place = match &handler.output {
                    ReturnType::Default => handler.ident.span(),
                    ReturnType::Type(_, ty) => syn::spanned::Spanned::span(ty),
                };
                let check = quote_spanned!(place=>
                    #rt::__private::no_reply::<Procedure>(&[#(#names),*]));
                code!(#(#cfgs)* const _: () = #check;)
            })
            .collect()
    }

    /// Converts a call's result for the runtime. A wrong return type is an error at that type.
    fn outcome(&self, handler: &Handler, call: &TokenStream) -> TokenStream {
        let rt = &self.rt;
        let chosen = chosen(handler, rt, call).map(|chosen| code!(#chosen?));
        let outcome = chosen.as_ref().unwrap_or(call);
        quote_spanned!(output_place(handler)=> #rt::__private::outcome(#outcome))
    }

    /// The `match` that calls the handler of an event.
    fn event(&self) -> TokenStream {
        let arms = self.arms();
        let rest = self.handlers.fallback.as_ref().map(|handler| self.fallback(handler));
        let lost = (rest.is_none() && self.handlers.incomplete).then(fallback::lost_events);
        let is_open = rest.is_some() || lost.is_some();
        let never = (!is_open).then(|| never(self.handlers.events.len()));
        let place = self.args.incoming.as_ref().map_or_else(Span::mixed_site, at);
        quote_spanned!(place=> match event { #arms #never #rest #lost })
    }

    /// One arm for each event.
    fn arms(&self) -> TokenStream {
        // Where the arms are of two contexts, rustc does not offer to edit the attribute.
        let contexts = [Span::call_site(), Span::mixed_site()].into_iter().cycle();
        let handlers = self.handlers.events.iter().zip(contexts);
        let arms = handlers.flat_map(|(handler, context)| {
            handler.variants.iter().map(move |variant| {
                let cfgs = &handler.cfgs;
                let incoming = Ident::new("Incoming", context);
                let payload = code!(payload);
                let body = unless_broken(handler, || self.replied(handler, variant, &payload));
                let pattern = if handler.broken { code!(_) } else { payload.clone() };
                code!(#(#cfgs)* #incoming::#variant(#pattern) => #body,)
            })
        });
        arms.collect()
    }

    /// The arm of `#[fallback]`.
    fn fallback(&self, handler: &Handler) -> TokenStream {
        let (rt, event, cfgs) = (&self.rt, code!(event), &handler.cfgs);
        let body = unless_broken(handler, || {
            let call = self.called(handler, &event);
            quote_spanned!(output_place(handler)=> #rt::__private::unreplied(#call))
        });
        let pattern = if handler.broken { code!(_) } else { event };
        code!(#(#cfgs)* #pattern => #body,)
    }

    /// `#[error]`, where there is one.
    fn error(&self) -> Option<TokenStream> {
        let rt = &self.rt;
        let handler = self.handlers.error.as_ref().filter(|handler| !handler.broken)?;
        let (call, cfgs) = (self.call(handler, &code!(error)), &handler.cfgs);
        Some(code! {
            #(#cfgs)*
            async fn error(kept: &Self::Extractors, session: &mut Self::Session, error: &#rt::Error) -> #rt::Result {
                #call
            }
        })
    }

    /// `#[disconnect]`, which may have the session for itself.
    fn disconnect(&self) -> Option<TokenStream> {
        let rt = &self.rt;
        let handler = self.handlers.disconnect.as_ref().filter(|handler| !handler.broken)?;
        let call = call(handler, rt, |arg: &Arg| match arg.role {
            Role::Extractor => self.clone_of(arg),
            Role::Session(taken) => session(taken, false),
            _ => code!(reason),
        });
        let call = self.outcome(handler, &call);
        let borrowed = handler.args.iter().any(|arg| arg.role == Role::Session(PassedBy::Mutably));
        let session = if borrowed { code!(mut session) } else { code!(session) };
        let cfgs = &handler.cfgs;
        Some(code! {
            #(#cfgs)*
            async fn disconnect(kept: Self::Extractors, #session: Self::Session, reason: #rt::CloseReason) -> #rt::Result {
                #call
            }
        })
    }

    /// `#[member]`, where there is one.
    fn member(&self) -> Option<TokenStream> {
        let rt = &self.rt;
        self.args.presence.as_ref()?;
        let handler = self.handlers.member.as_ref().filter(|handler| !handler.broken)?;
        let ident = &handler.ident;
        let place = output_place(handler);
        let session = handler.args.iter().map(|arg| respanned(code!(session), at(&arg.ty)));
        let member =
            quote_spanned!(place=> #rt::__private::member::<Procedure>(#ident(#(#session)*)));
        Some(code! {
            fn member(session: &Self::Session) -> ::core::option::Option<#rt::__private::EncodedMember> {
                ::core::option::Option::Some(#member)
            }
        })
    }
}

impl ToTokens for Hooks<'_> {
    /// The items of `impl Handlers`, without its types.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let rt = &self.rt;
        let (event, error, disconnect) = (self.event(), self.error(), self.disconnect());
        let member = self.member();
        tokens.extend(code! {
            async fn event(kept: &Self::Extractors, session: &mut Self::Session, event: Incoming) -> #rt::Result<#rt::__private::EncodedReply> {
                #event
            }
            #error
            #disconnect
            #member
        });
    }
}

/// Arms that never match, so that there are two: with fewer, rustc offers to edit the attribute.
fn never(arms: usize) -> TokenStream {
    let missing = 2_usize.saturating_sub(arms);
    let contexts = [Span::mixed_site(), Span::call_site()].into_iter().take(missing);
    contexts
        .map(|context| quote_spanned!(context=> _ if false => ::core::unreachable!(),))
        .collect()
}

/// Whether a handler's return type says that there is no reply: `()`, `Result` or `Result<(), E>`.
fn returns_nothing(handler: &Handler) -> bool {
    let ReturnType::Type(_, ty) = &handler.output else { return true };
    let is_unit =
        |ty: &Type| matches!(types::plain(ty), Type::Tuple(tuple) if tuple.elems.is_empty());
    if types::is(ty, "Result") {
        return types::arguments(ty).first().is_none_or(|ok| is_unit(ok));
    }
    is_unit(ty)
}
