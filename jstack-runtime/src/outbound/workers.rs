//! `Outbound` on Workers: a push is a send, because the runtime has the queue.
//!
//! The runtime does not report the length of its queue. A slow client is therefore not noticed, and
//! no frame is dropped for it. Frames that are pushed before the upgrade wait here.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use js_sys::JsString;

use super::push::{Closing, Pushed, QueueLimits, Sheddable};
use crate::frame::frame_length;
use crate::platform::workers::glue;
use crate::sync::Mutex;

/// The opcodes of the frames that a server sends, with the bit of a last fragment.
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

/// One frame that is pushed to many connections.
pub(crate) struct Frame<'a> {
    bytes: Cow<'a, [u8]>,
    /// The payload as a JavaScript string, made once for all connections.
    text: OnceCell<JsString>,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { bytes: bytes.into(), text: OnceCell::new() }
    }

    fn text(&self) -> &JsString {
        self.text.get_or_init(|| glue::text_of(payload(&self.bytes)))
    }
}

/// The outbound side of one connection.
pub(crate) struct Outbound(Mutex<State>);

#[derive(Default)]
struct State {
    /// The number of the WebSocket in `glue.js`, after the upgrade.
    socket: Option<u32>,
    /// Frames that were pushed before the upgrade.
    waiting: Vec<Vec<u8>>,
    bytes: usize,
    /// Frames that were ever appended, modulo the type.
    appended: u32,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// The last frame was sent, or waits for the upgrade.
    Closing,
    Closed,
}

impl Outbound {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Sends a frame. Before the upgrade, the frame waits, and the limits apply.
    pub(crate) fn push(&self, frame: &Frame<'_>, limits: QueueLimits, closing: Closing) -> Pushed {
        let mut state = self.0.lock();
        if state.phase != Phase::Open {
            return Pushed::Closed;
        }
        let Some(socket) = state.socket else {
            if state.waiting.len() >= limits.frames
                || state.bytes.saturating_add(frame.bytes.len()) > limits.bytes
            {
                state.drop_backlog();
                state.put_last(closing());
                return Pushed::Overflow;
            }
            state.put(frame.bytes.to_vec());
            return Pushed::Queued;
        };
        if frame.bytes.first() != Some(&TEXT) {
            // A ping or pong: the runtime handles these.
            return Pushed::Queued;
        }
        state.appended = state.appended.wrapping_add(1);
        drop(state);
        if glue::send(socket, frame.text()) { Pushed::Queued } else { Pushed::Failed }
    }

    /// As [`Outbound::push`]: whether the client reads is not known.
    pub(crate) fn push_sheddable(
        &self,
        frame: &Frame<'_>,
        limits: QueueLimits,
        closing: Closing,
        _: &Sheddable<'_>,
    ) -> Pushed {
        self.push(frame, limits, closing)
    }

    /// Puts a frame before all others, before the upgrade.
    pub(crate) fn push_first(&self, frame: Vec<u8>) {
        let mut state = self.0.lock();
        if state.phase == Phase::Open && state.socket.is_none() {
            state.bytes += frame.len();
            state.waiting.insert(0, frame);
        }
    }

    /// Drops the frames that wait for the upgrade.
    pub(crate) fn discard(&self) {
        self.0.lock().drop_backlog();
    }

    /// The number of frames that were ever appended, modulo the type. Two calls show whether a
    /// frame was appended between them.
    pub(crate) fn appended(&self) -> u32 {
        self.0.lock().appended
    }

    /// Sends the last frames. `None` if a close was sent already: the connection keeps that reason.
    /// [`Pushed::Closed`] if the connection was killed.
    pub(crate) fn close(&self, closing: &[u8]) -> Option<Pushed> {
        let mut state = self.0.lock();
        match state.phase {
            Phase::Open => {}
            Phase::Closing => return None,
            Phase::Closed => return Some(Pushed::Closed),
        }
        match state.socket {
            None => state.put_last(closing),
            Some(socket) => {
                state.phase = Phase::Closing;
                drop(state);
                send_frames(socket, closing);
            }
        }
        Some(Pushed::Queued)
    }

    /// Ends the connection at once, unless a close was sent.
    pub(crate) fn kill(&self) {
        let mut state = self.0.lock();
        let open = state.phase == Phase::Open;
        state.drop_backlog();
        state.phase = Phase::Closed;
        let socket = state.socket;
        drop(state);
        if let Some(socket) = socket.filter(|_| open) {
            glue::close_socket(socket, 1011, "");
        }
    }

    /// Bytes that wait for the upgrade.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().bytes
    }

    /// Connects the queue to a WebSocket, and sends what was pushed before.
    pub(crate) fn attach(&self, socket: u32) {
        let mut state = self.0.lock();
        state.socket = Some(socket);
        let waiting = std::mem::take(&mut state.waiting);
        state.bytes = 0;
        drop(state);
        for frame in waiting {
            send_frames(socket, &frame);
        }
    }
}

impl State {
    fn put(&mut self, frame: Vec<u8>) {
        self.bytes += frame.len();
        self.appended = self.appended.wrapping_add(1);
        self.waiting.push(frame);
    }

    /// Appends the close frame, and the `$bye` that may precede it.
    fn put_last(&mut self, closing: &[u8]) {
        frames(closing).for_each(|frame| self.put(frame.to_vec()));
        self.phase = Phase::Closing;
    }

    fn drop_backlog(&mut self) {
        self.waiting = Vec::new();
        self.bytes = 0;
    }
}

/// The frames in `bytes`, one by one.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (frame, rest) = bytes.split_at_checked(frame_length(bytes))?;
        bytes = rest;
        Some(frame)
    })
}

/// Sends the frames in `bytes`.
fn send_frames(socket: u32, bytes: &[u8]) {
    for frame in frames(bytes) {
        match frame.first() {
            Some(&TEXT) => {
                glue::send(socket, &glue::text_of(payload(frame)));
            }
            Some(&CLOSE) => {
                let (code, reason) = match payload(frame).split_first_chunk() {
                    Some((code, reason)) => (u16::from_be_bytes(*code), reason),
                    None => (1005, &[][..]),
                };
                glue::close_socket(socket, code, &String::from_utf8_lossy(reason));
            }
            _ => {}
        }
    }
}

/// The payload of an unmasked frame.
fn payload(frame: &[u8]) -> &[u8] {
    let header = match frame.get(1) {
        Some(127) => 10,
        Some(126) => 4,
        _ => 2,
    };
    frame.get(header..).unwrap_or_default()
}

/// Has nothing to flush, because a push sends at once.
pub(crate) struct Flusher<M>(PhantomData<fn() -> M>);

#[allow(clippy::unused_self, reason = "the native one uses it")]
impl<M> Flusher<M> {
    pub(crate) fn new(_: Duration) -> Self {
        Self(PhantomData)
    }

    pub(crate) fn start(&self) {}

    pub(crate) fn mark(&self, _: Arc<M>) {}

    pub(crate) fn mark_all(&self, members: &mut Vec<Arc<M>>) {
        members.clear();
    }
}
