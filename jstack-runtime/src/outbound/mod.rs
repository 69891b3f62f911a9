//! What waits to be written to one connection, and who writes it.
//!
//! Publishers append to the members' queues and go on. A flusher then makes one write for each
//! connection that has something to say, however many messages were appended meanwhile: nothing
//! wakes up for a single delivery. On Workers the runtime has the queue, and a push is a send.

#[cfg(not(target_family = "wasm"))]
mod buffers;
#[cfg(not(target_family = "wasm"))]
mod flusher;
#[cfg(all(test, jstack_loom))]
mod loom;
mod push;
#[cfg(not(target_family = "wasm"))]
mod queue;
#[cfg(not(target_family = "wasm"))]
mod socket;
#[cfg(target_family = "wasm")]
mod workers;
mod writable;
#[cfg(not(target_family = "wasm"))]
mod writer;

#[cfg(not(target_family = "wasm"))]
pub(crate) use flusher::{Flusher, note_read};
pub(crate) use push::{Pushed, QueueLimits, Sheddable};
#[cfg(not(target_family = "wasm"))]
pub(crate) use queue::{Flushed, Frame, Outbound};
#[cfg(target_family = "wasm")]
pub(crate) use workers::{Flusher, Frame, Outbound};
pub(crate) use writable::{Writable, WriteFailure};
#[cfg(not(target_family = "wasm"))]
pub(crate) use writer::write_queue;
