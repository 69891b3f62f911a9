//! The writing task of a connection that is not a plain socket: TLS, or an HTTP/2 stream.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time;

use super::queue::whole_frames;
use super::{Outbound, Writable, WriteFailure};

/// Bytes of one write: a TLS record, or an HTTP/2 frame. Each has the whole timeout: a client that
/// reads so much within it is slow, but alive.
const PIECE: usize = 16 * 1024;

/// Writes a connection's queue until the queue closes.
///
/// Ends the connection if the stream fails, or if the client does not read a piece within `timeout`.
pub(crate) async fn write_queue(
    connection: Arc<impl Writable>,
    mut io: impl AsyncWrite + Unpin,
    timeout: Duration,
) {
    let out = connection.out();
    while let Some(chunks) = out.take().await {
        for chunk in chunks {
            let mut rest = chunk.bytes();
            while !rest.is_empty() {
                let (length, frames) = whole_frames(rest, PIECE);
                let (now, later) = rest.split_at(length);
                if let Err(failure) = write(out, &mut io, now, timeout).await {
                    return connection.cut_off(failure);
                }
                // Piece by piece, as over TCP: each makes room for new frames at once.
                out.wrote(length, frames);
                rest = later;
            }
            chunk.recycle();
        }
    }
    // A failure changes nothing: the stream ends in any case.
    let _ = time::timeout(timeout, io.shutdown()).await;
}

/// Writes and flushes `bytes` in pieces. Each attempt has the whole timeout.
async fn write(
    out: &Outbound,
    io: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    timeout: Duration,
) -> Result<(), WriteFailure> {
    for piece in bytes.chunks(PIECE) {
        let mut rest = piece;
        while !rest.is_empty() {
            match within(out, timeout, io.write(rest)).await? {
                0 => return Err(WriteFailure::Lost),
                written => rest = &rest[written..],
            }
        }
        within(out, timeout, io.flush()).await?;
    }
    Ok(())
}

/// Completes `write` within the timeout. Marks the queue as blocked if it does not complete at once.
async fn within<T>(
    out: &Outbound,
    timeout: Duration,
    write: impl Future<Output = io::Result<T>>,
) -> Result<T, WriteFailure> {
    let mut write = pin!(write);
    let at_once = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx))).await;
    let written = match at_once {
        Poll::Ready(written) => Ok(written),
        Poll::Pending => {
            out.mark_blocked();
            time::timeout(timeout, write).await
        }
    };
    match written {
        Ok(Ok(done)) => Ok(done),
        // The stream has a timeout too, which may expire first.
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(WriteFailure::TimedOut),
        Ok(Err(_)) => Err(WriteFailure::Lost),
        Err(_) => Err(WriteFailure::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::outbound::{Frame, Pushed, QueueLimits};

    struct Connection {
        out: Outbound,
        failure: Mutex<Option<WriteFailure>>,
    }

    impl Writable for Connection {
        fn out(&self) -> &Outbound {
            &self.out
        }

        fn cut_off(&self, failure: WriteFailure) {
            *self.failure.lock().expect("not poisoned") = Some(failure);
            self.out.kill();
        }
    }

    const PATIENCE: Duration = Duration::from_millis(400);

    /// A connection with `frames` of 1000 bytes waiting.
    fn connection(frames: usize) -> Arc<Connection> {
        let out = Outbound::new();
        out.attach_task();
        let mut bytes = vec![0; crate::frame::HEADROOM + 1000];
        let at = crate::frame::write_header(&mut bytes, crate::frame::Opcode::Text, false);
        let limits = QueueLimits { bytes: usize::MAX, frames: usize::MAX };
        for _ in 0..frames {
            assert_eq!(out.push(&Frame::new(&bytes[at..]), limits, || b""), Pushed::Queued);
        }
        Arc::new(Connection { out, failure: Mutex::default() })
    }

    fn failure(connection: &Connection) -> Option<WriteFailure> {
        *connection.failure.lock().expect("not poisoned")
    }

    #[tokio::test]
    async fn a_reader_that_takes_a_little_all_the_time_gets_everything() {
        let connection = connection(700);
        let (near, mut far) = tokio::io::duplex(16_000);
        let writer = tokio::spawn(write_queue(connection.clone(), near, PATIENCE));
        let all = connection.out.waiting();
        let mut buffer = vec![0; 16_000];
        let (mut read, start) = (0, tokio::time::Instant::now());
        while read < all {
            tokio::time::sleep(PATIENCE / 20).await;
            let length = far.read(&mut buffer).await.expect("an open stream");
            assert_ne!(length, 0, "it ended after {read} of {all}");
            read += length;
            // Each piece that is taken makes room for more, long before all is taken.
            assert!(connection.out.waiting() <= all - read + 3 * PIECE);
        }
        assert!(start.elapsed() > PATIENCE * 2, "the whole took longer than one piece may");
        connection.out.kill();
        writer.await.expect("an end");
        assert_eq!(failure(&connection), None);
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_ends_the_connection_and_not_the_writer_alone() {
        let connection = connection(100);
        let (near, _far) = tokio::io::duplex(4096);
        let start = tokio::time::Instant::now();
        write_queue(connection.clone(), near, PATIENCE).await;
        assert_eq!(failure(&connection), Some(WriteFailure::TimedOut));
        assert!(start.elapsed() >= PATIENCE);
    }

    #[tokio::test]
    async fn a_stream_that_breaks_ends_the_connection() {
        let connection = connection(100);
        let (near, far) = tokio::io::duplex(4096);
        drop(far);
        write_queue(connection.clone(), near, PATIENCE).await;
        assert_eq!(failure(&connection), Some(WriteFailure::Lost));
    }
}
