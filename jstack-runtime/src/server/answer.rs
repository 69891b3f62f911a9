//! An answer's body on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::Notify;

use super::request_guard::RequestGuard;
use super::streams;

/// The most bytes that are passed to HTTP/2 at once. Bytes that HTTP/2 has accepted can no longer
/// be limited, so this is small. The rest waits for the client's window.
const PIECE: usize = 16 * 1024;

/// The most bytes that may wait on one HTTP/2 connection before its next request is begun.
const MOST: u64 = 1024 * 1024;

/// The answers that wait to be taken on one connection of HTTP/2.
#[derive(Debug, Default)]
pub(super) struct Untaken {
    bytes: AtomicU64,
    less: Notify,
}

impl Untaken {
    /// Waits until the client has taken enough of its answers to get another one.
    pub(super) async fn room(&self) {
        loop {
            let less = self.less.notified();
            if self.bytes.load(Ordering::Acquire) < MOST {
                return;
            }
            less.await;
        }
    }

    fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    fn take(&self, bytes: u64) {
        let before = self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        if before >= MOST && before - bytes < MOST {
            self.less.notify_waiters();
        }
    }
}

/// An answer's body over HTTP/1, with the permits of its request.
pub(super) struct Held {
    pub(super) body: Body,
    pub(super) _guard: RequestGuard,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body over HTTP/2: in pieces, and known to the clock of its stream.
pub(super) struct Pieces {
    body: Body,
    /// Bytes of the body that are not passed on yet.
    rest: Bytes,
    untaken: Arc<Untaken>,
    /// Its part of `untaken`.
    counted: u64,
    _guard: RequestGuard,
}

impl Pieces {
    pub(super) fn new(body: Body, untaken: Arc<Untaken>, guard: RequestGuard) -> Self {
        // A body of unknown length is made while it is taken.
        let counted = body.size_hint().exact().unwrap_or_default();
        untaken.add(counted);
        Self { body, rest: Bytes::new(), untaken, counted, _guard: guard }
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => {
                    streams::waited();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end @ Poll::Ready(None | Some(Err(_))) => return end,
            }
        }
        streams::gave();
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        let taken = self.counted.min(length as u64);
        self.counted -= taken;
        self.untaken.take(taken);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut size = SizeHint::new();
        size.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            size.set_upper(upper + rest);
        }
        size
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.untaken.take(self.counted);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::net::activity::Activity;

    fn pieces(body: Body, untaken: &Arc<Untaken>) -> Pieces {
        let busy = Arc::new(Activity::default()).begin(http::Version::HTTP_2, Some(0));
        Pieces::new(body, untaken.clone(), RequestGuard::Request(busy, None))
    }

    #[tokio::test]
    async fn a_long_answer_goes_in_pieces_and_nothing_of_it_is_lost() {
        let untaken = Arc::new(Untaken::default());
        let all: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut body = pieces(Body::from(all.clone()), &untaken);
        let mut read = Vec::new();
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some((all.len() - read.len()) as u64));
            assert_eq!(untaken.bytes.load(Ordering::Acquire), (all.len() - read.len()) as u64);
            let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
            let data = frame.expect("more").expect("no error").into_data().expect("data");
            assert!(data.len() <= PIECE);
            read.extend_from_slice(&data);
        }
        assert_eq!(read, all);
    }

    #[tokio::test]
    async fn a_request_waits_until_enough_is_taken_or_given_up() {
        let untaken = Arc::new(Untaken::default());
        let large = || Body::from(vec![0; 700 * 1024]);
        let first = pieces(large(), &untaken);
        untaken.room().await;
        let second = pieces(large(), &untaken);
        let room = untaken.room();
        tokio::pin!(room);
        let soon = tokio::time::timeout(std::time::Duration::from_millis(20), room.as_mut()).await;
        assert!(soon.is_err());
        drop(first);
        room.await;
        drop(second);
        assert_eq!(untaken.bytes.load(Ordering::Acquire), 0);
    }
}
