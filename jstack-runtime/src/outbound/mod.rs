//! The outbound side of a connection: its queue, and who writes it.
//!
//! Publishers append frames to the queues of a room's members and continue. They do not write, and
//! never wait for a client. A flusher then writes each queue once per scheduler turn, however many
//! frames were appended. No task wakes up for a single delivery.
//!
//! ```text
//!  plain socket:
//!    publisher ─ push ─► Outbound ─ Dirty ─► flusher's list ─ wake ─► flushing task ─ flush ─► socket
//!                                                                        │  Blocked: a task waits for
//!                                                                        │  the socket, then flushes
//!                                                                        └  Failed: cut_off
//!  TLS, HTTP/2:
//!    publisher ─ push ─► Outbound ─ wake ─► write_queue, a task of the connection ─► stream
//! ```
//!
//! # States of a queue
//!
//! ```text
//!    Open ── close, or the queue is too full ──► Closing ──┐ kill, or the socket fails
//!      └───────── kill, or the socket fails ───────────────┴──► Closed
//! ```
//!
//! - **Open** takes frames.
//! - **Closing** has its last frame, and takes no other. What waits is still written.
//! - **Closed** is empty, and is never written again.
//!
//! # Invariants
//!
//! 1. If bytes wait and a transport is attached, a flush is scheduled. The flag changes only under
//!    the queue's lock, so one push of many returns [`Pushed::Dirty`], and one task flushes.
//! 2. A frame that is written in part is never dropped: the stream stays a sequence of whole frames.
//! 3. Slots fill only while the socket is blocked. They are moved to the queue when it is empty, or
//!    before its last frame.
//! 4. Nothing is written after the last frame.
//!
//! # Lock order
//!
//! The lock of a queue and the lock of a flusher's list are the innermost of the crate. Neither is
//! taken while the other is held, and nothing is awaited under them. `loom.rs` checks the hand-over
//! between them in all orders of the threads.
//!
//! # On Workers
//!
//! The runtime has the queue: a push is a send, and the flusher does nothing (`workers.rs`).

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
