//! `#[procedure(ws, …)]` on an inline module.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Attribute, Meta, ReturnType, Type};

use super::procedure::inside;
use super::{Implementation, at, call, described, distinct, position, session};
use crate::args::{Args, Kind};
use crate::check;
use crate::errors::Errors;
use crate::model::{Arg, Handler, Handlers, Hook, Role};
use crate::module::{Function, Item, Module};
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
    let mut handlers = handlers(&mut module, args, errors);
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
            Some(quote!(#[allow(unused)])),
            items.iter().filter(|item| !is_handler(item)).map(tokens).collect(),
        ),
    };
    let fallback = generated.is_none().then(|| marker(&module, args));
    quote! {
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
        Item::Function(function) => function.to_token_stream(),
        Item::Other(other) => {
            let (attrs, rest) = (&other.attrs, &other.rest);
            quote!(#(#attrs)* #rest)
        }
    }
}

fn is_handler(item: &Item) -> bool {
    matches!(item, Item::Function(function) if function.is_handler)
}

/// Takes our attributes off and reads what they stood on.
fn handlers(module: &mut Module, args: &Args, errors: &mut Errors) -> Handlers {
    let mut handlers = Handlers::default();
    let returned = module.items.iter().find_map(|item| match item {
        Item::Function(function)
            if function.attrs.iter().any(|attr| attr.path().is_ident("connect")) =>
        {
            types::success(&function.sig.output).cloned()
        }
        _ => None,
    });
    for item in &mut module.items {
        let attrs = match item {
            Item::Function(function) => &mut function.attrs,
            Item::Other(other) => &mut other.attrs,
        };
        let (hooks, rest): (Vec<_>, Vec<_>) =
            attrs.drain(..).partition(|attr| Hook::of(attr).is_some());
        *attrs = rest;
        let Some(first) = hooks.first() else {
            if let Item::Other(other) = item
                && let Some(error) = other.unfinished.take()
            {
                errors.add(error);
            }
            continue;
        };
        match item {
            Item::Function(function) => {
                function.is_handler = true;
                add(&mut handlers, function, &hooks, args, returned.as_ref(), errors);
            }
            Item::Other(other) => {
                handlers.incomplete = true;
                match other.unfinished.take() {
                    Some(error) => errors.add(error),
                    None => {
                        let path = first.path();
                        errors.push(
                            first,
                            format!("`#[{}]` goes on an `async fn`", path.to_token_stream()),
                        );
                    }
                }
            }
        }
    }
    handlers
}

/// Reads one handler and puts it where it belongs.
fn add(
    handlers: &mut Handlers,
    function: &Function,
    hooks: &[Attribute],
    args: &Args,
    session: Option<&Type>,
    errors: &mut Errors,
) {
    let Some(hook) = hooks.first().and_then(Hook::of) else { return };
    let mut handler = Handler::new(hook, function, args, session);
    check::handler(&mut handler, function, args, errors);
    for attr in hooks {
        if Hook::of(attr) != Some(hook) {
            let name = hook.name();
            errors.push(
                attr,
                format!(
                    "`{}` has `#[{name}]` already\nhelp: write a function of its own",
                    handler.ident
                ),
            );
            handlers.incomplete = true;
        } else if hook == Hook::On {
            match attr.parse_args::<Ident>() {
                Ok(variant) => handler.variants.push(variant),
                Err(_) => {
                    errors.push(attr, "`#[on]` names one event\nhelp: write `#[on(Message)]` with a variant of the incoming events");
                    handlers.incomplete = true;
                }
            }
        } else if !matches!(attr.meta, Meta::Path(_)) {
            errors.push(attr, format!("`#[{}]` takes no arguments", hook.name()));
        }
    }
    let place = match hook {
        Hook::Connect => &mut handlers.connect,
        Hook::Fallback => &mut handlers.fallback,
        Hook::Error => &mut handlers.error,
        Hook::Disconnect => &mut handlers.disconnect,
        Hook::On | Hook::Procedure(_) => return handlers.events.push(handler),
    };
    match place {
        Some(first) => {
            let (name, first) = (hook.name(), &first.ident);
            errors.push(
                &handler.ident,
                format!(
                    "the module has a `#[{name}]` handler already\nnote: the first one is `{first}`"
                ),
            );
        }
        None => *place = Some(handler),
    }
}

