//! History: the last messages of each room, numbered, so that clients and processes find what they
//! missed.
//!
//! A procedure declares `history(100, "5m")`, and handlers read it by
//! [`Io::history`](crate::Io::history). This module is for those who store or compare positions, and for
//! brokers that keep a history.
//!
//! ```
//! use jstack_runtime::history::Position;
//!
//! let stored: Position = "1f:57".parse()?;
//! assert_eq!(stored.offset(), 57);
//! # Ok::<_, jstack_runtime::history::ParsePositionError>(())
//! ```

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
