//! The reading side of one connection: bytes in, messages for handlers out.
//!
//! ```text
//!  socket ─▶ buffer ─▶ Decoder ─▶ Session ─▶ the handler that waits (poll_message)
//!                                    │
//!                                    ├─▶ Mailbox, while a handler runs (poll_ahead)
//!                                    └─▶ answered or carried out at once
//! ```
//!
//! Invariants: messages reach handlers in the order of arrival; the mailbox is empty before the buffer
//! is read for a handler; a connection without unread bytes has no buffer.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;

use crate::close_reason::{CloseReason, ClosedBy};
use crate::frame::{Decoder, DecoderConfig, Message};
use crate::limits::or_none;
use crate::net::admission::ConnectionPermits;
use crate::outbound::{Flushed, Frame, note_read};
use crate::protocol::codec::WireMessage;
use crate::protocol::mailbox::Mailbox;
use crate::protocol::session::{Input, Session, Step};
use crate::rooms::{Hub, Member};

/// The size of one read, in bytes.
const READ: usize = 64 * 1024;
/// The most fragments of one message.
const FRAGMENTS: u32 = 128;
/// The deadline for the answer to a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

thread_local! {
    /// A thread's read buffer: a connection has none while there is nothing to read.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The stream that bytes come from.
pub(crate) enum ReadHalf {
    Tcp(OwnedReadHalf),
    /// TLS or HTTP/2.
    Other(tokio::io::ReadHalf<TokioIo<Upgraded>>),
}

impl ReadHalf {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self {
            Self::Tcp(io) => Pin::new(io).poll_read(cx, buf),
            Self::Other(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

/// A connection after its upgrade.
pub(crate) struct Connection {
    hub: Arc<Hub>,
    member: Arc<Member>,
    io: ReadHalf,
    decoder: Decoder,
    config: DecoderConfig,
    /// Read and not yet looked at: `buffer[at..end]`.
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// When the bytes in hand arrived, in the process' nanoseconds.
    now: u64,
    session: Session,
    /// Messages that came and are not counted yet.
    received: u64,
    /// Messages that came while a handler ran; made when it is first needed.
    mailbox: Option<Arc<Mailbox>>,
    /// Woken when the connection ends.
    waker: Option<Waker>,
    finished: bool,
    /// Its permit among the server's connections.
    _lease: Option<ConnectionPermits>,
}

impl Connection {
    /// Allows any number of fragments in a message.
    pub(crate) fn any_number_of_fragments(&mut self) {
        self.config.max_fragments = u32::MAX;
    }

    /// `first` are the bytes that came with the handshake.
    pub(crate) fn new(
        hub: Arc<Hub>,
        member: Arc<Member>,
        io: ReadHalf,
        first: Vec<u8>,
        lease: Option<ConnectionPermits>,
    ) -> Self {
        let limits = hub.node().limits();
        hub.meters().opened.increment(1);
        hub.meters().sockets.increment(1);
        Self {
            decoder: Decoder::new(member.deflate.is_some()),
            config: DecoderConfig {
                max_message: or_none(limits.message_bytes),
                max_fragments: FRAGMENTS,
            },
            end: first.len(),
            buffer: first,
            at: 0,
            now: hub.node().nanos(),
            session: Session::new(member.profile),
            received: 0,
            mailbox: None,
            waker: None,
            hub,
            member,
            io,
            finished: false,
            _lease: lease,
        }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// Polls for the next ordinary message and converts it with `read`, which borrows the read
    /// buffer during the call; `None` once the connection ends. What waits in the mailbox comes
    /// first.
    ///
    /// Call [`release_buffer`](Self::release_buffer) before awaiting anything else.
    pub(crate) fn poll_message<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(WireMessage<'_>) -> T,
    ) -> Poll<Option<T>> {
        if let Some(mailbox) = &self.mailbox {
            // Messages of a client that left are still handled; a close by the server drops them.
            let dropped = self
                .member
                .ending()
                .is_some_and(|reason| !matches!(reason.by(), ClosedBy::Client | ClosedBy::Lost));
            if let Some(waiting) = mailbox.pop().filter(|_| !dropped) {
                return Poll::Ready(Some(read(waiting.as_message())));
            }
        }
        self.poll_decoded(cx, |_, message| Some(read(message)))
    }

    /// Reads on while a handler runs: control frames, pings and answers are handled at once, and
    /// ordinary messages go into the mailbox until it is full. `true` if a receiver waited for one.
    ///
    /// The task is woken when there is more to read, or room in the mailbox again.
    pub(crate) fn poll_ahead(&mut self, cx: &mut Context<'_>) -> bool {
        let mailbox = self.mailbox.get_or_insert_default().clone();
        let mut woken = false;
        loop {
            if !mailbox.has_room(self.end - self.at, cx) {
                self.watch_end(cx);
                self.member.life.listening.store(false, Ordering::Relaxed);
                break;
            }
            let polled = self.poll_decoded(cx, |_, message| Some(mailbox.push(&message)));
            match polled {
                Poll::Ready(Some(waited)) => woken |= waited,
                Poll::Ready(None) => {
                    let lost = self.member.ending().is_none_or(|reason| {
                        matches!(reason.by(), ClosedBy::Client | ClosedBy::Lost)
                    });
                    mailbox.end(!lost);
                    break;
                }
                Poll::Pending => break,
            }
        }
        self.release_buffer();
        woken
    }

    /// The mailbox between this connection and a receiver of its messages.
    pub(crate) fn share_mailbox(&mut self) -> Arc<Mailbox> {
        self.mailbox.get_or_insert_default().clone()
    }

    /// Decodes until a message is passed to `take` and it returns something; `None` once the
    /// connection ends.
    fn poll_decoded<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&Hub, WireMessage<'_>) -> Option<T>,
    ) -> Poll<Option<T>> {
        loop {
            while self.at < self.end {
                if self.member.ending().is_some() {
                    return Poll::Ready(None);
                }
                let bytes = &mut self.buffer[self.at..self.end];
                let decoded = match self.decoder.decode(bytes, &self.config) {
                    Ok(decoded) => decoded,
                    Err(error) => {
                        self.close(CloseReason::fixed(ClosedBy::Limit, error.code, error.reason));
                        return Poll::Ready(None);
                    }
                };
                let consumed = decoded.consumed;
                if let Some(Message::Text(text)) = decoded.message
                    && self.session.passes(text, &self.hub.bounds().rates, self.now)
                {
                    tracing::debug!(length = text.len(), "message");
                    self.received += 1;
                    let taken = take(&self.hub, WireMessage::Text(text));
                    self.at += consumed;
                    if taken.is_some() {
                        return Poll::Ready(taken);
                    }
                    continue;
                }
                let (mut taken, mut sent, mut closing) = (None, None, None);
                if let Some(message) = decoded.message {
                    let input = match message {
                        Message::Text(text) => Input::Text(text),
                        Message::Binary(bytes) => Input::Binary(bytes),
                        Message::Ping(payload) => Input::Ping(payload),
                        Message::Pong(_) => Input::Pong,
                        Message::Close(said) => Input::Close(said.map(|s| (s.code, s.reason))),
                    };
                    match self.session.handle(input, self.hub.bounds().rates, self.now) {
                        Step::Message(message) => {
                            tracing::debug!(length = message.len(), "message");
                            self.received += 1;
                            taken = take(&self.hub, message);
                        }
                        Step::Send(frame) => sent = Some(frame),
                        Step::Control(control) => self.hub.control(&self.member, control),
                        Step::Refused { reply, closing: end } => {
                            self.hub.node().meters().refused.rate.increment(1);
                            (sent, closing) = (reply, end);
                        }
                        Step::Close(reason) => closing = Some(reason),
                        Step::Idle => {}
                    }
                }
                self.at += consumed;
                if let Some(frame) = sent {
                    self.hub.push(&self.member, &Frame::new(frame));
                }
                if let Some(reason) = closing {
                    self.close(reason);
                    return Poll::Ready(None);
                }
                if taken.is_some() {
                    return Poll::Ready(taken);
                }
            }
            self.release_buffer();
            if self.received > 0 {
                // Once per read, however many messages it contained.
                self.hub.meters().received.increment(std::mem::take(&mut self.received));
            }
            if !ready!(self.poll_fill(cx)) {
                return Poll::Ready(None);
            }
        }
    }

    /// Returns the large buffer before a wait.
    pub(crate) fn release_buffer(&mut self) {
        if self.at == self.end && self.decoder.holds_something() {
            // Lets the decoder free its buffer for partial messages.
            let _ = self.decoder.decode(&mut [], &self.config);
        }
        if self.buffer.len() == READ {
            let rest = self.buffer[self.at..self.end].to_vec();
            BUFFER.set(std::mem::replace(&mut self.buffer, rest));
            (self.at, self.end) = (0, self.buffer.len());
        } else if self.at == self.end && self.buffer.capacity() > 0 {
            self.buffer = Vec::new();
            (self.at, self.end) = (0, 0);
        }
    }

    /// Reads the available bytes; `false` at the end of the connection.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.watch_end(cx);
        if self.member.ending().is_some() {
            return Poll::Ready(false);
        }
        let mut buffer = BUFFER.take();
        buffer.resize(READ, 0);
        let mut read = ReadBuf::new(&mut buffer);
        let polled = self.io.poll_read(cx, &mut read);
        let length = read.filled().len();
        match polled {
            Poll::Pending => {
                BUFFER.set(buffer);
                self.member.life.listening.store(true, Ordering::Relaxed);
                Poll::Pending
            }
            Poll::Ready(Ok(())) if length > 0 => {
                (self.buffer, self.at, self.end) = (buffer, 0, length);
                self.now = self.hub.node().nanos();
                self.member.heard(self.now / 1_000_000);
                note_read();
                Poll::Ready(true)
            }
            Poll::Ready(_) => {
                BUFFER.set(buffer);
                self.member.end(CloseReason::fixed(ClosedBy::Lost, 1006, ""));
                Poll::Ready(false)
            }
        }
    }

    /// Wakes the task when the connection ends.
    fn watch_end(&mut self, cx: &mut Context<'_>) {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.member.wake_on_end(cx.waker());
            self.waker = Some(cx.waker().clone());
        }
    }

    /// Ends a connection: leaves its rooms, sends its queue, and waits for the other side's answer to
    /// the close.
    pub(crate) async fn finish(mut self) {
        self.finished = true;
        // A client that does not answer the close must not keep the memory of its messages.
        (self.buffer, self.at, self.end) = (Vec::new(), 0, 0);
        let reason = self.reason();
        tracing::debug!(socket = %self.member.id, %reason, "connection closed");
        self.hub.leave_all(&self.member);
        if reason.by() != ClosedBy::Lost && !self.member.out().is_dead() {
            // It may take a while, but must end.
            let _ = tokio::time::timeout(CLOSE_DEADLINE, self.flush_and_close()).await;
        }
        self.member.out().kill();
    }

    async fn flush_and_close(&mut self) {
        let out = self.member.out();
        while !out.is_empty() {
            if out.flush() == Flushed::Failed {
                return;
            }
            if !out.is_empty() && out.writable().await.is_err() {
                return;
            }
            if out.is_written_by_a_task() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        out.end_of_stream();
        // Until the other side ends its stream: closing a socket with unread bytes would take
        // the close frame back on its way.
        // In large pieces: a flood that was cut off is still on its way.
        let io = &mut self.io;
        let () = poll_fn(|cx| {
            loop {
                let mut buffer = BUFFER.take();
                buffer.resize(READ, 0);
                let mut read = ReadBuf::new(&mut buffer);
                let polled = io.poll_read(cx, &mut read);
                let more = !read.filled().is_empty();
                BUFFER.set(buffer);
                match ready!(polled) {
                    Ok(()) if more => {}
                    Ok(()) | Err(_) => return Poll::Ready(()),
                }
            }
        })
        .await;
    }
}

impl Drop for Connection {
    /// Cleans up even when a handler's session panics while it is dropped.
    fn drop(&mut self) {
        let meters = self.hub.meters();
        meters.sockets.decrement(1);
        meters.received.increment(self.received);
        self.hub.node().meters().closed(&self.reason());
        if !self.finished {
            self.hub.leave_all(&self.member);
            self.member.out().kill();
        }
    }
}
