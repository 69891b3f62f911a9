//! What crosses the crates. `cargo test` runs all that needs nothing but Rust; the suites below
//! need more, and `./check` installs it and runs them.
//!
//! Beside them, what tests of whole servers share: an application with a chat, and a client that
//! can do everything wrong.

pub mod app;
pub mod attacks;
pub mod client;
pub mod process;
pub mod server;

pub use client::{Client, Frame};
pub use server::Server;

/// Each of these is a line at the end of `cargo test`, so that nobody takes its green for all.
pub mod left_to_check {
    /// ```ignore
    /// run("./check"); // the stock npm client against the chat server (needs Node)
    /// ```
    pub fn stock_client_needs_node_run_check() {}

    /// ```ignore
    /// run("./check"); // two pages in a real browser (needs Chromium)
    /// ```
    pub fn browser_needs_chromium_run_check() {}

    /// ```ignore
    /// run("./check"); // many processes on one Redis, and its outages (needs redis-server)
    /// ```
    pub fn redis_needs_redis_server_run_check() {}

    /// ```ignore
    /// run("./check"); // the generated TypeScript, OpenAPI and AsyncAPI (needs Node)
    /// ```
    pub fn contract_needs_node_run_check() {}
}