/// The marker alone, so that `router![…]` finds it.
fn marker(module: &Module, args: &Args) -> TokenStream {
    let vis = inside(&module.vis);
    let implementation = Implementation {
        rt: &args.runtime(),
        args,
        marker: quote!(Procedure),
        bound: quote!(SocketExtractor),
        extractors: Vec::new(),
        info: None,
        call: None,
    };
    let taken = check::types_of(module).any(|ident| ident == "Procedure");
    let definition = (!taken).then(|| quote!(#vis struct Procedure;));
    quote!(#definition #implementation)
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
    /// An extractor's type, and under which conditions somebody wants it.
    kept: Vec<&'a Type>,
}

impl<'a> Generated<'a> {
    fn new(
        module: &'a Module,
        handlers: &'a Handlers,
        args: &'a Args,
        own: [bool; 2],
    ) -> Option<Self> {
        let rt = args.runtime();
        let given = |ty: &Option<Type>| ty.as_ref().map(|ty| quote!(#ty));
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
            free("Socket", quote!(#rt::Socket<Procedure>)),
            free("Io", quote!(#rt::Io<Procedure>)),
        ];
        let connect = handlers.connect.as_ref();
        let session = connect.and_then(|connect| types::success(&connect.output));
        let session = session.map_or_else(|| quote!(()), |ty| quote_spanned!(at(ty)=> #ty));
        let kept = distinct(handlers.kept().flat_map(Handler::extractors));
        Some(Self { module, handlers, args, rt, aliases, session, kept })
    }

    /// A clone of what was extracted once.
    fn clone_of(&self, ty: &Type) -> TokenStream {
        let rt = &self.rt;
        let index = syn::Index::from(position(&self.kept, ty).unwrap_or_default());
        quote!(#rt::__private::kept(&kept.#index))
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
                let payload = quote!(payload);
                let body = self.broken_or(handler, || self.call(handler, &payload));
                let pattern = if handler.broken { quote!(_) } else { payload.clone() };
                quote!(#(#cfgs)* Incoming::#variant(#pattern) => #body,)
            })
        });
        let rest = self.handlers.fallback.as_ref().map(|handler| {
            let event = quote!(event);
            let body = self.broken_or(handler, || self.call(handler, &event));
            if handler.broken { quote!(_ => #body,) } else { quote!(event => #body,) }
        });
        let lost = (rest.is_none() && self.handlers.incomplete)
            .then(|| quote!(_ => ::core::unimplemented!(),));
        let place = self.args.incoming.as_ref().map_or_else(proc_macro2::Span::call_site, at);
        quote_spanned!(place=> match event { #(#arms)* #rest #lost })
    }

    fn broken_or(&self, handler: &Handler, body: impl FnOnce() -> TokenStream) -> TokenStream {
        if handler.broken { quote!(::core::unimplemented!()) } else { body() }
    }

    /// `#[error]`, where there is one.
    fn error(&self) -> Option<TokenStream> {
        let rt = &self.rt;
        let handler = self.handlers.error.as_ref().filter(|handler| !handler.broken)?;
        let call = self.call(handler, &quote!(error));
        Some(quote! {
            async fn error(kept: &Self::Kept, session: &mut Self::Session, error: &#rt::Error) {
                let _: #rt::Result = #call;
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
            _ => quote!(reason),
        });
        let call = self.outcome(handler, &call);
        let borrowed =
            handler.args.iter().any(|arg| arg.role == Role::Session(crate::model::Taken::Mutably));
        let session = if borrowed { quote!(mut session) } else { quote!(session) };
        Some(quote! {
            async fn disconnect(kept: Self::Kept, #session: Self::Session, reason: #rt::CloseReason) {
                let _: #rt::Result = #call;
            }
        })
    }

    /// Extracts everything, connects, and serves.
    fn serve(&self, connect: Option<&Handler>) -> TokenStream {
        let extractions = self
            .kept
            .iter()
            .map(|ty| quote_spanned!(at(ty)=> cx.extract_for_socket::<#ty>().await?,));
        let ty = &self.session;
        let session = match connect {
            Some(handler) => {
                let call = call(handler, |arg: &Arg| {
                    let ty = &arg.ty;
                    match position(&self.kept, ty) {
                        Some(_) => self.clone_of(ty),
                        None => quote!(cx.extract_for_socket::<#ty>().await?),
                    }
                });
                let place = match &handler.output {
                    ReturnType::Default => at(&handler.ident),
                    ReturnType::Type(_, ty) => at(ty),
                };
                let connected = quote_spanned!(place=> cx.connected::<#ty, _>(outcome)?);
                quote!(let outcome = #call; let session = #connected;)
            }
            None => quote!(let session = ();),
        };
        quote! {
            let kept = (#(#extractions)*);
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
            marker: quote!(Procedure),
            bound: quote!(SocketExtractor),
            extractors: distinct(self.kept.iter().copied().chain(own)),
            info: Some(quote!(#rt::Info::ws::<Self>(#name) #docs)),
            call: sound.then(|| self.serve(connect)),
        };
        quote!(#implementation)
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
            ty.as_ref().map(|ty| quote!(#[doc = #doc] type #name = #ty;))
        });
        let marker = (!check::types_of(module).any(|ident| ident == "Procedure")).then(|| {
            let vis = inside(&module.vis);
            let doc = format!(
                " Stands for `{ident}` in `router![]`, `Io<{ident}::Procedure>` and `App::io`."
            );
            quote! {
                #[doc = #doc]
                #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
                #vis struct Procedure;
            }
        });
        let (event, error, disconnect) = (self.event(), self.error(), self.disconnect());
        let implementation = self.implementation();
        tokens.extend(quote! {
            #(#aliases)*
            #marker
            impl #rt::Ws for Procedure {
                type Incoming = Incoming;
                type Outgoing = Outgoing;
            }
            /// Private, so that the session and the extractors may be.
            struct __Handlers;
            impl #rt::Ws for __Handlers {
                type Incoming = Incoming;
                type Outgoing = Outgoing;
            }
            impl #rt::Handlers for __Handlers {
                type Session = #session;
                type Kept = (#(#kept,)*);
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
