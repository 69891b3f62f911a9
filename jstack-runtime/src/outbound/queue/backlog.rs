//! `Backlog`: the frames that wait for one connection, as bytes.
//!
//! ```text
//!   front: [Gathered(small frames) | Shared(large frame) | …]   tail: small frames
//!           ╰─ written ─╯ of the first piece are sent already
//! ```
//!
//! Small frames are copied to `tail`, one behind the other. A large frame is shared by all queues:
//! it moves `tail` to `front` and goes behind it. `front` is nearly always empty.
//!
//! - Every piece starts with a frame's header, so that the frames in it can be counted.
//! - `written` never exceeds the first frame of the first piece. What is written beyond it is
//!   dropped.
//! - `bytes` and `frames` also count what a writing task took and has not written yet.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use super::chunk::{Chunk, Frame};
use crate::frame::{frame_length, frames_in};
use crate::outbound::buffers;
use crate::outbound::push::QueueLimits;
use crate::outbound::socket::Socket;

/// A longer frame is shared by all queues; a shorter one is cheaper to copy.
const SHARED_FROM: usize = 4 * 1024;
/// The most pieces of one vectored write.
const MOST_PIECES: usize = 64;

#[derive(Default)]
pub(super) struct Backlog {
    front: VecDeque<Chunk>,
    tail: Vec<u8>,
    written: usize,
    bytes: usize,
    frames: usize,
}

impl Backlog {
    /// Bytes that are not written yet.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether another `more` bytes in one frame would exceed the limits.
    #[inline]
    pub(super) fn is_full(&self, more: usize, limits: QueueLimits) -> bool {
        self.bytes.saturating_add(more) > limits.bytes || self.frames >= limits.frames
    }

    #[inline]
    pub(super) fn append(&mut self, frame: &Frame<'_>) {
        let bytes = &*frame.bytes;
        self.bytes += bytes.len();
        self.frames += 1;
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

    /// Appends the frames that end a connection: the close frame, and the `$bye` that may precede it.
    pub(super) fn append_closing(&mut self, closing: &[u8]) {
        self.append(&Frame::new(closing));
        self.frames += frames_in(closing).saturating_sub(1);
    }

    /// Puts a frame before all others, of which none may be written in part.
    pub(super) fn prepend(&mut self, frame: Vec<u8>) {
        self.bytes += frame.len();
        self.frames += 1;
        self.front.push_front(Chunk::Gathered(frame));
    }

    /// Offers everything to the socket in one write. [`Backlog::advance`] must follow.
    pub(super) fn write_to(&self, io: &Socket) -> io::Result<usize> {
        if self.front.is_empty() {
            return io.try_write(&self.tail[self.written..]);
        }
        let mut pieces = [IoSlice::new(&[]); MOST_PIECES];
        let chunks = self.front.iter().map(Chunk::bytes).chain([&self.tail[..]]);
        let mut count = 0;
        for (piece, bytes) in pieces.iter_mut().zip(chunks) {
            *piece = IoSlice::new(if count == 0 { &bytes[self.written..] } else { bytes });
            count += 1;
        }
        io.try_write_vectored(&pieces[..count])
    }

    /// Whether everything is in `tail`, so that one write offers all of it.
    pub(super) fn is_one_piece(&self) -> bool {
        self.front.is_empty()
    }

    /// Removes `written` bytes from the front, whole frames at a time.
    pub(super) fn advance(&mut self, written: usize) {
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

    /// Gives everything to a writing task. It is counted until [`Backlog::note_written`].
    pub(super) fn take(&mut self) -> Vec<Chunk> {
        let mut chunks: Vec<_> = self.front.drain(..).collect();
        if !self.tail.is_empty() {
            chunks.push(Chunk::Gathered(std::mem::take(&mut self.tail)));
        }
        chunks
    }

    /// Stops counting what a writing task has written. After [`Backlog::clear`] nothing is counted.
    pub(super) fn note_written(&mut self, bytes: usize, frames: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.frames = self.frames.saturating_sub(frames);
    }

    /// Drops all frames, except one that is written in part.
    pub(super) fn drop_unwritten(&mut self) {
        let begun = (self.written > 0).then(|| {
            let first = self.front.front().map_or(&self.tail[..], Chunk::bytes);
            first[..frame_length(first).min(first.len())].to_vec()
        });
        self.front.clear();
        self.tail.clear();
        (self.bytes, self.frames) = (0, 0);
        if let Some(begun) = begun {
            self.bytes = begun.len() - self.written;
            self.frames = 1;
            self.tail = begun;
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.front.clear();
        buffers::give(std::mem::take(&mut self.tail));
        (self.bytes, self.frames, self.written) = (0, 0, 0);
    }
}

/// Drops the frames of `bytes` that end at or before `position`, and makes `position` relative to
/// the first frame that is kept. Returns the number of dropped frames.
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

/// The fewest whole frames at the start of `bytes` with at least `least` bytes together, one at
/// least. Returns their bytes and their number.
pub(in crate::outbound) fn whole_frames(bytes: &[u8], least: usize) -> (usize, usize) {
    let (mut end, mut frames) = (0, 0);
    while end < bytes.len() && (end < least || frames == 0) {
        end += frame_length(&bytes[end..]);
        frames += 1;
    }
    (end.min(bytes.len()), frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        let mut buffer = vec![0; crate::frame::HEADROOM + length];
        let at = crate::frame::write_header(&mut buffer, crate::frame::Opcode::Text, false);
        buffer.split_off(at)
    }

    #[test]
    fn whatever_part_is_written_the_rest_is_counted_right() {
        let lengths = [3, 200, 5000, 70_000, 1, 0, 4500, 9];
        let frames: Vec<_> = lengths.iter().map(|n| frame(*n)).collect();
        let all: Vec<u8> = frames.concat();
        for step in [1, 7, 999, 4096, 70_001] {
            let mut backlog = Backlog::default();
            for frame in &frames {
                backlog.append(&Frame::new(frame));
            }
            let mut done = 0;
            while backlog.bytes > 0 {
                let n = step.min(backlog.bytes);
                backlog.advance(n);
                done += n;
                let mut ends = 0;
                let whole = frames
                    .iter()
                    .filter(|f| {
                        ends += f.len();
                        ends <= done
                    })
                    .count();
                assert_eq!(backlog.frames, frames.len() - whole, "after {done} by {step}");
                assert_eq!(backlog.bytes, all.len() - done);
            }
            assert!(backlog.front.is_empty() && backlog.tail.is_empty() && backlog.written == 0);
        }
    }

    #[test]
    fn the_frame_that_is_half_written_survives_a_cut() {
        let mut backlog = Backlog::default();
        let (first, second) = (frame(50), frame(60));
        backlog.append(&Frame::new(&first));
        backlog.append(&Frame::new(&second));
        backlog.advance(20);
        backlog.drop_unwritten();
        backlog.append(&Frame::new(b"\x88\x00"));
        assert_eq!(backlog.tail[backlog.written..], [&first[20..], b"\x88\x00"].concat());
        assert_eq!(backlog.bytes, first.len() - 20 + 2);
    }

    #[test]
    fn whole_frames_are_counted_and_one_is_never_cut() {
        let bytes = [frame(10), frame(20), frame(5000)].concat();
        for (least, expected) in [(1, (12, 1)), (12, (12, 1)), (13, (34, 2)), (9999, (5038, 3))] {
            assert_eq!(whole_frames(&bytes, least), expected);
        }
        assert_eq!(whole_frames(&[], 5), (0, 0));
    }
}
