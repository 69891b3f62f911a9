//! Connections as the server accounts for them: what they are doing, how many there are, and who
//! they come from.

#[cfg(not(target_family = "wasm"))]
pub(crate) mod activity;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod admission;
pub(crate) mod bodies;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod heads;
mod proxies;

pub(crate) use proxies::Proxies;
