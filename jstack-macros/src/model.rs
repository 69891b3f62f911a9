//! What was written, as data. Everything keeps the tokens it came from, for their spans.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, FnArg, LitStr, Path, ReturnType, Type};

use crate::args::{Args, Kind, runtime};
use crate::module::Function;
use crate::names::Case;
use crate::types;

/// How a handler's argument is filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Extractor,
    /// What `#[connect]` returned, the way the argument takes it.
    Session(Taken),
    /// The event's payload, the procedure's input, the error, the event: what comes last.
    Last,
    /// What should come last, borrowed where it comes by value.
    Borrowed,
    /// `Option<…>` of the input.
    OptionalInput,
    Receiver,
    Reason,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Mutably,
    Shared,
    ByValue,
}

pub(crate) struct Arg {
    pub(crate) ty: Type,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    Connect,
    On,
    Fallback,
    Error,
    Disconnect,
    /// The function is the procedure.
    Procedure(Kind),
}

impl Hook {
    pub(crate) fn of(attr: &Attribute) -> Option<Self> {
        let all = [Self::Connect, Self::On, Self::Fallback, Self::Error, Self::Disconnect];
        all.into_iter().find(|hook| attr.path().is_ident(hook.name()))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::On => "on",
            Self::Fallback => "fallback",
            Self::Error => "error",
            Self::Disconnect => "disconnect",
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
    /// Reads the signature; `last` says that the last argument is no extractor.
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
            let last = index + 1 == count;
            Arg { ty: (*ty).clone(), role: role(hook, ty, last, args, session) }
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

    pub(crate) fn extractors(&self) -> impl Iterator<Item = &Type> {
        self.args.iter().filter(|arg| arg.role == Role::Extractor).map(|arg| &arg.ty)
    }
}

fn role(hook: Hook, ty: &Type, last: bool, args: &Args, session: Option<&Type>) -> Role {
    let reference = match types::plain(ty) {
        Type::Reference(reference) => Some(reference),
        _ => None,
    };
    match (hook, reference) {
        (Hook::On | Hook::Fallback, None) | (Hook::Error, Some(_)) if last && !is_mutable(ty) => {
            return Role::Last;
        }
        (Hook::On | Hook::Fallback, Some(reference))
            if last
                && reference.mutability.is_none()
                && !session.is_some_and(|session| same(session, &reference.elem)) =>
        {
            return Role::Borrowed;
        }
        (Hook::Procedure(kind), Some(_)) if last && kind != Kind::Ws && args.input.is_some() => {
            return Role::Borrowed;
        }
        (Hook::Procedure(Kind::Ws), None) if types::is(ty, "Receiver") => return Role::Receiver,
        (Hook::Procedure(_), None) if last && args.input.is_some() => {
            let written =
                args.input.as_ref().is_some_and(|input| types::text(input) == types::text(ty));
            return if types::is(ty, "Option") && !written {
                Role::OptionalInput
            } else {
                Role::Last
            };
        }
        (Hook::Disconnect, None) if types::is(ty, "CloseReason") => return Role::Reason,
        (Hook::Disconnect, None) if session.is_some_and(|session| same(session, ty)) => {
            return Role::Session(Taken::ByValue);
        }
        _ => {}
    }
    match reference {
        Some(reference)
            if hook != Hook::Connect
                && !matches!(hook, Hook::Procedure(_))
                && !is_str(&reference.elem) =>
        {
            Role::Session(if reference.mutability.is_some() {
                Taken::Mutably
            } else {
                Taken::Shared
            })
        }
        _ => Role::Extractor,
    }
}

fn is_mutable(ty: &Type) -> bool {
    matches!(types::plain(ty), Type::Reference(reference) if reference.mutability.is_some())
}

fn is_str(ty: &Type) -> bool {
    types::is(ty, "str")
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
    /// A handler could not be read, so that events may seem to have none.
    pub(crate) incomplete: bool,
}

impl Handlers {
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
    pub(crate) docs: String,
    pub(crate) cfgs: Vec<Attribute>,
    /// `#[deprecated]`, which its emitter is as well.
    pub(crate) deprecated: Option<Attribute>,
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
