//! A board for several people: cursors, comments, who is here, and a sign-in that expires.
//!
//! The page is React on the npm client `jstack-rs`; `README.md` says how to build it. Then
//! `cargo run -p board`, and open <http://127.0.0.1:8080> in two windows.

mod auth;
mod live;
mod page;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jstack_runtime::prelude::*;

use crate::auth::Tokens;

/// How long a token is valid: short, so that you can watch the page renew it.
const LIFETIME: Duration = Duration::from_secs(60);

fn app(lifetime: Duration) -> App {
    App::new()
        .mount("auth", auth::router())
        .mount("live", live::router())
        .with_state(Tokens::new(lifetime))
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        // What the other commands write goes to the standard output.
        .with_writer(std::io::stderr)
        .init();
    let lifetime = match std::env::var("BOARD_TOKEN_SECONDS") {
        Ok(seconds) => Duration::from_secs(seconds.parse()?),
        Err(_) => LIFETIME,
    };
    app(lifetime).merge(page::router()).run().await
}
