//! `/react/`: the page on the stock packages, once it is built.

use std::path::{Component, Path, PathBuf};

use axum::Router;
use axum::extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What `npm run build` in `examples/chat-react` makes.
const REACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../chat-react/dist");

pub(super) fn router() -> Router {
    Router::new().route("/react/", get(async || react("index.html").await)).route(
        "/react/{*path}",
        get(async |extract::Path(path): extract::Path<String>| react(&path).await),
    )
}

async fn react(path: &str) -> Response {
    let Some(file) = inside(Path::new(REACT), path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match file.extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    match tokio::task::spawn_blocking(move || std::fs::read(file)).await {
        Ok(Ok(bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        _ => (
            StatusCode::NOT_FOUND,
            "this page is built by `npm ci && npm run build` in examples/chat-react",
        )
            .into_response(),
    }
}

/// A path below `root`, or nothing if it would lead out of it.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    path.components().all(|c| matches!(c, Component::Normal(_))).then(|| root.join(path))
}
