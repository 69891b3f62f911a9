//! Connections as the server accounts for them: what they are doing, and how many there are.

pub(crate) mod activity;
pub(crate) mod admission;
pub(crate) mod bodies;
pub(crate) mod heads;
