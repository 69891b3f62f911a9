//! The stream that hyper reads; it detects heads that stop half way.
//!
//! It is above TLS, so that it sees the same bytes as hyper, and never changes them. In HTTP/1 it
//! finds the end of a head and counts the bytes behind it; in HTTP/2 it follows the frames.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;

/// The first bytes of an HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose heads are watched.
#[derive(Debug)]
pub(crate) struct HeadWatch<I> {
    io: I,
    activity: Arc<Activity>,
    version: Version,
}

#[derive(Debug)]
enum Version {
    /// So many bytes were those of the preface.
    Unknown(usize),
    Http1 {
        head: LineEnds,
        /// Of everything that came.
        last: LineEnds,
    },
    Http2(Frames),
}

impl<I> HeadWatch<I> {
    pub(crate) fn new(io: I, activity: Arc<Activity>) -> Self {
        Self { io, activity, version: Version::Unknown(0) }
    }

    pub(crate) fn into_inner(self) -> I {
        self.io
    }

    fn heard(&mut self, mut bytes: &[u8]) {
        if let Version::Unknown(known) = &mut self.version {
            let rest = &PREFACE[*known..];
            let alike = rest.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            *known += alike;
            if *known == PREFACE.len() {
                self.version = Version::Http2(Frames::default());
                bytes = &bytes[alike..];
            } else if alike < bytes.len() {
                self.version =
                    Version::Http1 { head: LineEnds::default(), last: LineEnds::default() };
            }
        }
        match &mut self.version {
            // Part of the first head in any case, which has a timeout already.
            Version::Unknown(_) => {}
            Version::Http1 { head, last } => {
                let is_in_head = self.activity.is_in_head();
                let behind = if is_in_head { head.end_of_head(bytes) } else { Some(bytes.len()) };
                if let Some(behind) = behind {
                    *head = LineEnds::default();
                    self.activity.behind_head(behind);
                }
                // The last bytes alone decide.
                let end = &bytes[bytes.len().saturating_sub(4)..];
                *last = end.iter().fold(*last, |last, byte| last.after(*byte));
                self.activity.heard(*last == LineEnds::Blank);
            }
            Version::Http2(frames) => {
                frames.read(bytes);
                self.activity.half_head(frames.is_half_head());
            }
        }
    }
}

/// Looks for the empty line behind a head.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum LineEnds {
    #[default]
    None,
    /// The last byte ended a line.
    Line,
    /// And a carriage return came.
    Return,
    /// The last byte ended an empty line.
    Blank,
}

impl LineEnds {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::None, b'\n') => Self::Line,
            (_, b'\n') => Self::Blank,
            (Self::Line | Self::Blank, b'\r') => Self::Return,
            _ => Self::None,
        }
    }

    /// The bytes behind the end of the head, if it is there.
    fn end_of_head(&mut self, bytes: &[u8]) -> Option<usize> {
        // Nearly every head comes alone and as a whole.
        if bytes.ends_with(b"\r\n\r\n") {
            return Some(0);
        }
        for (at, byte) in bytes.iter().enumerate() {
            *self = self.after(*byte);
            if *self == Self::Blank {
                return Some(bytes.len() - at - 1);
            }
        }
        None
    }
}

/// Follows the frames of HTTP/2 (RFC 9113 §4.1).
#[derive(Debug, Default)]
struct Frames {
    header: [u8; 9],
    /// Bytes of the header that are here.
    known: usize,
    /// Bytes of the frame that are still to come.
    left: usize,
    /// A head has begun and not ended.
    in_head: bool,
    ends_head: bool,
}

