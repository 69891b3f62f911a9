//! `Outbound`: the queue of one connection, its limits and its end. The states and invariants are
//! in the page of [`outbound`](crate::outbound).

use std::io::{self, ErrorKind};
use std::sync::OnceLock;

use super::backlog::Backlog;
use super::chunk::{Chunk, Frame};
use super::slots::Slots;
use crate::outbound::push::{Closing, Pushed, QueueLimits, Sheddable};
use crate::outbound::socket::{Socket, shut_down};
use crate::sync::{Mutex, MutexGuard, Notify};

/// The result of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Everything is written.
    Done,
    /// The socket's buffer is full.
    Blocked,
    /// The connection is gone.
    Failed,
}

/// The queue of one connection, and the transport that it is written to.
pub(crate) struct Outbound {
    queue: Mutex<Queue>,
    /// Set once, at the upgrade. Frames that were pushed before wait for it.
    transport: OnceLock<Transport>,
}

/// Who writes the bytes.
enum Transport {
    /// A plain socket: whoever flushes the queue writes to it directly.
    Tcp(Socket),
    /// A task of this connection (TLS, HTTP/2), which this wakes.
    Task(Notify),
}

#[derive(Default)]
struct Queue {
    backlog: Backlog,
    /// Frames that were ever appended, modulo the type.
    appended: u32,
    /// The queue is in a flusher's list or being written, or a task waits for the socket.
    flush_scheduled: bool,
    phase: Phase,
    /// The socket took no more bytes at the last attempt.
    blocked: bool,
    /// The newest frame of each key, while the socket is blocked.
    slots: Option<Box<Slots>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// The last frame is in the queue.
    Closing,
    Closed,
}

