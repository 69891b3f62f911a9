//! Whether a connection does something: what the clock over its HTTP part looks at, and the
//! stream that notices.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What one connection is doing.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Requests under way, and the sockets that streams of HTTP/2 became.
    busy: AtomicU32,
    /// A request began; one of HTTP/2 did.
    begun: AtomicBool,
    multiplexed: AtomicBool,
    /// Bytes came since the last request began or ended.
    heard: AtomicBool,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct ActiveRequest(Arc<Activity>);

/// What the clock has to know.
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
    pub(crate) fn begin(self: &Arc<Self>, version: http::Version) -> ActiveRequest {
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.begun.store(true, Ordering::Release);
        if version == http::Version::HTTP_2 {
            self.multiplexed.store(true, Ordering::Release);
        }
        ActiveRequest(self.clone())
    }

    pub(crate) fn phase(&self) -> ConnectionPhase {
        if self.busy.load(Ordering::Acquire) > 0 {
            ConnectionPhase::Serving
        } else if !self.begun.load(Ordering::Acquire) {
            ConnectionPhase::BeforeFirstRequest
        } else if self.heard.load(Ordering::Acquire) && !self.multiplexed.load(Ordering::Acquire) {
            // Frames of HTTP/2 come for many reasons.
            ConnectionPhase::ReadingHead
        } else {
            ConnectionPhase::Idle
        }
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        // The body's bytes are not those of a next request.
        self.0.heard.store(false, Ordering::Release);
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A socket that notes what comes, and fails when the other side takes nothing for too long.
#[derive(Debug)]
pub(crate) struct MonitoredStream {
    io: TcpStream,
    activity: Arc<Activity>,
    patience: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl MonitoredStream {
    pub(crate) fn new(io: TcpStream, activity: Arc<Activity>, patience: Duration) -> Self {
        Self { io, activity, patience, stalled: None }
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
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.activity.heard.store(true, Ordering::Release);
        Poll::Ready(Ok(()))
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
