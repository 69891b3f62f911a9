//! Readers that stop, in a room of many: what the delivery classes make of them. A process of its own: it
//! counts every byte.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    reason = "a program as users write it, and what is asserted of it"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::client::handshake;
use jstack_tests::server::limits;
use peak_alloc::PeakAlloc;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// What may wait for one reader.
const QUEUE: usize = 64 * 1024;
/// Keys of the event of which only the newest counts.
const KEYS: u32 = 20;
/// Messages in flight to those who read.
const WINDOW: u32 = 8;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Mark {
    pub key: u32,
    pub n: u32,
    pub text: String,
}

#[derive(Clone, Debug, Events)]
pub enum Marks {
    Kept(Mark),
    #[event(volatile)]
    Passing(Mark),
    #[event(latest = key)]
    Newest(Mark),
}

/// Reports the code with which a connection ended.
#[derive(Clone)]
pub struct Gone(UnboundedSender<u16>);

#[procedure(ws, incoming = Marks, outgoing = Marks, state = Gone)]
pub mod room {
    use super::*;

    #[connect]
    async fn connect(socket: Socket) -> Result {
        socket.join("room").await
    }

    #[on(Kept)]
    async fn kept(_: Mark) {}

    #[on(Passing)]
    async fn passing(_: Mark) {}

    #[on(Newest)]
    async fn newest(_: Mark) {}

    #[disconnect]
    async fn disconnect(State(Gone(gone)): State<Gone>, reason: CloseReason) {
        let _ = gone.send(reason.code());
    }
}

/// A room with members that read and members that have stopped.
struct Rig {
    io: Io<room::Procedure>,
    gone: UnboundedReceiver<u16>,
    /// One for each message that a reader has seen.
    heard: UnboundedReceiver<()>,
    reading: usize,
    readers: Vec<JoinHandle<()>>,
    stopped: Vec<Client>,
}

impl Rig {
    async fn new(members: usize, stopped: usize) -> Self {
        let (gone, reasons) = unbounded_channel();
        let limits = Limits { queue_bytes: QUEUE as u32, ..limits() };
        let app = App::new().limits(limits).mount("post", router![room]).with_state(Gone(gone));
        let io = app.io::<room::Procedure>();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(app.serve_on_until(listener, std::future::pending()));
        let (hears, heard) = unbounded_channel();
        let reading = members - stopped;
        let mut readers = Vec::new();
        for _ in 0..reading {
            let mut client = Client::open(address, "/api/post/room", "").await.unwrap();
            let hears = hears.clone();
            readers.push(tokio::spawn(async move {
                for n in 0.. {
                    let text = client.next_text().await;
                    if text.contains("over") {
                        break;
                    }
                    assert!(text.contains(&format!("\"n\":{n},")), "{n}: {text:.60}");
                    let _ = hears.send(());
                }
            }));
        }
        let mut silent = Vec::new();
        for _ in 0..stopped {
            silent.push(narrow(address).await);
        }
        Self { io, gone: reasons, heard, reading, readers, stopped: silent }
    }

    /// Emits `count` messages to all, as fast as those who read take them. Returns by how many bytes the
    /// heap grew meanwhile.
    async fn flood(&mut self, count: u32, class: fn(u32) -> Marks) -> usize {
        let held = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let mut complete = 0;
        for n in 0..count {
            class(n).emit(self.io.to("room")).await.unwrap();
            while n + 1 - complete >= WINDOW {
                self.hear_one().await;
                complete += 1;
            }
        }
        while complete < count {
            self.hear_one().await;
            complete += 1;
        }
        HEAP.peak_usage().saturating_sub(held)
    }

    async fn hear_one(&mut self) {
        for _ in 0..self.reading {
            self.heard.recv().await.expect("readers that read on");
        }
    }

    async fn end(self) {
        self.io.to("room").kept(&mark(u32::MAX, "over")).await.unwrap();
        for reader in self.readers {
            reader.await.expect("every message, in order");
        }
    }
}

