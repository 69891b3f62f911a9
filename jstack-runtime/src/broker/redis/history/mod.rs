//! History in Redis: a list and a hash for each room, which scripts keep.

#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod history;
mod page;
mod script;
mod server;

pub(super) use history::RedisHistory;
pub(super) use script::{APPEND, fresh_epoch};
pub(super) use server::ServerLink;
