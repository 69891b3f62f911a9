//! The contract of an application: its procedures as data, and what is written from it:
//! TypeScript, OpenAPI, AsyncAPI.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

mod asyncapi;
mod collect;
mod command;
mod contract;
mod document;
mod files;
mod ids;
mod integers;
mod names;
mod openapi;
mod stock;
mod typescript;
mod walk;

pub(crate) use command::{Command, command};
pub use contract::{
    Contract, ContractError, EventContract, InputContract, OutputContract, ProcedureContract,
};

/// Answers `GET /api/_schema/<file>` in debug builds; `None` for a file that does not exist.
pub(crate) fn route(contract: &Contract, file: &str) -> Option<Response> {
    let (text, content_type) = match file {
        "api.ts" => (contract.typescript(), "text/plain; charset=utf-8"),
        "openapi.json" => (Ok(files::json(&contract.openapi())), "application/json"),
        "asyncapi.json" => (Ok(files::json(&contract.asyncapi())), "application/json"),
        _ => return None,
    };
    Some(match text {
        Ok(text) => ([(header::CONTENT_TYPE, content_type)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    })
}
