//! What is extracted once a connection, and cloned for each event.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident};
use syn::{Index, Type};

use crate::model::{Arg, Handlers};

/// The extractors of all handlers but `#[connect]`, each type once.
pub(super) struct KeptExtractors<'a> {
    pub(super) list: Vec<Kept<'a>>,
    /// The place of a type, by its text.
    places: HashMap<&'a str, usize>,
}

/// One of them.
pub(super) struct Kept<'a> {
    pub(super) ty: &'a Type,
    /// The type as generated code writes it: by an alias where it is conditional.
    pub(super) written: TokenStream,
    /// When it exists; always, if there is no condition.
    pub(super) condition: Option<TokenStream>,
}

/// A type, and the conditions of the handlers that name it; `None` if one has no condition.
type Named<'a> = (&'a Type, Option<Vec<TokenStream>>);

impl<'a> KeptExtractors<'a> {
    pub(super) fn of(handlers: &'a Handlers) -> Self {
        let mut places = HashMap::new();
        let mut named: Vec<Named<'a>> = Vec::new();
        for handler in handlers.kept() {
            let predicates =
                handler.cfgs.iter().filter_map(|cfg| cfg.parse_args::<TokenStream>().ok());
            let condition = (!handler.cfgs.is_empty()).then(|| code!(all(#(#predicates),*)));
            for arg in handler.extracted() {
                let place = *places.entry(&*arg.text).or_insert(named.len());
                if place == named.len() {
                    named.push((&arg.ty, Some(Vec::new())));
                }
                match (&condition, &mut named[place].1) {
                    (Some(condition), Some(conditions)) => conditions.push(condition.clone()),
                    (_, conditions) => *conditions = None,
                }
            }
        }
        let list = named.into_iter().enumerate().map(|(index, named)| Kept::new(index, named));
        Self { list: list.collect(), places }
    }

    /// The field of the tuple that has an argument's extractor.
    pub(super) fn field(&self, arg: &Arg) -> Option<Index> {
        self.places.get(&*arg.text).map(|place| Index::from(*place))
    }

    /// The same, if it exists whatever is configured.
    pub(super) fn sure_field(&self, arg: &Arg) -> Option<Index> {
        let place = *self.places.get(&*arg.text)?;
        self.list[place].condition.is_none().then(|| Index::from(place))
    }
}

impl<'a> Kept<'a> {
    fn new(index: usize, (ty, conditions): Named<'a>) -> Self {
        let condition = conditions.map(|all| code!(any(#(#all),*)));
        let written = match condition {
            Some(_) => format_ident!("__Kept{index}").into_token_stream(),
            None => ty.to_token_stream(),
        };
        Self { ty, written, condition }
    }

    /// The alias, which is `()` if the condition is false.
    pub(super) fn alias(&self) -> Option<TokenStream> {
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