impl Outbound {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::default(), transport: OnceLock::new() }
    }

    /// Appends a frame, and never waits. A queue that is full is cut down to the frames of
    /// `closing`.
    #[inline]
    pub(crate) fn push(&self, frame: &Frame<'_>, limits: QueueLimits, closing: Closing) -> Pushed {
        let mut queue = self.queue.lock();
        if queue.phase != Phase::Open || queue.backlog.is_full(frame.bytes.len(), limits) {
            return self.push_to_full(queue, frame, limits, closing);
        }
        queue.append(frame);
        self.schedule_flush(&mut queue)
    }

    #[cold]
    fn push_to_full(
        &self,
        mut queue: MutexGuard<'_, Queue>,
        frame: &Frame<'_>,
        limits: QueueLimits,
        closing: Closing,
    ) -> Pushed {
        if queue.phase != Phase::Open {
            return Pushed::Closed;
        }
        // A burst within one scheduler turn does not make a slow reader: the flusher had no chance
        // to write yet.
        if self.write_now(&mut queue) == Flushed::Failed {
            return Pushed::Failed;
        }
        if queue.backlog.is_full(frame.bytes.len(), limits) {
            queue.drop_unwritten();
            queue.append_closing(closing());
            self.schedule_flush(&mut queue);
            return Pushed::Overflow;
        }
        queue.append(frame);
        self.schedule_flush(&mut queue)
    }

    /// Appends a frame that may be dropped or replaced while the socket is blocked.
    pub(crate) fn push_sheddable(
        &self,
        frame: &Frame<'_>,
        limits: QueueLimits,
        closing: Closing,
        class: &Sheddable<'_>,
    ) -> Pushed {
        let mut queue = self.queue.lock();
        if queue.phase == Phase::Open && !queue.blocked {
            // Full, and blocked perhaps without knowing it: writing decides which.
            if queue.backlog.is_full(frame.bytes.len(), limits)
                && self.write_now(&mut queue) == Flushed::Failed
            {
                return Pushed::Failed;
            }
            if !queue.blocked {
                drop(queue);
                return self.push(frame, limits, closing);
            }
        }
        if queue.phase != Phase::Open {
            return Pushed::Closed;
        }
        match class {
            Sheddable::Volatile => Pushed::Shed(1),
            Sheddable::Latest(key) => {
                match queue.slots.get_or_insert_default().put(key(), frame.shared(), limits) {
                    0 => Pushed::Queued,
                    shed => Pushed::Shed(shed),
                }
            }
        }
    }

    /// Puts a frame before all others, while no transport is attached yet.
    pub(crate) fn push_first(&self, frame: Vec<u8>) {
        let mut queue = self.queue.lock();
        if queue.phase == Phase::Open && self.transport.get().is_none() {
            queue.backlog.prepend(frame);
        }
    }

    /// Drops the frames of which nothing is written yet.
    pub(crate) fn discard(&self) {
        self.queue.lock().drop_unwritten();
    }

    /// Appends the last frames. `None` if a close is in the queue already: the connection keeps
    /// that reason. [`Pushed::Closed`] if the queue is closed.
    pub(crate) fn close(&self, closing: &[u8]) -> Option<Pushed> {
        let mut queue = self.queue.lock();
        match queue.phase {
            Phase::Open => {}
            Phase::Closing => return None,
            Phase::Closed => return Some(Pushed::Closed),
        }
        // The newest frames were pushed before the last one, so they must not go out after it.
        queue.release_slots();
        queue.append_closing(closing);
        Some(self.schedule_flush(&mut queue))
    }

    /// Closes the queue at once and ends the connection in both directions.
    pub(crate) fn kill(&self) {
        let mut queue = self.queue.lock();
        queue.end();
        match self.transport.get() {
            // The reading task then finds the end of the stream.
            Some(Transport::Tcp(io)) => shut_down(io, std::net::Shutdown::Both),
            Some(Transport::Task(wake)) => wake.notify_one(),
            None => {}
        }
    }

    /// Ends the writing direction of the stream. Everything must be written.
    pub(crate) fn end_of_stream(&self) {
        match self.transport.get() {
            Some(Transport::Tcp(io)) => shut_down(io, std::net::Shutdown::Write),
            Some(Transport::Task(_)) => self.kill(),
            None => {}
        }
    }

    /// Connects the queue to a plain socket, and schedules a flush of what was pushed before.
    pub(crate) fn attach_tcp(&self, io: impl Into<Socket>) -> Pushed {
        self.attach(Transport::Tcp(io.into()))
    }

    /// Connects the queue to a writing task, which calls [`Outbound::take`].
    pub(crate) fn attach_task(&self) -> Pushed {
        self.attach(Transport::Task(Notify::new()))
    }

    fn attach(&self, transport: Transport) -> Pushed {
        let mut queue = self.queue.lock();
        let _ = self.transport.set(transport);
        if queue.backlog.bytes() == 0 { Pushed::Queued } else { self.schedule_flush(&mut queue) }
    }

    /// Schedules a flush unless one is scheduled. Returns [`Pushed::Dirty`] if the caller must
    /// pass the connection to the flusher.
    #[inline]
    fn schedule_flush(&self, queue: &mut Queue) -> Pushed {
        if queue.flush_scheduled {
            return Pushed::Queued;
        }
        match self.transport.get() {
            Some(Transport::Tcp(_)) => {
                queue.flush_scheduled = true;
                Pushed::Dirty
            }
            Some(Transport::Task(wake)) => {
                queue.flush_scheduled = true;
                wake.notify_one();
                Pushed::Queued
            }
            None => Pushed::Queued,
        }
    }
}

/// The state of the queue, for the connection's tasks.
impl Outbound {
    /// The number of frames that were ever appended, modulo the type. Two calls show whether a
    /// frame was appended between them.
    pub(crate) fn appended(&self) -> u32 {
        self.queue.lock().appended
    }

    pub(crate) fn is_written_by_a_task(&self) -> bool {
        matches!(self.transport.get(), Some(Transport::Task(_)))
    }

    /// Whether the queue is closed.
    pub(crate) fn is_dead(&self) -> bool {
        self.queue.lock().phase == Phase::Closed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.lock().backlog.bytes() == 0
    }

    /// Bytes that are not written yet.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.lock().backlog.bytes()
    }
}

