//! A server that speaks as much RESP3 as a broker needs, and says what a test wants it to say.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the test answers to a command; `None` leaves it to the server.
type Answer = dyn Fn(&[String]) -> Option<Vec<u8>> + Send + Sync;

/// Whether a channel of this `SUBSCRIBE` is passed over, and the first one confirmed again.
type Ignores = dyn Fn(&[String], &str) -> bool + Send + Sync;

/// Ends with the test's runtime.
pub struct Fake {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Box<Answer>,
    ignores: Box<Ignores>,
    /// Who is sent which channel.
    subscribed: Mutex<Vec<(String, mpsc::UnboundedSender<Vec<u8>>)>>,
    /// How often a connection was accepted.
    accepted: Mutex<usize>,
}

impl Fake {
    pub async fn start(
        answer: impl Fn(&[String]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::start_ignoring(answer, |_, _| false).await
    }

    pub async fn start_ignoring(
        answer: impl Fn(&[String]) -> Option<Vec<u8>> + Send + Sync + 'static,
        ignores: impl Fn(&[String], &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            ignores: Box::new(ignores),
            subscribed: Mutex::default(),
            accepted: Mutex::default(),
        });
        let accepting = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *accepting.accepted.lock().unwrap() += 1;
                tokio::spawn(serve(stream, accepting.clone()));
            }
        });
        Self { port, shared }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn accepted(&self) -> usize {
        *self.shared.accepted.lock().unwrap()
    }
}

/// The confirmation of a subscription.
fn confirmed(channel: &str, count: usize) -> Vec<u8> {
    format!(">3\r\n$9\r\nsubscribe\r\n${}\r\n{channel}\r\n:{count}\r\n", channel.len()).into_bytes()
}

/// The answer of a stand-alone server to `HELLO`.
pub fn hello(role: &str) -> Vec<u8> {
    format!("%2\r\n$4\r\nrole\r\n${}\r\n{role}\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n", role.len())
        .into_bytes()
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let (read, mut write) = stream.into_split();
    let (sender, mut outgoing) = mpsc::unbounded_channel::<Vec<u8>>();
    tokio::spawn(async move {
        while let Some(bytes) = outgoing.recv().await {
            if write.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let (mut read, mut count) = (BufReader::new(read), 0);
    while let Some(raw) = command(&mut read).await {
        let args: Vec<_> =
            raw.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
        if let Some(answer) = (shared.answer)(&args) {
            let _ = sender.send(answer);
            continue;
        }
        match args[0].as_str() {
            "HELLO" => drop(sender.send(hello("master"))),
            "SUBSCRIBE" => {
                for channel in &args[1..] {
                    if (shared.ignores)(&args, channel) {
                        // The client library takes as many confirmations as there are channels.
                        let _ = sender.send(confirmed(&args[1], count));
                        continue;
                    }
                    count += 1;
                    shared.subscribed.lock().unwrap().push((channel.clone(), sender.clone()));
                    let _ = sender.send(confirmed(channel, count));
                }
            }
            "PUBLISH" => {
                let mut message =
                    format!(">3\r\n$7\r\nmessage\r\n${}\r\n", raw[1].len()).into_bytes();
                message.extend_from_slice(&raw[1]);
                message.extend_from_slice(format!("\r\n${}\r\n", raw[2].len()).as_bytes());
                message.extend_from_slice(&raw[2]);
                message.extend_from_slice(b"\r\n");
                for (channel, to) in &*shared.subscribed.lock().unwrap() {
                    if *channel == args[1] {
                        let _ = to.send(message.clone());
                    }
                }
                let _ = sender.send(b":1\r\n".to_vec());
            }
            _ => drop(sender.send(b"+OK\r\n".to_vec())),
        }
    }
}

/// Reads an array of bulk strings.
async fn command(read: &mut BufReader<OwnedReadHalf>) -> Option<Vec<Vec<u8>>> {
    let count = number(read).await?;
    let mut args = Vec::new();
    for _ in 0..count {
        let mut arg = vec![0; number(read).await? + 2];
        read.read_exact(&mut arg).await.ok()?;
        arg.truncate(arg.len() - 2);
        args.push(arg);
    }
    Some(args)
}

async fn number(read: &mut BufReader<OwnedReadHalf>) -> Option<usize> {
    let mut line = String::new();
    read.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim().parse().ok()
}
