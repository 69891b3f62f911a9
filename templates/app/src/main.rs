//! The server: procedures below `/api`, and the page that `web/` builds.

mod chat;

use jstack_runtime::axum;
use jstack_runtime::prelude::*;
use tower_http::services::{ServeDir, ServeFile};
use tracing_subscriber::EnvFilter;

/// The procedures. Each router has a name: `client.post.chat` in the page is `/api/post/chat`.
fn app() -> App {
    App::new().mount("post", chat::router()).with_state(chat::History::default())
}

/// The page. Paths without a file get the page too, for a router in the browser.
fn page() -> axum::Router {
    let folder = std::env::var("WEB").unwrap_or_else(|_| "web/dist".to_owned());
    let index = ServeFile::new(format!("{folder}/index.html"));
    axum::Router::new().fallback_service(ServeDir::new(folder).fallback(index))
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        // What other commands print, as `types`, goes to the standard output.
        .with_writer(std::io::stderr)
        .init();
    app().merge(page()).run().await
}
