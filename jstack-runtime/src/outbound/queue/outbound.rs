//! One connection's outbound queue, limited in bytes and frames.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::OnceLock;

use super::chunk::{Chunk, Frame};
use super::slots::Slots;
use crate::frame::{frame_length, frames_in};
use crate::outbound::buffers;
use crate::outbound::push::{Closing, Pushed, QueueLimits, Sheddable};
use crate::outbound::socket::{Socket, shut_down};
use crate::sync::{Mutex, MutexGuard, Notify};

/// A frame longer than this is shared by all queues; a shorter one is cheaper to copy.
const SHARED_FROM: usize = 4 * 1024;
/// The most pieces handed to one vectored write.
const PIECES: usize = 64;

/// What became of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Everything is written.
    Done,
    /// The reader takes nothing more for now.
    Blocked,
    /// The connection is gone.
    Failed,
}

/// A connection's way out.
pub(crate) struct Outbound {
    queue: Mutex<Queue>,
    transport: OnceLock<Transport>,
}

/// How bytes leave.
enum Transport {
    /// A plain socket, which the flusher writes to without asking anybody.
    Tcp(Socket),
    /// A task of the connection's own (TLS, HTTP/2), which is woken.
    Task(Notify),
}

#[derive(Default)]
struct Queue {
    /// Large frames and what came before them; nearly always empty.
    front: VecDeque<Chunk>,
    /// Frames behind `front`, one after the other.
    tail: Vec<u8>,
    /// Bytes of the first chunk that are written already.
    written: usize,
    bytes: usize,
    frames: usize,
    /// Frames that were ever appended, modulo the type.
    appended: u32,
    /// Whether a flush is scheduled: the queue is in the flusher's list, or a task waits for the reader.
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

