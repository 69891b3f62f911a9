//! The answer for those who find no place: written without reading anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::net::admission::LimitReached;

/// Seconds after which a refused client may try again.
pub(super) const RETRY_AFTER: &str = "5";

/// So many refused connections are waited for at a time; others are reset.
const MOST: usize = 64;
/// How long a client has to take its answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The refused connections that still read their answer.
#[derive(Default)]
pub(super) struct Refusals {
    waiting: Arc<AtomicUsize>,
}

impl Refusals {
    pub(super) fn refuse(&self, stream: TcpStream, full: LimitReached) {
        let text = full.message();
        let answer = format!(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: {RETRY_AFTER}\r\n\
             content-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{text}",
            text.len()
        );
        // Its buffer is empty, so it takes so little at once.
        if stream.try_write(answer.as_bytes()).is_err() {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= MOST {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let waiting = self.waiting.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(PATIENCE, take_leave(stream)).await;
            waiting.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

/// Reads what the client still sends: closing with bytes unread would take the answer back.
async fn take_leave(mut stream: TcpStream) {
    let _ = SockRef::from(&stream).shutdown(std::net::Shutdown::Write);
    let mut sink = [0; 1024];
    while let Ok(1..) = stream.read(&mut sink).await {}
}
