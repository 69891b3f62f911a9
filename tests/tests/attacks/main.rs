//! Every known attack, each against a whole server on the loopback.

#![allow(missing_docs, reason = "tests")]

mod config;
mod frames;
mod http;
mod http2;
mod limits;
mod messages;
mod origins;
mod panics;
mod shutdown;
