//! `#[procedure(ws, …)]` on an inline module.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident, quote_spanned};
use syn::{ReturnType, Type};

use super::procedure::inside;
use super::{Implementation, at, call, described, distinct, position, session};
use crate::args::{Args, Kind};
use crate::check;
use crate::errors::Errors;
use crate::handlers;
use crate::model::{Arg, Handler, Handlers, Role};
use crate::module::{Item, Module};
use crate::types;

/// The module as it was, without our attributes, and behind its items what makes it a procedure.
pub(crate) fn expand(mut module: Module, args: &Args, errors: &mut Errors) -> TokenStream {
    if let Some(kind @ (Kind::Get | Kind::Post)) = args.kind {
        let (kind, ident) = (kind.name(), &module.ident);
        errors.push(
            ident,
            format!("`#[procedure({kind})]` goes on an `async fn`\nhelp: only `ws` takes a module"),
        );
    }
    let mut handlers = handlers::read(&mut module, args, errors);
    let own =
        ["Incoming", "Outgoing"].map(|name| check::types_of(&module).any(|ident| ident == name));
    check::event_sets(args, own, &module.ident, errors);
    check::module(&module, &mut handlers, args, errors);
    let generated = Generated::new(&module, &handlers, args, own);
    let Module { attrs, vis, ident, inner, items } = &module;
    let (allow, items) = match &generated {
        Some(_) => (None, items.iter().map(tokens).collect::<TokenStream>()),
        // Without any events, the handlers' own `Io` and `Socket` would be errors of their own.
        None => (
            Some(code!(#[allow(unused)])),
            items.iter().filter(|item| !is_handler(item)).map(tokens).collect(),
        ),
    };
    let fallback = generated.is_none().then(|| marker(&module, args));
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

fn tokens(item: &Item) -> TokenStream {
    match item {
        // A method that stands in a module is rustc's error as well.
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

fn is_handler(item: &Item) -> bool {
    matches!(item, Item::Function(function) if function.is_handler)
}

/// The marker alone, so that `router![…]` finds it.
fn marker(module: &Module, args: &Args) -> TokenStream {
    let vis = inside(&module.vis);
    let implementation = Implementation {
        rt: &args.runtime(),
        args,
        marker: code!(Procedure),
        bound: code!(SocketExtractor),
        extractors: Vec::new(),
        conditional: Vec::new(),
        info: None,
        call: None,
    };
    let taken = check::types_of(module).any(|ident| ident == "Procedure");
    let definition = (!taken).then(|| code!(#vis struct Procedure;));
    code!(#definition #implementation)
}

/// Everything that stands behind the user's items.
struct Generated<'a> {
    module: &'a Module,
    handlers: &'a Handlers,
    args: &'a Args,
    rt: TokenStream,
    /// The alias and what it stands for; `None` where the module defines it.
    aliases: [(&'static str, Option<TokenStream>); 4],
    session: TokenStream,
    kept: Vec<Kept<'a>>,
}

/// What is extracted once, and cloned for each event.
struct Kept<'a> {
    ty: &'a Type,
    /// The type as generated code writes it: by an alias where it is conditional.
    written: TokenStream,
    /// When it exists; always, if there is no condition.
    condition: Option<TokenStream>,
}

impl<'a> Kept<'a> {
    /// The extractors of all handlers but `#[connect]`, each type once.
    fn all(handlers: &'a Handlers) -> Vec<Self> {
        let types = distinct(handlers.kept().flat_map(Handler::extractors));
        let kept = |(index, ty): (usize, &&'a Type)| {
            let users =
                || handlers.kept().filter(|handler| position(handler.extractors(), ty).is_some());
            let condition = users().all(|handler| !handler.cfgs.is_empty()).then(|| {
                let all = users().map(|handler| {
                    let predicates =
                        handler.cfgs.iter().filter_map(|cfg| cfg.parse_args::<TokenStream>().ok());
                    code!(all(#(#predicates),*))
                });
                code!(any(#(#all),*))
            });
            let written = match condition {
                Some(_) => format_ident!("__Kept{index}").into_token_stream(),
                None => ty.to_token_stream(),
            };
            Self { ty, written, condition }
        };
        types.iter().enumerate().map(kept).collect()
    }

    /// The alias that stands for nothing where the condition does not hold.
    fn alias(&self) -> Option<TokenStream> {
        let Self { ty, written, condition } = self;
        let condition = condition.as_ref()?;
        Some(code! {
            #[cfg(#condition)]
            type #written = #ty;
            #[cfg(not(#condition))]
            type #written = ();
        })
    }
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
            own.then(|| Ident::new(name, proc_macro2::Span::call_site()).into_token_stream())
        };
        let incoming = given(&args.incoming).or_else(|| named(own[0], "Incoming"));
        let outgoing = given(&args.outgoing).or_else(|| named(own[1], "Outgoing"));
        let (incoming, outgoing) = match (incoming, outgoing) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => (one.clone(), one),
            (Some(incoming), Some(outgoing)) => (incoming, outgoing),
        };
        let taken = |name: &str| check::types_of(module).any(|ident| ident == name);
        let free = |name: &'static str, ty: TokenStream| (name, (!taken(name)).then_some(ty));
        let aliases = [
            free("Incoming", incoming),
            free("Outgoing", outgoing),
            free("Socket", code!(#rt::Socket<Procedure>)),
            free("Io", code!(#rt::Io<Procedure>)),
        ];
        let connect = handlers.connect.as_ref().filter(|connect| !connect.broken);
        let session = connect.and_then(|connect| types::success(&connect.output));
        let session = session.map_or_else(|| code!(()), |ty| quote_spanned!(at(ty)=> #ty));
        let kept = Kept::all(handlers);
        Some(Self { module, handlers, args, rt, aliases, session, kept })
    }

    /// A clone of what was extracted once.
    fn clone_of(&self, ty: &Type) -> TokenStream {
        let rt = &self.rt;
        let types = self.kept.iter().map(|kept| kept.ty);
        let index = syn::Index::from(position(types, ty).unwrap_or_default());
        code!(#rt::__private::kept(&kept.#index))
    }

    /// `handler(…)` where the session is borrowed and extractors are kept.
    fn call(&self, handler: &Handler, last: &TokenStream) -> TokenStream {
        let call = call(handler, |arg: &Arg| match arg.role {
            Role::Extractor => self.clone_of(&arg.ty),
            Role::Session(taken) => session(taken, true),
            _ => last.clone(),
        });
        self.outcome(handler, &call)
    }

    /// The call's result as the runtime wants it; a wrong return type is told where it stands.
    fn outcome(&self, handler: &Handler, call: &TokenStream) -> TokenStream {
        let rt = &self.rt;
        let place = match &handler.output {
            ReturnType::Default => at(&handler.ident),
            ReturnType::Type(_, ty) => at(ty),
        };
        quote_spanned!(place=> #rt::__private::outcome(#call))
    }

    fn event(&self) -> TokenStream {
        let arms = self.handlers.events.iter().flat_map(|handler| {
            handler.variants.iter().map(|variant| {
                let cfgs = &handler.cfgs;
                let payload = code!(payload);
                let body = broken_or(handler, || self.call(handler, &payload));
                let pattern = if handler.broken { code!(_) } else { payload.clone() };
                code!(#(#cfgs)* Incoming::#variant(#pattern) => #body,)
            })
        });
        let rest = self.handlers.fallback.as_ref().map(|handler| {
            let event = code!(event);
            let body = broken_or(handler, || self.call(handler, &event));
            let cfgs = &handler.cfgs;
            let pattern = if handler.broken { code!(_) } else { event };
            code!(#(#cfgs)* #pattern => #body,)
        });
        let lost = (rest.is_none() && self.handlers.incomplete)
            .then(|| code!(_ => ::core::unimplemented!(),));
        let place = self.args.incoming.as_ref().map_or_else(proc_macro2::Span::mixed_site, at);
        quote_spanned!(place=> match event { #(#arms)* #rest #lost })
    }

    /// `#[error]`, where there is one.
    fn error(&self) -> Option<TokenStream> {
        let rt = &self.rt;
        let handler = self.handlers.error.as_ref().filter(|handler| !handler.broken)?;
        let (call, cfgs) = (self.call(handler, &code!(error)), &handler.cfgs);
        Some(code! {
            #(#cfgs)*
            async fn error(kept: &Self::Kept, session: &mut Self::Session, error: &#rt::Error) -> #rt::Result {
                #call
            }
        })
    }

    /// `#[disconnect]`, which may have the session for itself.
    fn disconnect(&self) -> Option<TokenStream> {
        let rt = &self.rt;
        let handler = self.handlers.disconnect.as_ref().filter(|handler| !handler.broken)?;
        let call = call(handler, |arg: &Arg| match arg.role {
            Role::Extractor => self.clone_of(&arg.ty),
            Role::Session(taken) => session(taken, false),
            _ => code!(reason),
        });
        let call = self.outcome(handler, &call);
        let borrowed =
            handler.args.iter().any(|arg| arg.role == Role::Session(crate::model::Taken::Mutably));
        let session = if borrowed { code!(mut session) } else { code!(session) };
        let cfgs = &handler.cfgs;
        Some(code! {
            #(#cfgs)*
            async fn disconnect(kept: Self::Kept, #session: Self::Session, reason: #rt::CloseReason) -> #rt::Result {
                #call
            }
        })
    }

    /// Extracts everything, connects, and serves.
    fn serve(&self, connect: Option<&Handler>) -> TokenStream {
        let rt = &self.rt;
        let extractions = self
            .kept
            .iter()
            .map(|kept| quote_spanned!(at(kept.ty)=> cx.extract_for_socket().await?,));
        let ty = &self.session;
        let session = match connect {
            Some(handler) => {
                let call = call(handler, |arg: &Arg| {
                    let ty = &arg.ty;
                    match position(
                        self.kept
                            .iter()
                            .filter(|kept| kept.condition.is_none())
                            .map(|kept| kept.ty),
                        ty,
                    ) {
                        Some(_) => self.clone_of(ty),
                        None => code!(cx.extract_for_socket().await?),
                    }
                });
                let place = match &handler.output {
                    ReturnType::Default => at(&handler.ident),
                    ReturnType::Type(_, ty) => at(ty),
                };
                let connected = quote_spanned!(place=> cx.connected::<#ty, _>(outcome)?);
                code!(let outcome = #call; let session = #connected;)
            }
            None => code!(let session = ();),
        };
        code! {
            let kept: <__Handlers as #rt::__private::Handlers>::Kept = (#(#extractions)*);
            #session
            cx.serve::<__Handlers>(session, kept)
        }
    }

    fn implementation(&self) -> TokenStream {
        let rt = &self.rt;
        let connect = self.handlers.connect.as_ref();
        let ident = &self.module.ident;
        let attrs = self.module.attrs.iter().chain(&self.module.inner);
        let (name, docs) = described(self.args, ident, &types::docs(attrs));
        let sound = !connect.is_some_and(|connect| connect.broken);
        let own = connect.filter(|_| sound).into_iter().flat_map(Handler::extractors);
        let implementation = Implementation {
            rt,
            args: self.args,
            marker: code!(Procedure),
            bound: code!(SocketExtractor),
            extractors: distinct(
                self.kept
                    .iter()
                    .filter(|kept| kept.condition.is_none())
                    .map(|kept| kept.ty)
                    .chain(own),
            ),
            conditional: self
                .kept
                .iter()
                .filter(|kept| kept.condition.is_some())
                .map(|kept| &kept.written)
                .collect(),
            info: Some(code!(#rt::__private::ProcedureInfo::ws::<Self>(#name) #docs)),
            call: sound.then(|| self.serve(connect)),
        };
        code!(#implementation)
    }
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
            let name = Ident::new(name, proc_macro2::Span::call_site());
            ty.as_ref().map(|ty| code!(#[doc = #doc] type #name = #ty;))
        });
        let marker = (!check::types_of(module).any(|ident| ident == "Procedure")).then(|| {
            let vis = inside(&module.vis);
            let doc = format!(
                " Stands for `{ident}` in `router![]`, `Io<{ident}::Procedure>` and `App::io`."
            );
            code! {
                #[doc = #doc]
                #vis struct Procedure;
            }
        });
        let written = kept.iter().map(|kept| &kept.written);
        let conditional = kept.iter().filter_map(Kept::alias);
        let place = |ty: &Option<Type>| ty.as_ref().map_or_else(proc_macro2::Span::mixed_site, at);
        let incoming = quote_spanned!(place(&self.args.incoming)=> type Incoming = Incoming;);
        let outgoing = quote_spanned!(place(&self.args.outgoing)=> type Outgoing = Outgoing;);
        let events = code!(#incoming #outgoing);
        let (event, error, disconnect) = (self.event(), self.error(), self.disconnect());
        let implementation = self.implementation();
        tokens.extend(code! {
            #(#aliases)*
            #(#conditional)*
            #marker
            impl #rt::SocketProcedure for Procedure {
                #events
            }
            /// Private, so that the session and the extractors may be.
            struct __Handlers;
            impl #rt::SocketProcedure for __Handlers {
                #events
            }
            impl #rt::__private::Handlers for __Handlers {
                type Session = #session;
                type Kept = (#(#written,)*);
                async fn event(kept: &Self::Kept, session: &mut Self::Session, event: Incoming) -> #rt::Result {
                    #event
                }
                #error
                #disconnect
            }
            #implementation
        });
    }
}

/// What calls the handler, unless an error was reported for it.
fn broken_or(handler: &Handler, body: impl FnOnce() -> TokenStream) -> TokenStream {
    if handler.broken { code!(::core::unimplemented!()) } else { body() }
}
