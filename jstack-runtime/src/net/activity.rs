//! Tracks what an HTTP connection is doing, for idle and header timeouts, and wraps its stream to fail
//! stalled writes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What one connection is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    /// Requests under way, and the sockets that streams of HTTP/2 became.
    busy: AtomicU32,
    /// A request began; one of HTTP/2 did.
    begun: AtomicBool,
    multiplexed: AtomicBool,
    /// Of HTTP/1: part of the next head came.
    heard: AtomicBool,
    /// Of HTTP/1: bytes behind the head of the request under way, or [`IN_HEAD`].
    behind_head: AtomicU64,
    /// Of HTTP/1: what came last ended with an empty line, as heads and bodies in chunks do.
    ends_blank: AtomicBool,
    /// Of HTTP/2: a head has begun and not ended.
    half_head: AtomicBool,
}

/// The head of a request is not complete.
const IN_HEAD: u64 = u64::MAX;

impl Default for Activity {
    fn default() -> Self {
        Self {
            busy: AtomicU32::new(0),
            begun: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            heard: AtomicBool::new(false),
            behind_head: AtomicU64::new(IN_HEAD),
            ends_blank: AtomicBool::new(false),
            half_head: AtomicBool::new(false),
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct ActiveRequest {
    activity: Arc<Activity>,
    /// The length of its body; `None` if it comes in chunks.
    body: Option<u64>,
}

/// The phase of a connection, which selects its timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionPhase {
    /// No request has come yet.
    BeforeFirstRequest,
    /// Between two requests.
    Idle,
    /// Part of the head of the next request has come.
    ReadingHead,
    /// A request is being answered.
    Serving,
}

impl Activity {
    pub(crate) fn begin(
        self: &Arc<Self>,
        version: http::Version,
        body: Option<u64>,
    ) -> ActiveRequest {
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.begun.store(true, Ordering::Release);
        if version == http::Version::HTTP_2 {
            self.multiplexed.store(true, Ordering::Release);
        }
        ActiveRequest { activity: self.clone(), body }
    }

    pub(crate) fn phase(&self) -> ConnectionPhase {
        if self.half_head.load(Ordering::Acquire) && self.begun.load(Ordering::Acquire) {
            // Nothing else comes on this connection until the head is complete.
            ConnectionPhase::ReadingHead
        } else if self.busy.load(Ordering::Acquire) > 0 {
            ConnectionPhase::Serving
        } else if !self.begun.load(Ordering::Acquire) {
            ConnectionPhase::BeforeFirstRequest
        } else if self.heard.load(Ordering::Acquire) && !self.multiplexed.load(Ordering::Acquire) {
            ConnectionPhase::ReadingHead
        } else {
            ConnectionPhase::Idle
        }
    }

    /// Of HTTP/1: whether a head is what comes next.
    pub(super) fn is_in_head(&self) -> bool {
        self.behind_head.load(Ordering::Acquire) == IN_HEAD
    }

    /// HTTP/1: so many more bytes arrived behind a complete head.
    pub(super) fn behind_head(&self, bytes: usize) {
        let before = self.behind_head.load(Ordering::Acquire);
        let before = if before == IN_HEAD { 0 } else { before };
        // One task reads; the other task that writes this does so between two requests.
        let after = before.saturating_add(bytes as u64).min(IN_HEAD - 1);
        self.behind_head.store(after, Ordering::Release);
    }

    /// HTTP/1: bytes arrived, which ended with an empty line or not.
    pub(super) fn heard(&self, ends_blank: bool) {
        self.ends_blank.store(ends_blank, Ordering::Release);
        self.heard.store(true, Ordering::Release);
    }

    /// Of HTTP/2: whether a head has begun and not ended.
    pub(super) fn half_head(&self, is_half: bool) {
        self.half_head.store(is_half, Ordering::Release);
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let activity = &*self.activity;
        let behind = activity.behind_head.swap(IN_HEAD, Ordering::AcqRel);
        let ends_blank = activity.ends_blank.load(Ordering::Acquire);
        // The bytes of the body are not those of the next request; bytes behind them are.
        let next_has_begun = match (behind, self.body) {
            // Its head arrived together with an earlier one. Such a client gets less idle time.
            (IN_HEAD, Some(0)) | (_, None) => !ends_blank,
            (IN_HEAD, Some(_)) => true,
            (behind, Some(length)) => behind > length,
        };
        activity.heard.store(next_has_begun, Ordering::Release);
        activity.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A socket that fails when the other side takes nothing for too long.
#[derive(Debug)]
pub(crate) struct MonitoredStream {
    io: TcpStream,
    patience: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl MonitoredStream {
    pub(crate) fn new(io: TcpStream, patience: Duration) -> Self {
        Self { io, patience, stalled: None }
    }

    pub(crate) fn into_inner(self) -> TcpStream {
        self.io
    }

    fn impatient<T>(&mut self, cx: &mut Context<'_>, polled: Poll<T>) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = polled {
            self.stalled = None;
            return Poll::Ready(Ok(done));
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for MonitoredStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for MonitoredStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        Poll::Ready(ready!(self.impatient(cx, polled))?)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        Poll::Ready(ready!(self.impatient(cx, polled))?)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
