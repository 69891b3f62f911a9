//! AsyncAPI 3.0 for WebSockets.

mod document;
mod messages;
mod operations;
mod presence;
mod profile_v1;
