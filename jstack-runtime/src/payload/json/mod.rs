//! JSON out: what `serde_json` writes, byte for byte, in fewer instructions.

#[cfg(test)]
mod tests;
mod text;
mod writer;

pub(crate) use writer::write;
