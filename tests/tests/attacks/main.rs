//! Every known attack, each against a whole server on the loopback.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::large_stack_arrays,
    clippy::many_single_char_names,
    clippy::sliced_string_as_bytes,
    reason = "tests"
)]

mod config;
mod frames;
mod http;
mod http2;
mod ids;
mod limits;
mod messages;
mod origins;
mod panics;
mod processes;
mod promises;
mod shutdown;
mod transports;