    /// Appends a frame. It never waits; a queue that is full is the reader's fault and becomes
    /// `closing`, the frame that says so.
    #[inline]
    pub(crate) fn push(&self, frame: &Frame<'_>, limits: QueueLimits, closing: Closing) -> Pushed {
        let mut queue = self.queue.lock();
        if queue.phase != Phase::Open || queue.is_full(frame.bytes.len(), limits) {
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
        // A burst within one scheduler turn is not a slow reader.
        if self.write_now(&mut queue) == Flushed::Failed {
            return Pushed::Failed;
        }
        if queue.is_full(frame.bytes.len(), limits) {
            queue.drop_backlog();
            let closing = Frame::new(closing());
            queue.append(&closing);
            // A `$bye` may precede the close frame.
            queue.frames += frames_in(&closing.bytes) - 1;
            queue.phase = Phase::Closing;
            self.schedule_flush(&mut queue);
            return Pushed::Overflow;
        }
        queue.append(frame);
        self.schedule_flush(&mut queue)
    }

    /// Appends a frame that may be given up while the socket takes no bytes.
    pub(crate) fn push_sheddable(
        &self,
        frame: &Frame<'_>,
        limits: QueueLimits,
        closing: Closing,
        class: &Sheddable<'_>,
    ) -> Pushed {
        let mut queue = self.queue.lock();
        if queue.phase == Phase::Open && !queue.blocked {
            if queue.is_full(frame.bytes.len(), limits) {
                // A burst within one scheduler turn is not a slow reader.
                if self.write_now(&mut queue) == Flushed::Failed {
                    return Pushed::Failed;
                }
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

    /// Puts a frame before all others, while no socket is attached yet.
    pub(crate) fn push_first(&self, frame: Vec<u8>) {
        let mut queue = self.queue.lock();
        if queue.phase == Phase::Open && self.transport.get().is_none() {
            queue.bytes += frame.len();
            queue.frames += 1;
            queue.front.push_front(Chunk::Gathered(frame));
        }
    }

    /// Drops what waits.
    pub(crate) fn discard(&self) {
        self.queue.lock().drop_backlog();
    }

    /// How many frames were appended so far, to see whether any were since the last look.
    pub(crate) fn appended(&self) -> u32 {
        self.queue.lock().appended
    }

    /// For the writing task: the socket takes no bytes at the moment.
    pub(crate) fn mark_blocked(&self) {
        self.queue.lock().blocked = true;
    }

    /// Appends the last frame. `None` if another last frame is in the queue, whose reason is the
    /// connection's; [`Pushed::Closed`] if nothing goes out any more.
    pub(crate) fn close(&self, closing: &[u8]) -> Option<Pushed> {
        let mut queue = self.queue.lock();
        match queue.phase {
            Phase::Open => {}
            Phase::Closing => return None,
            Phase::Closed => return Some(Pushed::Closed),
        }
        queue.append(&Frame::new(closing));
        queue.phase = Phase::Closing;
        Some(self.schedule_flush(&mut queue))
    }

    /// Drops what waits and ends the connection in both directions.
    pub(crate) fn kill(&self) {
        let mut queue = self.queue.lock();
        queue.end();
        match self.transport.get() {
            // The reading task finds the end of the stream. A socket that is gone already does
            // not mind.
            Some(Transport::Tcp(io)) => shut_down(io, std::net::Shutdown::Both),
            Some(Transport::Task(wake)) => wake.notify_one(),
            None => {}
        }
    }

    /// Ends our half of the stream, once everything is written.
    pub(crate) fn end_of_stream(&self) {
        match self.transport.get() {
            Some(Transport::Tcp(io)) => shut_down(io, std::net::Shutdown::Write),
            Some(Transport::Task(_)) => self.kill(),
            None => {}
        }
    }

    /// Whether a task of the connection's own writes it.
    pub(crate) fn is_written_by_a_task(&self) -> bool {
        matches!(self.transport.get(), Some(Transport::Task(_)))
    }

    /// Whether nothing goes out any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.queue.lock().phase == Phase::Closed
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.lock().bytes == 0
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.lock().bytes
    }

    /// Connects the queue to a plain socket; what was pushed before goes out first.
    pub(crate) fn attach_tcp(&self, io: impl Into<Socket>) -> Pushed {
        self.attach(Transport::Tcp(io.into()))
    }

    /// Connects the queue to a writing task, which waits for [`Outbound::wake`].
    pub(crate) fn attach_task(&self) -> Pushed {
        self.attach(Transport::Task(Notify::new()))
    }

    fn attach(&self, transport: Transport) -> Pushed {
        let mut queue = self.queue.lock();
        let _ = self.transport.set(transport);
        if queue.bytes == 0 { Pushed::Queued } else { self.schedule_flush(&mut queue) }
    }

    /// Schedules a flush unless one is scheduled, and says whether the caller must pass it on.
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

    /// Writes what waits, without waiting itself.
    pub(crate) fn flush(&self) -> Flushed {
        let mut queue = self.queue.lock();
        let flushed = self.write_now(&mut queue);
        // When blocked, the task that waits for the reader counts as a scheduled flush.
        queue.flush_scheduled = flushed == Flushed::Blocked;
        flushed
    }

    fn write_now(&self, queue: &mut MutexGuard<'_, Queue>) -> Flushed {
        if !matches!(self.transport.get(), Some(Transport::Tcp(_))) {
            return Flushed::Done;
        }
        loop {
            let flushed = self.write_waiting(queue);
            queue.blocked = flushed == Flushed::Blocked;
            if flushed != Flushed::Done || !queue.release_slots() {
                return flushed;
            }
        }
    }

    fn write_waiting(&self, queue: &mut MutexGuard<'_, Queue>) -> Flushed {
        let Some(Transport::Tcp(io)) = self.transport.get() else { return Flushed::Done };
        while queue.bytes > 0 {
            match queue.write_to(io) {
                Ok(written) => {
                    let all = queue.bytes;
                    queue.advance(written);
                    if written < all && queue.front.is_empty() {
                        // The socket's buffer is full: asking again would only say so.
                        return Flushed::Blocked;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    queue.end();
                    return Flushed::Failed;
                }
            }
        }
        if queue.phase == Phase::Closed { Flushed::Failed } else { Flushed::Done }
    }

    /// Waits until the socket takes bytes again.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        match self.transport.get() {
            Some(Transport::Tcp(io)) => io.writable().await,
            _ => Ok(()),
        }
    }

    /// For the writing task: waits for something to write and takes it, or `None` at the end.
    pub(crate) async fn take(&self) -> Option<Vec<Chunk>> {
        let Some(Transport::Task(wake)) = self.transport.get() else { return None };
        loop {
            {
                let mut queue = self.queue.lock();
                queue.flush_scheduled = false;
                if queue.phase == Phase::Closed {
                    return None;
                }
                let mut chunks: Vec<_> = queue.front.drain(..).collect();
                if !queue.tail.is_empty() {
                    chunks.push(Chunk::Gathered(std::mem::take(&mut queue.tail)));
                }
                if !chunks.is_empty() {
                    return Some(chunks);
                }
                // All is written: what was only kept in its newest form goes out now.
                queue.blocked = false;
                if queue.release_slots() {
                    continue;
                }
            }
            wake.notified().await;
        }
    }

    /// For the writing task: so much of what it took is written.
    pub(crate) fn wrote(&self, bytes: usize, frames: usize) {
        let mut queue = self.queue.lock();
        // A queue that was killed meanwhile counts nothing any more.
        queue.bytes = queue.bytes.saturating_sub(bytes);
        queue.frames = queue.frames.saturating_sub(frames);
    }

    /// Takes what waits, as if it were written.
    #[cfg(any(jstack_loom, feature = "fuzzing"))]
    pub(crate) async fn drain(&self) -> Vec<u8> {
        let Some(chunks) = self.take().await else { return Vec::new() };
        let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.bytes().to_vec()).collect();
        self.wrote(bytes.len(), frames_in(&bytes));
        bytes
    }
}

impl Queue {
    fn is_full(&self, more: usize, limits: QueueLimits) -> bool {
        self.bytes.saturating_add(more) > limits.bytes || self.frames >= limits.frames
    }

