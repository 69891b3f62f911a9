//! What only a process of its own can show: signals, and descriptors that run out.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use jstack_tests::process::cpu;
use jstack_tests::{Client, Frame};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

struct Other {
    child: Child,
    pid: String,
    address: SocketAddr,
}

impl Other {
    /// `abuse serve`, which may have so many descriptors open; with `default`, under the default
    /// limits.
    async fn start(descriptors: u32, limits: &str) -> Self {
        let serve = format!("ulimit -n {descriptors}; exec \"$0\" serve {limits}");
        let mut child = Command::new("sh")
            .args(["-c", &serve, env!("CARGO_BIN_EXE_abuse")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let mut output = BufReader::new(child.stdout.take().expect("output")).lines();
        let line = output.next_line().await.expect("output").expect("a line");
        let pid = child.id().expect("a running process").to_string();
        Self { child, pid, address: line.parse().expect("an address") }
    }

    async fn terminate(&self) {
        Command::new("kill").args(["-TERM", &self.pid]).status().await.expect("kill");
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_server_at_once() {
    let mut other = Other::start(256, "").await;
    let mut client = Client::chat(other.address).await.expect("a chat");
    // Its handler runs for 30 s, and the drain waits for it as long.
    client.emit("hang", "null").await.expect("sent");
    other.terminate().await;
    assert_eq!(client.end().await, Frame::Close(1012, "the server is restarting".into()));
    let waiting = tokio::time::timeout(Duration::from_secs(1), other.child.wait()).await;
    assert!(waiting.is_err(), "it did not wait for the handler: {waiting:?}");
    let start = Instant::now();
    other.terminate().await;
    let ended = tokio::time::timeout(Duration::from_secs(10), other.child.wait()).await;
    assert!(ended.expect("an end at once").expect("an end").success());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// Handlers that take all workers: `flood_room` never waits, `block` never yields.
#[tokio::test]
async fn the_drain_deadline_ends_the_process_whatever_handlers_do() {
    for busy in ["floodRoom", "block"] {
        let mut other = Other::start(256, "short").await;
        let mut clients = Vec::new();
        for _ in 0..8 {
            clients.push(Client::chat(other.address).await.expect("a chat"));
        }
        for client in &mut clients {
            client.emit(busy, "null").await.expect("sent");
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let start = Instant::now();
        other.terminate().await;
        let ended = tokio::time::timeout(Duration::from_secs(15), other.child.wait()).await;
        let status = ended.expect("an end").expect("a status");
        println!("{busy}: {status} after {:?}", start.elapsed());
        assert_eq!(status.success(), busy == "floodRoom", "{busy}: {status}");
    }
}

/// Without a limit of our own, the system's is hit (EMFILE).
#[tokio::test]
async fn without_descriptors_the_server_waits_for_some_and_neither_ends_nor_spins() {
    let other = Other::start(64, "").await;
    let mut first = Client::chat(other.address).await.expect("a chat");
    let mut crowd = Vec::new();
    for _ in 0..150 {
        crowd.push(Client::tcp(other.address).await.expect("the system takes it"));
    }
    let mut late = Client::tcp(other.address).await.expect("the system takes it");
    let request = b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n";
    let refused = tokio::time::timeout(Duration::from_millis(500), late.ask(request)).await;
    assert!(refused.is_err(), "there was a descriptor left: {refused:?}");
    let (before, length) = (cpu(&other.pid), Duration::from_secs(2));
    tokio::time::sleep(length).await;
    let spent = cpu(&other.pid) - before;
    println!("CPU while there are no descriptors: {spent:?} in {length:?}");
    assert!(spent < length / 4, "it spins: {spent:?} in {length:?}");
    assert!(first.is_well().await, "who is connected already is served");
    drop(crowd);
    assert_eq!(late.answer().await.expect("an answer at last").status, 200);
    assert!(Client::chat(other.address).await.expect("a place").is_well().await);
}

/// The default limit leaves a tenth of the descriptors to everything else, and 32 at least: here the
/// tenth would be 8, and the server's own are more.
#[tokio::test]
async fn by_default_a_crowd_is_refused_before_descriptors_run_out() {
    let other = Other::start(80, "default").await;
    let mut held = Vec::new();
    for _ in 0..80 - 32 {
        held.push(Client::tcp(other.address).await.expect("a connection"));
    }
    // The listener takes one after the other, so that what comes now comes after them.
    let mut late = Client::tcp(other.address).await.expect("a connection");
    let request = b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = late.ask(request).await.expect("an answer");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.head.contains("retry-after: 5"), "{answer:?}");
    drop(held);
    let free = async {
        loop {
            let mut client = Client::tcp(other.address).await.expect("a connection");
            if client.ask(request).await.expect("an answer").status == 200 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), free).await.expect("a free place");
}
