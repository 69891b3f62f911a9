//! What waits to be written to one connection, and who writes it.
//!
//! Publishers append to the members' queues and go on. A flusher then makes one write for each
//! connection that has something to say, however many messages were appended meanwhile: nothing
//! wakes up for a single delivery.

mod buffers;
mod flusher;
#[cfg(all(test, jstack_loom))]
mod loom;
mod queue;
mod socket;
mod writable;
mod writer;

pub(crate) use flusher::Flusher;
pub(crate) use queue::{Flushed, Frame, Outbound, Pushed, QueueLimits, Sheddable};
pub(crate) use writable::{Writable, WriteFailure};
pub(crate) use writer::write_queue;
