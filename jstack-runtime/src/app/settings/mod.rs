//! Settings: what code sets, what the environment sets, and the defaults of the rest.

#[cfg(not(target_family = "wasm"))]
mod address;
mod admin;
mod broker;
#[cfg(not(target_family = "wasm"))]
mod dotenv;
mod environment;
mod report;
mod resolve;
mod setting;
mod unknown;
mod values;
mod variables;
#[cfg(any(target_family = "wasm", test))]
mod workers;

#[cfg(not(target_family = "wasm"))]
pub(crate) use address::Address;
pub(crate) use admin::AdminToken;
pub(crate) use broker::choose;
#[cfg(feature = "redis")]
pub(crate) use broker::prefix;
pub(crate) use environment::Environment;
#[cfg(feature = "redis")]
pub(crate) use resolve::name;
pub(crate) use resolve::{Overrides, Settings};
pub(crate) use setting::{CODE, Setting};
