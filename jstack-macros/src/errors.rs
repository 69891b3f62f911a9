//! The collector of errors: every rule reports here, so that one build shows all mistakes.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors found so far. Whoever makes one must turn it into tokens in the end.
#[derive(Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
    reported: bool,
}

impl Errors {
    /// Adds one that points at `tokens`.
    pub(crate) fn push(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.found.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds one that the parser made.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    /// The value, or nothing with the error kept.
    pub(crate) fn ok<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Their number, so that a caller can see whether a rule found something.
    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// One `compile_error!` for each.
    pub(crate) fn into_tokens(mut self) -> TokenStream {
        self.reported = true;
        self.found.iter().map(syn::Error::to_compile_error).collect()
    }
}

impl Drop for Errors {
    #[allow(
        clippy::panic,
        clippy::manual_assert,
        reason = "an unreported error is a bug in this crate, seen by its tests"
    )]
    fn drop(&mut self) {
        if !self.reported && !std::thread::panicking() {
            panic!("errors were collected and never reported");
        }
    }
}
