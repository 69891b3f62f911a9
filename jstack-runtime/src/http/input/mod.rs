//! The input of a procedure: what a request carries, and the typed value read from it.

mod body;
mod parse;
mod raw;

pub(crate) use body::{body_text, no_input};
pub(crate) use raw::InputReader;
pub use raw::{RawInput, inputs, optional_inputs};