impl Frames {
    const HEADERS: u8 = 1;
    const CONTINUATION: u8 = 9;
    const END_HEADERS: u8 = 4;

    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let here = self.left.min(bytes.len());
                self.left -= here;
                bytes = &bytes[here..];
            } else {
                self.header[self.known] = bytes[0];
                self.known += 1;
                bytes = &bytes[1..];
                if self.known < self.header.len() {
                    continue;
                }
                self.known = 0;
                let [a, b, c, kind, flags, ..] = self.header;
                self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                if matches!(kind, Self::HEADERS | Self::CONTINUATION) {
                    self.in_head = true;
                    self.ends_head = flags & Self::END_HEADERS != 0;
                }
            }
            if self.left == 0 && self.in_head && self.ends_head {
                self.in_head = false;
            }
        }
    }

    /// Whether a head, or what may become one, has begun and not ended.
    fn is_half_head(&self) -> bool {
        self.in_head || self.known > 0
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for HeadWatch<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let bytes = &buf.filled()[before..];
        if !bytes.is_empty() {
            self.heard(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for HeadWatch<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::activity::ConnectionPhase;

    const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n";

    fn watch() -> (HeadWatch<()>, Arc<Activity>) {
        let activity = Arc::new(Activity::default());
        (HeadWatch::new((), activity.clone()), activity)
    }

    /// The phase after `sent` came in pieces of `step` bytes, and a request with such a body was
    /// answered.
    fn after(sent: &str, step: usize, length: Option<u64>) -> ConnectionPhase {
        let (mut watch, activity) = watch();
        sent.as_bytes().chunks(step).for_each(|bytes| watch.heard(bytes));
        drop(activity.begin(http::Version::HTTP_11, length));
        activity.phase()
    }

    #[test]
    fn what_comes_behind_a_request_is_the_next_head_whatever_the_pieces() {
        for step in [1, 2, 3, 7, 1000] {
            for (sent, length, expected) in [
                (GET.to_owned(), Some(0), ConnectionPhase::Idle),
                (format!("{GET}GET / HT"), Some(0), ConnectionPhase::ReadingHead),
                (format!("{POST}abc"), Some(3), ConnectionPhase::Idle),
                (format!("{POST}abcG"), Some(3), ConnectionPhase::ReadingHead),
                (format!("{POST}\n\n\n"), Some(3), ConnectionPhase::Idle),
                ("POST / HTTP/1.1\n\nabc".to_owned(), Some(3), ConnectionPhase::Idle),
                (format!("{POST}3\r\nabc\r\n0\r\n\r\n"), None, ConnectionPhase::Idle),
                (format!("{POST}0\r\n\r\nGET /"), None, ConnectionPhase::ReadingHead),
            ] {
                assert_eq!(after(&sent, step, length), expected, "{sent:?} by {step}");
            }
        }
    }

    #[test]
    fn requests_one_after_the_other_are_told_from_half_ones() {
        let (mut watch, activity) = watch();
        for _ in 0..3 {
            watch.heard(format!("{POST}abc").as_bytes());
            drop(activity.begin(http::Version::HTTP_11, Some(3)));
            assert_eq!(activity.phase(), ConnectionPhase::Idle);
        }
        watch.heard(b"GET / HTTP/1.1\r\nho");
        assert_eq!(activity.phase(), ConnectionPhase::ReadingHead);
        watch.heard(b"st: x\r\n\r\n");
        drop(activity.begin(http::Version::HTTP_11, Some(0)));
        assert_eq!(activity.phase(), ConnectionPhase::Idle);
        // Two and a half at once: hyper takes them one by one.
        watch.heard(format!("{GET}{GET}GET /").as_bytes());
        for _ in 0..2 {
            drop(activity.begin(http::Version::HTTP_11, Some(0)));
            assert_eq!(activity.phase(), ConnectionPhase::ReadingHead);
        }
    }

    fn http2(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("short");
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn half_heads_of_http2_are_seen_while_other_streams_are_served() {
        let settings = http2(4, 0, b"");
        for step in [1, 2, 5, 1000] {
            for (sent, half) in [
                (vec![], false),
                (http2(1, 4, b"abc"), false),
                (http2(0, 0, b"data"), false),
                (http2(1, 0, b"abc"), true),
                ([http2(1, 0, b"abc"), http2(9, 0, b"d")].concat(), true),
                ([http2(1, 0, b"abc"), http2(9, 4, b"d")].concat(), false),
                (http2(1, 4, b"abc")[..11].to_vec(), true),
                (http2(1, 4, b"abc")[..4].to_vec(), true),
                (http2(0, 0, b"data")[..11].to_vec(), false),
            ] {
                let (mut watch, activity) = watch();
                let bytes = [PREFACE, &settings, &sent].concat();
                bytes.chunks(step).for_each(|bytes| watch.heard(bytes));
                let busy = activity.begin(http::Version::HTTP_2, Some(0));
                let expected =
                    if half { ConnectionPhase::ReadingHead } else { ConnectionPhase::Serving };
                assert_eq!(activity.phase(), expected, "{sent:?} by {step}");
                drop(busy);
            }
        }
    }
}