    /// Moves the slots behind the queue; `false` if there were none.
    fn release_slots(&mut self) -> bool {
        let Some(slots) = self.slots.take() else { return false };
        for frame in slots.into_frames() {
            self.append(&Frame::new(&*frame));
        }
        true
    }

    #[inline]
    fn append(&mut self, frame: &Frame<'_>) {
        let bytes = &*frame.bytes;
        self.bytes += bytes.len();
        self.frames += 1;
        self.appended = self.appended.wrapping_add(1);
        if bytes.len() > SHARED_FROM {
            return self.append_shared(frame);
        }
        if self.tail.capacity() == 0 {
            self.tail = buffers::take();
        }
        self.tail.extend_from_slice(bytes);
    }

    #[cold]
    fn append_shared(&mut self, frame: &Frame<'_>) {
        if !self.tail.is_empty() {
            let tail = std::mem::take(&mut self.tail);
            self.front.push_back(Chunk::Gathered(tail));
        }
        self.front.push_back(Chunk::Shared(frame.shared()));
    }

    fn write_to(&self, io: &Socket) -> io::Result<usize> {
        if self.front.is_empty() {
            return io.try_write(&self.tail[self.written..]);
        }
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let chunks = self.front.iter().map(Chunk::bytes).chain([&self.tail[..]]);
        let mut count = 0;
        for (piece, bytes) in pieces.iter_mut().zip(chunks) {
            *piece = IoSlice::new(if count == 0 { &bytes[self.written..] } else { bytes });
            count += 1;
        }
        io.try_write_vectored(&pieces[..count])
    }

    /// Takes `written` bytes off the front, whole frames at a time, so that what remains starts
    /// with a frame's header and can still be counted.
    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        if self.bytes == 0 {
            self.front.clear();
            buffers::give(std::mem::take(&mut self.tail));
            (self.frames, self.written) = (0, 0);
            return;
        }
        let mut position = self.written + written;
        while let Some(chunk) = self.front.front() {
            let length = chunk.bytes().len();
            if position < length {
                break;
            }
            position -= length;
            if let Some(chunk) = self.front.pop_front() {
                self.frames -= frames_in(chunk.bytes());
                chunk.recycle();
            }
        }
        match self.front.front_mut() {
            // One frame: it stays whole until it is written.
            Some(Chunk::Shared(_)) => self.written = position,
            Some(Chunk::Gathered(bytes)) => {
                self.frames -= drop_whole_frames(bytes, &mut position);
                self.written = position;
            }
            None => {
                self.frames -= drop_whole_frames(&mut self.tail, &mut position);
                self.written = position;
            }
        }
    }

    /// Keeps of what waits only the frame that is half written, if one is.
    fn drop_backlog(&mut self) {
        let begun = (self.written > 0).then(|| {
            let first = self.front.front().map_or(&self.tail[..], Chunk::bytes);
            first[..frame_length(first).min(first.len())].to_vec()
        });
        self.front.clear();
        self.tail.clear();
        self.slots = None;
        (self.bytes, self.frames) = (0, 0);
        if let Some(begun) = begun {
            self.bytes = begun.len() - self.written;
            self.frames = 1;
            self.tail = begun;
        }
    }

    fn end(&mut self) {
        self.front.clear();
        self.slots = None;
        buffers::give(std::mem::take(&mut self.tail));
        (self.bytes, self.frames, self.written) = (0, 0, 0);
        self.phase = Phase::Closed;
    }
}

/// Drops the frames of `bytes` that end at or before `position`, which then counts from the
/// first that is kept. Returns how many were dropped.
fn drop_whole_frames(bytes: &mut Vec<u8>, position: &mut usize) -> usize {
    let (mut start, mut frames) = (0, 0);
    while start < bytes.len() {
        let end = start + frame_length(&bytes[start..]);
        if end > *position {
            break;
        }
        (start, frames) = (end, frames + 1);
    }
    bytes.drain(..start.min(bytes.len()));
    *position -= start;
    frames
}

/// The bytes and the number of the first frames of `bytes` that have `least` bytes together.
pub(in crate::outbound) fn whole_frames(bytes: &[u8], least: usize) -> (usize, usize) {
    let (mut end, mut frames) = (0, 0);
    while end < bytes.len() && (end < least || frames == 0) {
        end += frame_length(&bytes[end..]);
        frames += 1;
    }
    (end.min(bytes.len()), frames)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
