//! One connection's reading side: bytes in, texts out, everything else answered on the spot.

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
use crate::error::Error;
use crate::frame::{self, Decoder, DecoderConfig, Message, Opcode};
use crate::limits::or_none;
use crate::net::admission::ConnectionPermits;
use crate::outbound::{Flushed, Frame};
use crate::protocol::codec::{self, WireMessage};
use crate::rate::{Count, Rate};
use crate::rooms::{Hub, Member};

/// How much is read at once.
const READ: usize = 64 * 1024;
/// Fragments that one message may come in.
const FRAGMENTS: u32 = 128;
/// How long the other side may take to answer a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

thread_local! {
    /// A thread's read buffer: a connection holds none while there is nothing to read.
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
    limiter: InboundLimiter,
    /// Who is woken when the connection ends.
    waker: Option<Waker>,
    finished: bool,
    /// Its place among the server's connections, free again when it is gone.
    _lease: Option<ConnectionPermits>,
}

/// What one client has sent, against the limits.
#[derive(Default)]
struct InboundLimiter {
    messages: Count,
    /// What came too fast.
    flood: Count,
    /// When the client may next be told that it sends too fast.
    tell_from: u64,
    /// Messages that came and are not counted yet.
    received: u64,
}

impl Connection {
    /// Lets messages come in as many fragments as they like.
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
            limiter: InboundLimiter::default(),
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

    /// The next data message, made into something that lives longer than the read buffer; `None`
    /// once the connection ends.
    ///
    /// Who then waits for anything else calls [`release_buffer`](Self::release_buffer) first.
    pub(crate) fn poll_data<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(WireMessage<'_>) -> T,
    ) -> Poll<Option<T>> {
        loop {
            while self.at < self.end {
                if self.member.ending().is_some() {
                    return Poll::Ready(None);
                }
                let bytes = &mut self.buffer[self.at..self.end];
                let step = match self.decoder.decode(bytes, &self.config) {
                    Ok(step) => step,
                    Err(error) => {
                        self.close(CloseReason::fixed(ClosedBy::Limit, error.code, error.reason));
                        return Poll::Ready(None);
                    }
                };
                let consumed = step.consumed;
                let (mut data, mut reply, mut closing) = (None, None, None);
                match step.message {
                    None => {}
                    Some(Message::Text(_) | Message::Binary(_))
                        if !self.limiter.messages.try_acquire(self.hub.bounds().rate, self.now) =>
                    {
                        self.hub.node().meters().refused.rate.increment(1);
                        closing = self.limiter.too_fast(self.hub.bounds().flood, self.now);
                        reply = self.limiter.tell(self.now);
                    }
                    Some(Message::Text(text)) => {
                        self.limiter.count_received(text.len());
                        data = Some(read(WireMessage::Text(text)));
                    }
                    Some(Message::Binary(bytes)) => {
                        self.limiter.count_received(bytes.len());
                        data = Some(read(WireMessage::Binary(bytes)));
                    }
                    Some(Message::Ping(payload)) => {
                        if self.limiter.messages.try_acquire(self.hub.bounds().rate, self.now) {
                            reply = Some(frame::control(Opcode::Pong, payload).to_vec());
                        } else {
                            closing = self.limiter.too_fast(self.hub.bounds().flood, self.now);
                        }
                    }
                    Some(Message::Pong(_)) => {
                        closing = self.limiter.too_fast(self.hub.bounds().flood, self.now);
                    }
                    Some(Message::Close(said)) => {
                        let (code, reason) = said.map_or((1005, ""), |s| (s.code, s.reason));
                        closing = Some(CloseReason::new(ClosedBy::Client, code, reason.to_owned()));
                    }
                }
                self.at += consumed;
                if let Some(frame) = reply {
                    self.hub.push(&self.member, &Frame::new(frame));
                }
                if let Some(reason) = closing {
                    self.close(reason);
                    return Poll::Ready(None);
                }
                if data.is_some() {
                    return Poll::Ready(data);
                }
            }
            self.release_buffer();
            if self.limiter.received > 0 {
                // Once a read, however many messages it brought.
                self.hub.meters().received.increment(std::mem::take(&mut self.limiter.received));
            }
            if !ready!(self.poll_fill(cx)) {
                return Poll::Ready(None);
            }
        }
    }

