//! A chat: rooms, who is here and who is typing, and what was said before.
//!
//! `cargo run -p chat`, then open <http://127.0.0.1:8080> in two tabs.
//! `cargo run -p chat -- help` lists what else it does: its types, its documents.
//!
//! It runs on Cloudflare Workers as well: `npx wrangler dev` in this folder
//! (docs/cloudflare-workers.md). Lines with `cfg(target_family = "wasm")` are what differs.

mod pages;
mod post;
#[cfg(test)]
mod tests;

use jstack_runtime::prelude::*;

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    // On Workers the log is the console.
    #[cfg(not(target_family = "wasm"))]
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        // What the other commands write goes to the standard output.
        .with_writer(std::io::stderr)
        .init();
    App::new().mount("post", post::router()).merge(pages::router()).run().await
}