/// Writing to a plain socket.
impl Outbound {
    /// Writes what the socket takes at once.
    pub(crate) fn flush(&self) -> Flushed {
        let mut queue = self.queue.lock();
        let flushed = self.write_now(&mut queue);
        // The task that waits for a blocked socket counts as a scheduled flush.
        queue.flush_scheduled = flushed == Flushed::Blocked;
        flushed
    }

    fn write_now(&self, queue: &mut Queue) -> Flushed {
        let Some(Transport::Tcp(io)) = self.transport.get() else { return Flushed::Done };
        loop {
            let flushed = queue.write_to(io);
            queue.blocked = flushed == Flushed::Blocked;
            if flushed != Flushed::Done || !queue.release_slots() {
                return flushed;
            }
        }
    }

    /// Waits until the socket takes bytes again.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        match self.transport.get() {
            Some(Transport::Tcp(io)) => io.writable().await,
            _ => Ok(()),
        }
    }
}

/// Writing by a task.
impl Outbound {
    /// Waits for frames and takes them. `None` once the queue is closed.
    ///
    /// The taken bytes count as waiting until [`Outbound::wrote`].
    pub(crate) async fn take(&self) -> Option<Vec<Chunk>> {
        let Some(Transport::Task(wake)) = self.transport.get() else { return None };
        loop {
            {
                let mut queue = self.queue.lock();
                queue.flush_scheduled = false;
                if queue.phase == Phase::Closed {
                    return None;
                }
                let chunks = queue.backlog.take();
                if !chunks.is_empty() {
                    return Some(chunks);
                }
                queue.blocked = false;
                if queue.release_slots() {
                    continue;
                }
            }
            wake.notified().await;
        }
    }

    /// Notes that so much of what was taken is written.
    pub(crate) fn wrote(&self, bytes: usize, frames: usize) {
        self.queue.lock().backlog.note_written(bytes, frames);
    }

    /// Notes that the stream takes no bytes at the moment.
    pub(crate) fn mark_blocked(&self) {
        self.queue.lock().blocked = true;
    }

    /// Takes what waits, as if it were written.
    #[cfg(any(jstack_loom, feature = "fuzzing"))]
    pub(crate) async fn drain(&self) -> Vec<u8> {
        let Some(chunks) = self.take().await else { return Vec::new() };
        let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.bytes().to_vec()).collect();
        self.wrote(bytes.len(), crate::frame::frames_in(&bytes));
        bytes
    }
}

impl Queue {
    #[inline]
    fn append(&mut self, frame: &Frame<'_>) {
        self.appended = self.appended.wrapping_add(1);
        self.backlog.append(frame);
    }

    /// Appends the last frames.
    fn append_closing(&mut self, closing: &[u8]) {
        self.appended = self.appended.wrapping_add(1);
        self.backlog.append_closing(closing);
        self.phase = Phase::Closing;
    }

    /// Moves the frames of the slots to the backlog; `false` if there were none.
    fn release_slots(&mut self) -> bool {
        let Some(slots) = self.slots.take() else { return false };
        for frame in slots.into_frames() {
            self.append(&Frame::new(&*frame));
        }
        true
    }

    fn write_to(&mut self, io: &Socket) -> Flushed {
        while self.backlog.bytes() > 0 {
            let one_piece = self.backlog.is_one_piece();
            match self.backlog.write_to(io) {
                Ok(written) => {
                    let offered = self.backlog.bytes();
                    self.backlog.advance(written);
                    if written < offered && one_piece {
                        // The socket's buffer is full: a second attempt would only say so.
                        return Flushed::Blocked;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.end();
                    return Flushed::Failed;
                }
            }
        }
        if self.phase == Phase::Closed { Flushed::Failed } else { Flushed::Done }
    }

    fn drop_unwritten(&mut self) {
        self.backlog.drop_unwritten();
        self.slots = None;
    }

    fn end(&mut self) {
        self.backlog.clear();
        self.slots = None;
        self.phase = Phase::Closed;
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
