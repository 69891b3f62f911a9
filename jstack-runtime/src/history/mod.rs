//! History: the last messages of each room, numbered, so that clients and processes find what they
//! missed.

#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod history;
mod log;
mod memory;
mod page;
pub(crate) mod position;

pub use history::{History, Reading};
pub use memory::MemoryHistory;
pub use page::{Entry, GapReason, Page, PageLimit};
pub use position::{Epoch, Keep, ParsePositionError, Position};
