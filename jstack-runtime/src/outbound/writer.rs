//! The writing task of a connection that is no plain socket: TLS, or a stream of HTTP/2.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Outbound;

/// Writes what the queue holds until it closes or the reader takes nothing for `timeout`.
pub(crate) async fn write_all_of(
    out: &Outbound,
    mut io: impl AsyncWrite + Unpin,
    timeout: Duration,
) {
    while let Some(chunks) = out.take().await {
        let write = async {
            for chunk in &chunks {
                io.write_all(chunk.bytes()).await?;
            }
            io.flush().await
        };
        match tokio::time::timeout(timeout, write).await {
            Ok(Ok(())) => out.wrote(chunks),
            Ok(Err(_)) | Err(_) => return out.kill(),
        }
    }
    // The stream is ending anyway.
    let _ = io.shutdown().await;
}
