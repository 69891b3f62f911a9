//! What was written, as data. Everything keeps the tokens it came from, for their spans.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, FnArg, LitStr, Path, ReturnType, Type};

use crate::args::{Args, Kind};
use crate::keys::runtime;
use crate::module::Function;
use crate::names::Case;
use crate::roles::{self, Place, Role};
use crate::types;

pub(crate) struct Arg {
    pub(crate) ty: Type,
    /// The type as text, by which two are the same.
    pub(crate) text: String,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    Connect,
    On,
    Fallback,
    Error,
    Disconnect,
    Refresh,
    Member,
    /// The function is the procedure.
    Procedure(Kind),
}

impl Hook {
    pub(crate) fn of(attr: &Attribute) -> Option<Self> {
        let all = [
            Self::Connect,
            Self::On,
            Self::Fallback,
            Self::Error,
            Self::Disconnect,
            Self::Refresh,
            Self::Member,
        ];
        all.into_iter().find(|hook| attr.path().is_ident(hook.name()))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::On => "on",
            Self::Fallback => "fallback",
            Self::Error => "error",
            Self::Disconnect => "disconnect",
            Self::Refresh => "refresh",
            Self::Member => "member",
            Self::Procedure(kind) => kind.name(),
        }
    }
}

/// A function that is called with extractors.
pub(crate) struct Handler {
    pub(crate) hook: Hook,
    pub(crate) ident: Ident,
    /// The variants that `#[on]` names.
    pub(crate) variants: Vec<Ident>,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) args: Vec<Arg>,
    pub(crate) output: ReturnType,
    /// An error was reported for it, so nothing calls it.
    pub(crate) broken: bool,
}

impl Handler {
    /// Reads the signature; `session` is what `#[connect]` returns.
    pub(crate) fn new(
        hook: Hook,
        function: &Function,
        args: &Args,
        session: Option<&Type>,
    ) -> Self {
        let types: Vec<&Type> = function
            .sig
            .inputs
            .iter()
            .filter_map(|arg| match arg {
                FnArg::Typed(arg) => Some(&*arg.ty),
                FnArg::Receiver(_) => None,
            })
            .collect();
        let count = types.len();
        let role = |(index, ty): (usize, &&Type)| {
            let place = Place { ty, is_last: index + 1 == count, session };
            Arg { ty: (*ty).clone(), text: types::text(ty), role: roles::role(hook, place, args) }
        };
        Self {
            hook,
            ident: function.sig.ident.clone(),
            variants: Vec::new(),
            cfgs: types::cfgs(&function.attrs),
            args: types.iter().enumerate().map(role).collect(),
            output: function.sig.output.clone(),
            broken: false,
        }
    }

    /// The arguments that are extracted.
    pub(crate) fn extracted(&self) -> impl Iterator<Item = &Arg> {
        self.args.iter().filter(|arg| arg.role == Role::Extractor)
    }
}

/// Whether two ways of writing a type end in the same word with the same arguments.
pub(crate) fn same(a: &Type, b: &Type) -> bool {
    match (types::last_segment(a), types::last_segment(b)) {
        (Some(a), Some(b)) => quote::quote!(#a).to_string() == quote::quote!(#b).to_string(),
        _ => types::text(a) == types::text(b),
    }
}

/// The handlers of one module.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) connect: Option<Handler>,
    pub(crate) events: Vec<Handler>,
    pub(crate) fallback: Option<Handler>,
    pub(crate) error: Option<Handler>,
    pub(crate) disconnect: Option<Handler>,
    pub(crate) refresh: Option<Handler>,
    pub(crate) member: Option<Handler>,
    /// A handler could not be read, so that events may seem to have none.
    pub(crate) incomplete: bool,
}

impl Handlers {
    /// All that run after the upgrade.
    pub(crate) fn all_but_connect(&mut self) -> impl Iterator<Item = &mut Handler> {
        let hooks = [&mut self.fallback, &mut self.error, &mut self.disconnect, &mut self.member];
        self.events.iter_mut().chain(hooks.into_iter().flatten())
    }

    /// Those that share what is extracted once a connection.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Handler> {
        let hooks = [&self.fallback, &self.error, &self.disconnect];
        self.events.iter().chain(hooks.into_iter().flatten()).filter(|handler| !handler.broken)
    }
}

/// One event of `#[derive(Events)]`.
pub(crate) struct Event {
    pub(crate) variant: Ident,
    pub(crate) payload: Type,
    pub(crate) wire: LitStr,
    pub(crate) method: Ident,
    /// `false` where the method would be another one of the emitter: an error was reported.
    pub(crate) emits: bool,
    pub(crate) docs: String,
    pub(crate) cfgs: Vec<Attribute>,
    /// `#[deprecated]`, which its emitter is as well.
    pub(crate) deprecated: Option<Attribute>,
    pub(crate) exchange: Exchange,
}

/// What `#[event(…)]` says beside a name.
#[derive(Default)]
pub(crate) struct Exchange {
    pub(crate) reply: Option<Type>,
    pub(crate) ask: Option<Type>,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) forget: bool,
}

/// The class of delivery.
pub(crate) enum Delivery {
    Volatile,
    Latest,
    /// For each value of a field.
    LatestBy(Ident),
}

/// `#[events(…)]` on the enum.
#[derive(Default)]
pub(crate) struct EventsOptions {
    pub(crate) case: Option<Case>,
    pub(crate) krate: Option<Path>,
}

impl EventsOptions {
    pub(crate) fn runtime(&self) -> TokenStream {
        runtime(self.krate.as_ref())
    }
}
