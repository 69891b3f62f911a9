//! The pages: the chat's own, which is in the binary, and the React one, once it is built.

use axum::Router;
use axum::response::Html;
use axum::routing::get;

const PAGE: &str = include_str!("../page/index.html");
/// `/` is the page without a build step.
pub(crate) fn router() -> Router {
    Router::new().route("/", get(async || Html(PAGE))).merge(react::router())
}

/// `/react/` is the page on the stock packages. On Workers there are no files: the platform's
/// `assets` would serve it.
#[cfg(target_family = "wasm")]
mod react {
    pub(super) fn router() -> axum::Router {
        axum::Router::new()
    }
}

#[cfg(not(target_family = "wasm"))]
mod react;
