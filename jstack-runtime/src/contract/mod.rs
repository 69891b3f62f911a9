//! The contract of an application: its procedures as data, and the TypeScript, OpenAPI and AsyncAPI
//! documents that are written from it.
//!
//! ```
//! # use jstack_runtime::prelude::*;
//! #[procedure(get)]
//! async fn version() -> &'static str { "1.0" }
//!
//! let contract = App::<()>::new().mount("about", router![version]).describe();
//! assert!(contract.typescript()?.contains("version"));
//! # Ok::<_, jstack_runtime::contract::ContractError>(())
//! ```

mod asyncapi;
mod collect;
#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod contract;
mod document;
mod files;
mod openapi;
#[cfg(debug_assertions)]
mod routes;
mod safe_integers;
mod stock_client;
#[cfg(test)]
mod tests;
mod type_ids;
mod type_names;
mod typescript;
mod walk;

pub use contract::{
    Contract, EventContract, HistoryContract, InputContract, OutputContract, PresenceContract,
    ProcedureContract,
};
pub(crate) use files::{difference, json, write};
#[cfg(debug_assertions)]
pub(crate) use routes::routes;
pub use safe_integers::ContractError;

pub use crate::events::Delivery;
pub use crate::procedure::Kind;
