//! The contract of an application: its procedures as data, and what is written from it:
//! TypeScript, OpenAPI, AsyncAPI.

mod asyncapi;
mod collect;
#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod contract;
mod document;
mod files;
mod openapi;
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
pub(crate) use routes::routes;
pub use safe_integers::ContractError;

pub use crate::events::Delivery;
pub use crate::procedure::Kind;