    /// Gives the large buffer back, where somebody is about to wait.
    pub(crate) fn release_buffer(&mut self) {
        if self.at == self.end && self.decoder.holds_something() {
            // Lets the decoder free what it put a message together in.
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

    /// Reads what is there; `false` at the end of the connection.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.member.wake_on_end(cx.waker());
            self.waker = Some(cx.waker().clone());
        }
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
                Poll::Ready(true)
            }
            Poll::Ready(_) => {
                BUFFER.set(buffer);
                self.member.end(CloseReason::fixed(ClosedBy::Lost, 1006, ""));
                Poll::Ready(false)
            }
        }
    }

    /// Closes with a close frame, which goes out after what waits already.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.hub.close(&self.member, reason);
    }

    /// Sends the `error` event to this client alone.
    pub(crate) fn send_error(&self, event: Option<&str>, error: &Error) {
        if error.status().is_client_error() {
            tracing::debug!(code = error.code(), "message refused");
        }
        self.hub.push(&self.member, &Frame::new(codec::error_frame(event, error)));
    }

    /// Answers `["ping", …]`.
    pub(crate) fn pong(&self) {
        self.hub.push(&self.member, &Frame::new(codec::pong_frame()));
    }

    /// Why it ended; only asked once it has.
    pub(crate) fn reason(&self) -> CloseReason {
        let lost = || CloseReason::fixed(ClosedBy::Lost, 1006, "");
        self.member.ending().cloned().unwrap_or_else(lost)
    }

    /// The last of a connection: it leaves its rooms, what waits goes out, and the other side
    /// gets the time to answer the close.
    pub(crate) async fn finish(mut self) {
        self.finished = true;
        // A client that does not answer the close must not keep what it has sent.
        (self.buffer, self.at, self.end) = (Vec::new(), 0, 0);
        let reason = self.reason();
        tracing::debug!(socket = %self.member.id, %reason, "connection closed");
        self.hub.leave_all(&self.member);
        if reason.by() != ClosedBy::Lost && !self.member.out().is_dead() {
            // It may be a while: nobody waits for it, and it must not be for ever.
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
    /// Also when a handler's session panics while it is dropped, nothing stays behind.
    fn drop(&mut self) {
        let meters = self.hub.meters();
        meters.sockets.decrement(1);
        meters.received.increment(self.limiter.received);
        self.hub.node().meters().closed(&self.reason());
        if !self.finished {
            self.hub.leave_all(&self.member);
            self.member.out().kill();
        }
    }
}

impl InboundLimiter {
    /// Notes a message.
    #[inline]
    fn count_received(&mut self, length: usize) {
        tracing::debug!(length, "message");
        self.received += 1;
    }

    /// Counts what came too fast, and ends the connection that does not stop.
    #[cold]
    fn too_fast(&mut self, flood: Rate, now: u64) -> Option<CloseReason> {
        if self.flood.try_acquire(flood, now) {
            return None;
        }
        Some(CloseReason::fixed(ClosedBy::Limit, 1008, "too many messages: see the limit `rate`"))
    }

    /// The `error` event for a message that was dropped, at most once a second: a flood of
    /// messages must not make a flood of answers.
    #[cold]
    fn tell(&mut self, now: u64) -> Option<Vec<u8>> {
        if now < self.tell_from {
            return None;
        }
        self.tell_from = now + 1_000_000_000;
        let error = Error::too_many_requests(
            "you send too fast: messages were dropped (limit `rate` a second)",
        );
        Some(codec::error_frame(None, &error))
    }
}
