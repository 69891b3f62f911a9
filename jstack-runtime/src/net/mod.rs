//! Connections as the server accounts for them: their activity, their number and their clients.

#[cfg(not(target_family = "wasm"))]
pub(crate) mod activity;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod admission;
pub(crate) mod bodies;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod heads;
mod proxies;

pub(crate) use proxies::Proxies;
