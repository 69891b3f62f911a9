//! A wire that can be cut, and that loses messages of Redis if a test wants that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Ends with the test's runtime.
pub struct Lossy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// Published messages that are dropped from now on.
    to_drop: AtomicU64,
    dropped: AtomicU64,
    /// Changed to cut all connections.
    cut: watch::Sender<()>,
}

impl Lossy {
    /// One to the server at this port.
    pub async fn start(to: u16) -> Self {
        Self::wire(to, true).await
    }

    /// One to a server that does not speak Redis' protocol. It loses nothing.
    pub async fn plain(to: u16) -> Self {
        Self::wire(to, false).await
    }

    async fn wire(to: u16, is_redis: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            to_drop: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            cut: watch::Sender::new(()),
        });
        let accepting = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = accepting.clone();
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await {
                        relay(client, server, &shared, is_redis).await;
                    }
                });
            }
        });
        Self { port, shared }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The next so many published messages do not arrive.
    pub fn drop_messages(&self, count: u64) {
        self.shared.to_drop.fetch_add(count, Ordering::Relaxed);
    }

    /// No message is dropped any more.
    pub fn drop_none(&self) {
        self.shared.to_drop.store(0, Ordering::Relaxed);
    }

    /// How many messages were dropped.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.shared.cut.send_replace(());
    }
}

async fn relay(client: TcpStream, server: TcpStream, shared: &Shared, is_redis: bool) {
    let mut cut = shared.cut.subscribe();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = async {
        if is_redis {
            back(from_server, to_client, shared).await;
        } else {
            let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        }
    };
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = back => {}
        _ = cut.changed() => {}
    }
}

/// From Redis to the process: everything but the messages that are dropped.
async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) {
    let mut buffer = Vec::new();
    loop {
        let mut at = 0;
        let mut passed = Vec::new();
        while let Some(length) = reply(&buffer[at..]) {
            let one = &buffer[at..at + length];
            at += length;
            // Probes show that the connection works, which it does.
            let is_message = one.starts_with(b">3\r\n$7\r\nmessage\r\n")
                && !one.windows(8).any(|part| part == b"::probe:");
            let take = |left: u64| left.checked_sub(1);
            if is_message
                && shared.to_drop.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
            {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            } else {
                passed.extend_from_slice(one);
            }
        }
        buffer.drain(..at);
        if to.write_all(&passed).await.is_err() {
            return;
        }
        match from.read_buf(&mut buffer).await {
            Ok(1..) => {}
            _ => return,
        }
    }
}

/// The length of the reply at the beginning, if it is whole.
fn reply(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|two| two == b"\r\n")? + 2;
    let number = || std::str::from_utf8(&bytes[1..line - 2]).unwrap().parse::<i64>().unwrap();
    let parts = match bytes[0] {
        b'$' | b'=' | b'!' => {
            let length = usize::try_from(number()).map_or(line, |length| line + length + 2);
            return (bytes.len() >= length).then_some(length);
        }
        b'*' | b'>' | b'~' => usize::try_from(number()).unwrap_or_default(),
        b'%' => 2 * usize::try_from(number()).unwrap_or_default(),
        _ => return Some(line),
    };
    let mut at = line;
    for _ in 0..parts {
        at += reply(bytes.get(at..)?)?;
    }
    Some(at)
}
