//! `#[procedure(ws, …)]` on an inline module.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::{ReturnType, Type};

use super::fallback::{self, unless_broken};
use super::kept::{Kept, KeptExtractors};
use super::params::params;
use super::procedure::inside;
use super::{
    Implementation, at, call, chosen, described, distinct, extraction, output_place, respanned,
    session,
};
use crate::args::{Args, Kind};
use crate::check;
use crate::errors::Errors;
use crate::handlers;
use crate::model::{Arg, Handler, Handlers};
use crate::module::{Item, Module};
use crate::names::{self, Case};
use crate::roles::{PassedBy, Role};
use crate::types;

/// The module as it was, without our attributes, and after its items what makes it a procedure.
pub(crate) fn expand(mut module: Module, args: &Args, errors: &mut Errors) -> TokenStream {
    if let Some(kind @ (Kind::Get | Kind::Post)) = args.kind {
        let (kind, ident) = (kind.name(), &module.ident);
        errors.push(
            ident,
            format!("`#[procedure({kind})]` goes on an `async fn`\nhelp: only `ws` takes a module"),
        );
    }
    fallback::second_procedure(&mut module.attrs, errors);
    let mut handlers = handlers::read(&mut module, args, errors);
    let own = ["Incoming", "Outgoing"].map(|name| defines(&module, name));
    check::event_sets(args, own, &module.ident, errors);
    check::aliases(args, errors);
    check::module(&module, &mut handlers, args, errors);
    for item in &mut module.items {
        if let Item::Function(function) = item
            && function.is_handler
        {
            super::quiet(function);
        }
    }
    let generated = Generated::new(&module, &handlers, args, own);
    let Module { attrs, vis, ident, inner, items } = &module;
    let (allow, items, fallback) = match &generated {
        Some(_) => (None, items.iter().map(tokens).collect(), None),
        None => (
            Some(code!(#[allow(unused)])),
            fallback::items_without_events(items),
            Some(fallback::marker(&module, args)),
        ),
    };
    code! {
        #(#attrs)*
        #allow
        #vis mod #ident {
            #(#inner)*
            #items
            #generated
            #fallback
        }
    }
}

/// Whether the module has a type of this name.
fn defines(module: &Module, name: &str) -> bool {
    check::types_of(module).any(|ident| ident == name)
}

pub(super) fn tokens(item: &Item) -> TokenStream {
    match item {
        // A method in a module is rustc's error as well.
        Item::Function(function) if function.is_handler && function.sig.receiver().is_some() => {
            TokenStream::new()
        }
        Item::Function(function) => function.to_token_stream(),
        Item::Other(other) => {
            let (attrs, rest) = (&other.attrs, &other.rest);
            code!(#(#attrs)* #rest)
        }
    }
}

/// Everything after the user's items.
struct Generated<'a> {
    module: &'a Module,
    handlers: &'a Handlers,
    args: &'a Args,
    rt: TokenStream,
    /// The alias and its type; `None` if the module defines it.
    aliases: [(&'static str, Option<TokenStream>); 4],
    session: TokenStream,
    kept: KeptExtractors<'a>,
}

impl<'a> Generated<'a> {
    fn new(
        module: &'a Module,
        handlers: &'a Handlers,
        args: &'a Args,
        own: [bool; 2],
    ) -> Option<Self> {
        let rt = args.runtime();
        let given = |ty: &Option<Type>| ty.as_ref().map(|ty| code!(#ty));
        let named = |own: bool, name: &str| {
            own.then(|| Ident::new(name, Span::call_site()).into_token_stream())
        };
        let incoming = given(&args.incoming).or_else(|| named(own[0], "Incoming"));
        let outgoing = given(&args.outgoing).or_else(|| named(own[1], "Outgoing"));
        let (incoming, outgoing) = match (incoming, outgoing) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => (one.clone(), one),
            (Some(incoming), Some(outgoing)) => (incoming, outgoing),
        };
        // A set of an alias' own name is there already: by the module's imports, or its items.
        let given = [&args.incoming, &args.outgoing];
        let set = |name: &'static str, ty: TokenStream| {
            let is_given = given.into_iter().flatten().any(|given| types::is_word(given, name));
            (name, (!is_given && !defines(module, name)).then_some(ty))
        };
        let free =
            |name: &'static str, ty: TokenStream| (name, (!defines(module, name)).then_some(ty));
        let aliases = [
            set("Incoming", incoming),
            set("Outgoing", outgoing),
            free("Socket", code!(#rt::Socket<Procedure>)),
            free("Io", code!(#rt::Io<Procedure>)),
        ];
        let connect = handlers.connect.as_ref().filter(|connect| !connect.broken);
        let session = connect.and_then(|connect| types::success(&connect.output));
        let session = session.map_or_else(|| code!(()), |ty| quote_spanned!(at(ty)=> #ty));
        let kept = KeptExtractors::of(handlers);
        Some(Self { module, handlers, args, rt, aliases, session, kept })
    }

    /// A clone of what was extracted once.
    fn clone_of(&self, arg: &Arg) -> TokenStream {
        let (rt, field) = (&self.rt, self.kept.field(arg));
        code!(#rt::__private::kept(&kept.#field))
    }

    /// `handler(…)` where the session is borrowed and extractors are kept.
    fn called(&self, handler: &Handler, last: &TokenStream) -> TokenStream {
        call(handler, &self.rt, |arg: &Arg| match arg.role {
            Role::Extractor => self.clone_of(arg),
            Role::Session(taken) => session(taken, true),
            _ => last.clone(),
        })
    }

    /// The same, with its outcome as the runtime wants it.
    fn call(&self, handler: &Handler, last: &TokenStream) -> TokenStream {
        self.outcome(handler, &self.called(handler, last))
    }

    /// The same for an event: a handler that returns something returns the event's reply.
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

    /// A constant for each handler that returns nothing, which fails to evaluate where its event
    /// declares a reply.
    fn no_replies(&self) -> TokenStream {
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

    /// The call's result as the runtime wants it; a wrong return type is an error in its place.
    fn outcome(&self, handler: &Handler, call: &TokenStream) -> TokenStream {
        let rt = &self.rt;
        let chosen = chosen(handler, rt, call).map(|chosen| code!(#chosen?));
        let outcome = chosen.as_ref().unwrap_or(call);
        quote_spanned!(output_place(handler)=> #rt::__private::outcome(#outcome))
    }

    fn event(&self) -> TokenStream {
        // Where the arms are of two contexts, rustc does not offer to edit the attribute.
        let mut contexts = [Span::call_site(), Span::mixed_site()].into_iter().cycle();
        let count = self.handlers.events.len();
        let arms = self.handlers.events.iter().flat_map(|handler| {
            let next = contexts.next().unwrap_or_else(Span::call_site);
            handler.variants.iter().map(move |variant| {
                let cfgs = &handler.cfgs;
                let incoming = Ident::new("Incoming", next);
                let payload = code!(payload);
                let body = unless_broken(handler, || self.replied(handler, variant, &payload));
                let pattern = if handler.broken { code!(_) } else { payload.clone() };
                code!(#(#cfgs)* #incoming::#variant(#pattern) => #body,)
            })
        });
        let rest = self.handlers.fallback.as_ref().map(|handler| {
            let event = code!(event);
            let body = unless_broken(handler, || {
                let (rt, call) = (&self.rt, self.called(handler, &event));
                quote_spanned!(output_place(handler)=> #rt::__private::unreplied(#call))
            });
            let cfgs = &handler.cfgs;
            let pattern = if handler.broken { code!(_) } else { event };
            code!(#(#cfgs)* #pattern => #body,)
        });
        let lost = (rest.is_none() && self.handlers.incomplete).then(fallback::lost_events);
        // With fewer than two arms it would: these never match.
        let missing =
            if rest.is_none() && lost.is_none() { 2_usize.saturating_sub(count) } else { 0 };
        let never = [Span::mixed_site(), Span::call_site()].into_iter().take(missing);
        let never =
            never.map(|context| quote_spanned!(context=> _ if false => ::core::unreachable!(),));
        let place = self.args.incoming.as_ref().map_or_else(Span::mixed_site, at);
        quote_spanned!(place=> match event { #(#arms)* #(#never)* #rest #lost })
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

    /// Extracts everything, connects, and serves.
    fn serve(&self, connect: Option<&Handler>) -> TokenStream {
        let rt = &self.rt;
        let extractions =
            self.kept.list.iter().map(|kept| extraction(kept.ty, "extract_for_socket"));
        let ty = &self.session;
        let session = match connect {
            Some(handler) => {
                let call = call(handler, rt, |arg: &Arg| match self.kept.sure_field(arg) {
                    Some(_) => self.clone_of(arg),
                    None => extraction(&arg.ty, "extract_for_socket"),
                });
                let connected =
                    quote_spanned!(output_place(handler)=> cx.connected::<#ty, _>(outcome)?);
                let chosen = chosen(handler, rt, &call);
                let outcome =
                    chosen.map_or(call, |chosen| code!(#rt::__private::refused(#chosen)?));
                code!(let outcome = #outcome; let session = #connected;)
            }
            None => code!(let session = ();),
        };
        let serve = self.served();
        code! {
            let kept: <__Handlers as #rt::__private::Handlers>::Extractors = (#(#extractions,)*);
            #session
            #serve
        }
    }

    /// Serves, with `#[refresh]` where there is one.
    fn served(&self) -> TokenStream {
        let rt = &self.rt;
        let Some(handler) = self.handlers.refresh.as_ref().filter(|handler| !handler.broken) else {
            return code!(cx.serve::<__Handlers>(session, kept));
        };
        let call = call(handler, rt, |arg: &Arg| match arg.role {
            Role::Session(taken) => session(taken, true),
            _ => extraction(&arg.ty, "extract_for_socket"),
        });
        let connected = quote_spanned!(output_place(handler)=> cx.connected::<(), _>(outcome));
        code! {
            cx.serve_refreshing::<__Handlers>(session, kept, |mut cx, session| {
                ::std::boxed::Box::pin(async move {
                    let outcome = #call;
                    #connected
                })
            })
        }
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

    /// Presence, where the procedure has it.
    fn presence(&self) -> Option<(TokenStream, TokenStream)> {
        let handler = self.handlers.member.as_ref().filter(|handler| !handler.broken);
        let info = handler.and_then(|handler| check::info(&handler.output));
        super::presence(self.args, &code!(Procedure), info)
    }

    fn implementation(&self) -> TokenStream {
        let rt = &self.rt;
        let connect = self.handlers.connect.as_ref();
        let ident = &self.module.ident;
        let attrs = self.module.attrs.iter().chain(&self.module.inner);
        let (name, docs) = described(self.args, ident, &types::docs(attrs));
        let presence = self.presence().map(|presence| presence.1);
        let history = super::history(self.args);
        let sound = !connect.is_some_and(|connect| connect.broken);
        let refresh = self.handlers.refresh.as_ref().filter(|refresh| !refresh.broken);
        let connect_args =
            connect.filter(|_| sound).into_iter().chain(refresh).flat_map(Handler::extracted);
        let connect_args: Vec<_> = connect_args.collect();
        let params = params(rt, connect_args.iter().copied(), &self.kept.list);
        let mut own = connect_args;
        own.retain(|arg| self.kept.sure_field(arg).is_none());
        let own = distinct(own.into_iter());
        let (conditional, sure): (Vec<_>, Vec<_>) =
            self.kept.list.iter().partition(|kept| kept.condition.is_some());
        let implementation = Implementation {
            rt,
            args: self.args,
            marker: code!(Procedure),
            bound: code!(SocketExtractor),
            extractors: sure.iter().map(|kept| kept.ty).chain(own).collect(),
            conditional: conditional.iter().map(|kept| &kept.written).collect(),
            info: Some(
                code!(#rt::__private::ProcedureInfo::ws::<Self>(#name) #docs #params #presence #history),
            ),
            call: sound.then(|| self.serve(connect)),
        };
        code!(#implementation)
    }
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

impl quote::ToTokens for Generated<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { module, rt, aliases, session, kept, .. } = self;
        let ident = &module.ident;
        let docs = [
            format!(" What clients of `{ident}` send."),
            format!(" What clients of `{ident}` get."),
            format!(" A connection of `{ident}`."),
            format!(" Emits to the connections of `{ident}`."),
        ];
        let aliases = aliases.iter().zip(docs).filter_map(|((name, ty), doc)| {
            let name = Ident::new(name, Span::call_site());
            ty.as_ref().map(|ty| code!(#[doc = #doc] type #name = #ty;))
        });
        let marker = (!defines(module, "Procedure")).then(|| {
            let vis = inside(&module.vis);
            let doc = format!(
                " Stands for `{ident}` in `router![]`, `Io<{ident}::Procedure>` and `App::io`."
            );
            code! {
                #[doc = #doc]
                #vis struct Procedure;
            }
        });
        let written = kept.list.iter().map(|kept| &kept.written);
        let conditional = kept.list.iter().filter_map(Kept::alias);
        let place = |ty: &Option<Type>| ty.as_ref().map_or_else(Span::mixed_site, at);
        let incoming = quote_spanned!(place(&self.args.incoming)=> type Incoming = Incoming;);
        let outgoing = quote_spanned!(place(&self.args.outgoing)=> type Outgoing = Outgoing;);
        let events = code!(#incoming #outgoing);
        let (event, error, disconnect) = (self.event(), self.error(), self.disconnect());
        let member = self.member();
        let presence = self.presence().map(|presence| presence.0);
        let implementation = self.implementation();
        let no_replies = self.no_replies();
        let history = super::history_const(self.args);
        let one_way = super::one_way(self.args, &code!(Procedure));
        tokens.extend(code! {
            #(#aliases)*
            #(#conditional)*
            #marker
            #[automatically_derived]
            impl #rt::SocketProcedure for Procedure {
                #events
                #history
            }
            /// Private, so that the session and the extractors may be.
            struct __Handlers;
            #[automatically_derived]
            impl #rt::SocketProcedure for __Handlers {
                #events
            }
            #[automatically_derived]
            impl #rt::__private::Handlers for __Handlers {
                type Session = #session;
                type Extractors = (#(#written,)*);
                async fn event(kept: &Self::Extractors, session: &mut Self::Session, event: Incoming) -> #rt::Result<#rt::__private::EncodedReply> {
                    #event
                }
                #error
                #disconnect
                #member
            }
            #presence
            #implementation
            #no_replies
            #one_way
        });
    }
}
