//! What waits to be written to one connection, and who writes it.
//!
//! Publishers append to the members' queues and go on. A flusher then makes one write for each
//! connection that has something to say, however many messages were appended meanwhile: nothing
//! wakes up for a single delivery.

mod buffers;
#[cfg(not(target_family = "wasm"))]
mod flusher;
#[cfg(all(test, jstack_loom))]
mod loom;
mod queue;
#[cfg(not(target_family = "wasm"))]
mod socket;
#[cfg(target_family = "wasm")]
mod workers;
mod writable;
#[cfg(not(target_family = "wasm"))]
mod writer;

#[cfg(not(target_family = "wasm"))]
pub(crate) use flusher::Flusher;
pub(crate) use queue::{Flushed, Frame, Outbound, Pushed, QueueLimits, Sheddable};
#[cfg(target_family = "wasm")]
use workers as socket;
#[cfg(target_family = "wasm")]
pub(crate) use workers::Flusher;
pub(crate) use writable::{Writable, WriteFailure};
#[cfg(not(target_family = "wasm"))]
pub(crate) use writer::write_queue;
