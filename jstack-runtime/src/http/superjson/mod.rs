//! superjson: JSON with the types that JSON lacks, as the stock client writes and reads it.

mod header;
mod read;
mod write;

pub(crate) use header::IS_SUPERJSON;
#[cfg(feature = "fuzzing")]
pub use read::superjson;
#[cfg(test)]
pub(crate) use read::tests;
pub(crate) use read::{Superjson, read};
pub(crate) use write::write;
