//! JSON in fewer instructions: written as `serde_json` writes it, byte for byte, and read as it reads it.

mod reader;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub(crate) use reader::read;
pub(crate) use writer::write;
