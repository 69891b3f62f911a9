//! What a machine has and the rest of the crate needs.

mod native;

pub(crate) use native::block_on;
