//! A wire between a process and its Redis that can stop carrying bytes, as a cable does that is
//! pulled: no connection ends.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Ends with the test's runtime.
pub struct Proxy {
    pub port: u16,
    carries: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// A wire to the port `to`.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let carries = Arc::new(watch::Sender::new(true));
        let accepting = carries.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
                let (near, far) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near.0, far.1, accepting.subscribe()));
                tokio::spawn(carry(far.0, near.1, accepting.subscribe()));
            }
        });
        Self { port, carries }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Stops carrying bytes, or goes on with those that wait.
    pub fn carries(&self, carries: bool) {
        self.carries.send_replace(carries);
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut carries: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if carries.wait_for(|carries| *carries).await.is_err()
            || to.write_all(&buffer[..read]).await.is_err()
        {
            return;
        }
    }
}