/// A client with a small window, so that the server's socket is soon full when it stops reading.
async fn narrow(address: SocketAddr) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    // The kernel gives a connection with small segments a small buffer on the server's side as well.
    socket2::SockRef::from(&socket).set_tcp_mss(536).unwrap();
    let stream: TcpStream = socket.connect(address).await.unwrap();
    let mut client = Client::over(stream);
    let answer = client.ask(handshake("/api/post/room", "").as_bytes()).await.unwrap();
    assert_eq!(answer.status, 101);
    client
}

fn mark(n: u32, text: &str) -> Mark {
    Mark { key: n % KEYS, n, text: text.to_owned() }
}

fn padded(n: u32) -> Mark {
    mark(n, &"x".repeat(1000))
}

fn lossy(n: u32) -> Marks {
    if n.is_multiple_of(2) { Marks::Passing(padded(n)) } else { Marks::Newest(padded(n)) }
}

/// What is allocated once for the process, whoever reads, is not counted.
async fn warm_up() {
    let mut rig = Rig::new(40, 0).await;
    rig.flood(3000, lossy).await;
    rig.end().await;
}

/// Messages that are dropped, or replaced by newer ones, close nobody; what is kept for a reader is at
/// most its queue; and a reader that goes on gets the newest message of each key.
async fn nobody_is_closed(members: usize, stopped: usize, messages: u32) {
    let mut rig = Rig::new(members, stopped).await;
    let grown = rig.flood(messages, lossy).await;
    assert_eq!(rig.gone.try_recv().ok(), None, "nobody is closed");
    // What the clients of this process hold is counted as well.
    let most = stopped * QUEUE + members * 4 * WINDOW as usize * 1100;
    assert!(grown < most, "{grown} bytes of {most}");
    let mut after = Vec::new();
    for client in &mut rig.stopped {
        let start = Instant::now();
        // The newest mark of each odd key.
        let mut newest = vec![None; KEYS as usize];
        let is_newest =
            |key: u32, n: Option<u32>| n.is_some_and(|n| n + KEYS >= messages && n % KEYS == key);
        while (1..KEYS).step_by(2).any(|key| !is_newest(key, newest[key as usize])) {
            let (event, mark): (String, Mark) =
                serde_json::from_str(&client.next_text().await).unwrap();
            if event == "newest" {
                let before = newest[mark.key as usize].replace(mark.n);
                assert!(before < Some(mark.n), "{before:?} and then {}", mark.n);
            }
        }
        after.push(start.elapsed());
    }
    assert_eq!(rig.gone.try_recv().ok(), None, "nobody is closed");
    after.sort();
    println!(
        "{members} members, {stopped} stopped, {messages} messages of 1 KB, half volatile and half latest: \
         the heap grew by {} KiB; a reader that went on had the newest of each key after {:?} (median) and \
         {:?} (longest)",
        grown / 1024,
        after[after.len() / 2],
        after[after.len() - 1],
    );
    rig.end().await;
}

/// Reliable messages close those who stop with 1013, and nobody else misses one.
async fn those_who_stop_are_closed(members: usize, stopped: usize, messages: u32) {
    let mut rig = Rig::new(members, stopped).await;
    let grown = rig.flood(messages, |n| Marks::Kept(padded(n))).await;
    for _ in 0..stopped {
        let code = tokio::time::timeout(Duration::from_secs(10), rig.gone.recv()).await;
        assert_eq!(code.expect("closed").unwrap(), 1013);
    }
    println!(
        "{members} members, {stopped} stopped, {messages} reliable messages of 1 KB: all who stopped were \
         closed with 1013; the heap grew by {} KiB",
        grown / 1024
    );
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn classes_keep_readers_that_stop_and_reliable_messages_close_them() {
    warm_up().await;
    nobody_is_closed(40, 6, 3000).await;
    those_who_stop_are_closed(40, 6, 3000).await;
}

/// The figures of `docs/figures.md`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: cargo test -p jstack-tests --all-features --test slow_classes -- --ignored --nocapture"]
async fn a_room_of_a_thousand_with_a_hundred_readers_that_stop() {
    warm_up().await;
    nobody_is_closed(1000, 100, 600).await;
    those_who_stop_are_closed(1000, 100, 600).await;
}
