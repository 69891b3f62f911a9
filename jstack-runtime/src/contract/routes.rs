//! The routes of debug builds that serve the contract.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::{StatusCode, header};

use super::contract::Contract;
use super::files;

/// The routes of debug builds: `GET /api/_schema/` with `api.ts`, `api.stock.ts`, `openapi.json`,
/// `asyncapi.json` or `contract.json`.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(contract: Contract) -> MethodRouter<S> {
    let contract = Arc::new(contract);
    get(async move |Path(file): Path<String>| {
        route(&contract, &file)
            .unwrap_or_else(|| (StatusCode::NOT_FOUND, "404 Not Found").into_response())
    })
}

/// One of the files; `None` for another name.
pub(super) fn route(contract: &Contract, file: &str) -> Option<Response> {
    let (text, content_type) = match file {
        "api.ts" => (contract.typescript(), "text/plain; charset=utf-8"),
        "api.stock.ts" => (contract.stock_typescript(), "text/plain; charset=utf-8"),
        "openapi.json" => (Ok(files::json(&contract.openapi())), "application/json"),
        "asyncapi.json" => (Ok(files::json(&contract.asyncapi())), "application/json"),
        "contract.json" => (Ok(files::json(&contract.json())), "application/json"),
        _ => return None,
    };
    Some(match text {
        Ok(text) => ([(header::CONTENT_TYPE, content_type)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    })
}
