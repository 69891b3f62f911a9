//! The page that `npm run build` makes in `page/`, read from the disk: building the server does not
//! need Node.

use std::path::{Component, Path, PathBuf};

use jstack_runtime::axum::Router;
use jstack_runtime::axum::extract;
use jstack_runtime::axum::http::{StatusCode, header};
use jstack_runtime::axum::response::{IntoResponse, Response};
use jstack_runtime::axum::routing::get;

/// Where the built page is, unless `BOARD_PAGE` says otherwise.
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/page/dist");

const NOT_BUILT: &str = "The page is not built. In the folder of the repository:

    npm ci --prefix clients/js && npm run build --prefix clients/js
    npm ci --prefix examples/board/page && npm run build --prefix examples/board/page

Then load this page again; the server need not restart.
";

pub(crate) fn router() -> Router {
    Router::new().route("/", get(async || serve("index.html").await)).route(
        "/assets/{*path}",
        get(async |extract::Path(path): extract::Path<String>| {
            serve(&format!("assets/{path}")).await
        }),
    )
}

async fn serve(path: &str) -> Response {
    let folder = std::env::var("BOARD_PAGE").unwrap_or_else(|_| BUILT.to_owned());
    let Some(file) = inside(Path::new(&folder), path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (kind, kept) = match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => ("text/html; charset=utf-8", "no-cache"),
        Some("js") => ("text/javascript", "public, max-age=31536000, immutable"),
        Some("css") => ("text/css", "public, max-age=31536000, immutable"),
        _ => ("application/octet-stream", "no-cache"),
    };
    match tokio::fs::read(file).await {
        Ok(bytes) => {
            ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], bytes).into_response()
        }
        Err(_) if path == "index.html" => (StatusCode::NOT_FOUND, NOT_BUILT).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A path below `root`, or nothing if it would lead out of it.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| root.join(path))
}
