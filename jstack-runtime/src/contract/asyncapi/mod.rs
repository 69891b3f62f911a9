//! AsyncAPI 3.0 for WebSockets.

mod document;
mod history;
mod messages;
mod operations;
mod presence;
mod profile_v1;
