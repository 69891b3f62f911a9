//! `#[procedure(ws, …)]` on an inline module.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Type;

use super::fallback;
use super::hooks::Hooks;
use super::kept::{Kept, KeptExtractors};
use super::params::params;
use super::procedure::inside;
use super::{
    Implementation, at, call, chosen, described, distinct, extraction, output_place, session,
};
use crate::args::{Args, Kind};
use crate::check;
use crate::errors::Errors;
use crate::handlers;
use crate::model::{Arg, Handler, Handlers};
use crate::module::{Item, Module};
use crate::roles::Role;
use crate::types;

/// The module without the attributes of this crate, and behind its items those that make it a procedure.
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
    /// The alias and its type; `None` if the module defines it.
    aliases: [(&'static str, Option<TokenStream>); 4],
    session: TokenStream,
    hooks: Hooks<'a>,
}

impl<'a> Generated<'a> {
    fn new(
        module: &'a Module,
        handlers: &'a Handlers,
        args: &'a Args,
        own: [bool; 2],
    ) -> Option<Self> {
        let rt = args.runtime();
        let (incoming, outgoing) = event_sets(args, own)?;
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
        let hooks = Hooks { handlers, args, rt, kept };
        Some(Self { module, aliases, session, hooks })
    }

    /// `type Incoming = …;` and the others, as far as the module does not define them.
    fn aliases(&self) -> TokenStream {
        let ident = &self.module.ident;
        let docs = [
            format!(" What clients of `{ident}` send."),
            format!(" What clients of `{ident}` get."),
            format!(" A connection of `{ident}`."),
            format!(" Emits to the connections of `{ident}`."),
        ];
        let aliases = self.aliases.iter().zip(docs).filter_map(|((name, ty), doc)| {
            let name = Ident::new(name, Span::call_site());
            ty.as_ref().map(|ty| code!(#[doc = #doc] type #name = #ty;))
        });
        aliases.collect()
    }

    /// `struct Procedure;`, unless the module has a type of that name.
    fn marker(&self) -> Option<TokenStream> {
        let Module { ident, vis, .. } = self.module;
        let vis = inside(vis);
        let doc = format!(
            " Stands for `{ident}` in `router![]`, `Io<{ident}::Procedure>` and `App::io`."
        );
        (!defines(self.module, "Procedure")).then(|| {
            code! {
                #[doc = #doc]
                #vis struct Procedure;
            }
        })
    }

    /// Extracts everything, connects, and serves.
    fn serve(&self, connect: Option<&Handler>) -> TokenStream {
        let rt = &self.hooks.rt;
        let extractions =
            self.hooks.kept.list.iter().map(|kept| extraction(kept.ty, "extract_for_socket"));
        let ty = &self.session;
        let session = match connect {
            Some(handler) => {
                let call = call(handler, rt, |arg: &Arg| match self.hooks.kept.sure_field(arg) {
                    Some(_) => self.hooks.clone_of(arg),
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
        let rt = &self.hooks.rt;
        let Some(handler) = self.hooks.handlers.refresh.as_ref().filter(|handler| !handler.broken)
        else {
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

    /// Presence, where the procedure has it.
    fn presence(&self) -> Option<(TokenStream, TokenStream)> {
        let handler = self.hooks.handlers.member.as_ref().filter(|handler| !handler.broken);
        let info = handler.and_then(|handler| check::info(&handler.output));
        super::presence(self.hooks.args, &code!(Procedure), info)
    }

    fn implementation(&self) -> TokenStream {
        let Hooks { handlers, args, rt, kept } = &self.hooks;
        let connect = handlers.connect.as_ref();
        let ident = &self.module.ident;
        let attrs = self.module.attrs.iter().chain(&self.module.inner);
        let (name, docs) = described(args, ident, &types::docs(attrs));
        let presence = self.presence().map(|presence| presence.1);
        let history = super::history(args);
        let sound = !connect.is_some_and(|connect| connect.broken);
        let refresh = handlers.refresh.as_ref().filter(|refresh| !refresh.broken);
        let connect_args =
            connect.filter(|_| sound).into_iter().chain(refresh).flat_map(Handler::extracted);
        let connect_args: Vec<_> = connect_args.collect();
        let params = params(rt, connect_args.iter().copied(), &kept.list);
        let mut own = connect_args;
        own.retain(|arg| kept.sure_field(arg).is_none());
        let own = distinct(own.into_iter());
        let (conditional, sure): (Vec<_>, Vec<_>) =
            kept.list.iter().partition(|kept| kept.condition.is_some());
        let implementation = Implementation {
            rt,
            args,
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

impl ToTokens for Generated<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { session, hooks, .. } = self;
        let Hooks { args, rt, kept, .. } = hooks;
        let (aliases, marker) = (self.aliases(), self.marker());
        let written = kept.list.iter().map(|kept| &kept.written);
        let conditional = kept.list.iter().filter_map(Kept::alias);
        let place = |ty: &Option<Type>| ty.as_ref().map_or_else(Span::mixed_site, at);
        let incoming = quote_spanned!(place(&args.incoming)=> type Incoming = Incoming;);
        let outgoing = quote_spanned!(place(&args.outgoing)=> type Outgoing = Outgoing;);
        let events = code!(#incoming #outgoing);
        let presence = self.presence().map(|presence| presence.0);
        let implementation = self.implementation();
        let no_replies = hooks.no_replies();
        let history = super::history_const(args);
        let one_way = super::one_way(args, &code!(Procedure));
        tokens.extend(code! {
            #aliases
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
                #hooks
            }
            #presence
            #implementation
            #no_replies
            #one_way
        });
    }
}

/// The types of both sets of events. Where one is unknown, because of an error, it is the other.
fn event_sets(args: &Args, own: [bool; 2]) -> Option<(TokenStream, TokenStream)> {
    let set = |ty: &Option<Type>, own: bool, name: &str| match ty {
        Some(ty) => Some(code!(#ty)),
        None => own.then(|| Ident::new(name, Span::call_site()).into_token_stream()),
    };
    let incoming = set(&args.incoming, own[0], "Incoming");
    let outgoing = set(&args.outgoing, own[1], "Outgoing");
    match (incoming, outgoing) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some((one.clone(), one)),
        (Some(incoming), Some(outgoing)) => Some((incoming, outgoing)),
    }
}
