//! Abuse of a server in a process of its own, beside clients that behave.
//!
//! `abuse soak MINUTES` abuses it at random beside 200 chatting clients and prints a verdict;
//! `abuse figures` prints what each attack does to the others' latency and to the server's memory;
//! `abuse drain CONNECTIONS` ends it with SIGTERM and prints how its connections were closed.
//! Build with `--release`.

#![allow(clippy::expect_used, clippy::panic, reason = "a program for developers")]
#![allow(clippy::cast_precision_loss, clippy::duration_suboptimal_units, reason = "its output")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::{BoxError, Limits};
use jstack_tests::client::{frame, handshake, header};
use jstack_tests::{Client, Frame, app, server};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

const ATTACKS: [&str; 12] = [
    "half heads",
    "long heads",
    "slow bodies",
    "declared lengths",
    "fragments",
    "empty continuations",
    "control frames",
    "deep JSON",
    "huge arrays",
    "bad names",
    "readers that do not read",
    "connect and vanish",
];

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => serve().await,
        ["soak", minutes] => soak(Duration::from_secs_f64(minutes.parse::<f64>()? * 60.0)).await,
        ["figures"] => figures().await,
        ["drain", count] => drain(count.parse()?).await,
        _ => Err("usage: abuse soak MINUTES | figures | drain CONNECTIONS".into()),
    }
}

/// The server, in the other process.
async fn serve() -> Result<(), BoxError> {
    let limits = Limits { drain_spread: Duration::from_secs(10), ..server::limits() };
    let (gone, mut reasons) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move { while reasons.recv().await.is_some() {} });
    let application = app::app(limits, gone);
    let io = application.io::<app::ChatProcedure>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    // A line on the standard input is said to everyone.
    tokio::spawn(async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = app::say(&io, &line).await;
        }
    });
    application.serve_on(listener).await
}

struct Other {
    child: Child,
    address: SocketAddr,
    pid: u32,
}

impl Other {
    async fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a path"))
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
        let line = lines.next_line().await.expect("output").expect("a line");
        let pid = child.id().expect("a running process");
        Self { child, address: line.parse().expect("an address"), pid }
    }

    /// Memory of the process, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.expect("the server lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a size");
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    }

    async fn terminate(&mut self) {
        let pid = self.pid.to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill");
    }
}

/// One attack by one client. What goes wrong is what was wanted.
async fn attack(address: SocketAddr, name: &str) {
    let _ = tokio::time::timeout(Duration::from_secs(8), attack_once(address, name)).await;
}

async fn attack_once(address: SocketAddr, name: &str) -> std::io::Result<()> {
    let chat = || Client::open(address, "/api/post/chat?alone", "");
    let bytes = match name {
        "half heads" => {
            let mut client = Client::tcp(address).await?;
            client.send(&handshake("/api/post/chat", "").as_bytes()[..100]).await?;
            client.answer().await?;
            return Ok(());
        }
        "long heads" => {
            let mut client = Client::tcp(address).await?;
            let head = handshake("/api/post/chat", &"x: y\r\n".repeat(20_000));
            client.ask(head.as_bytes()).await?;
            return Ok(());
        }
        "slow bodies" => {
            let mut client = Client::tcp(address).await?;
            let head = "POST /api/post/create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90000\r\n\r\n[";
            client.ask(head.as_bytes()).await?;
            return Ok(());
        }
        "connect and vanish" => {
            let mut client = chat().await?;
            client.emit("join", "\"vanishing\"").await?;
            return Ok(());
        }
        "readers that do not read" => {
            let mut client = chat().await?;
            let text = format!("[\"echo\",\"{}\"]", "x".repeat(60_000));
            for _ in 0..90 {
                client.text(&text).await?;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            return Ok(());
        }
        "declared lengths" => header(0x81, 1 << 62),
        "fragments" => [frame(1, false, b"["), frame(0, false, &[b' '; 500]).repeat(1000)].concat(),
        "empty continuations" => {
            [frame(1, false, b""), frame(0, false, b"").repeat(100_000)].concat()
        }
        "control frames" => frame(9, true, &[1; 125]).repeat(20_000),
        "deep JSON" => {
            frame(1, true, format!("[\"anything\",{}]", "[".repeat(60_000)).as_bytes()).repeat(5)
        }
        "huge arrays" => {
            frame(1, true, format!("[\"anything\",[{}0]]", "0,".repeat(30_000)).as_bytes())
                .repeat(5)
        }
        _ => ["__proto__", "onConnect", "$x", "error", "../flushall"]
            .iter()
            .flat_map(|name| frame(1, true, format!("[\"{name}\",null]").as_bytes()))
            .collect(),
    };
    let mut client = chat().await?;
    let _ = client.send(&bytes).await;
    let _ = client.send(&frame(8, true, b"\x03\xe8")).await;
    while !matches!(client.next().await, Frame::Close(..) | Frame::End) {}
    Ok(())
}

/// A generator of numbers that need not be good.
struct Dice(u64);

impl Dice {
    fn next(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % sides
    }
}

/// What the clients that behave found wrong.
#[derive(Default)]
struct Findings {
    said: AtomicU64,
    heard: AtomicU64,
    lost_or_twice: AtomicU64,
    errors: AtomicU64,
    closed: AtomicU64,
}

const WELL_BEHAVED: usize = 200;

async fn soak(length: Duration) -> Result<(), BoxError> {
    let other = Other::start().await;
    let findings = Arc::new(Findings::default());
    let stop = Arc::new(AtomicBool::new(false));
    let mut well = JoinSet::new();
    let mut ready = Vec::new();
    for n in 0..WELL_BEHAVED {
        let client = Client::chat(other.address).await?;
        let (tell, told) = tokio::sync::oneshot::channel();
        ready.push(tell);
        well.spawn(behave(n, client, told, findings.clone(), stop.clone()));
    }
    for tell in ready {
        let _ = tell.send(());
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let start = Instant::now();
    let mut attackers = JoinSet::new();
    let attacks = Arc::new(AtomicU64::new(0));
    for n in 0..16 {
        let (address, attacks) = (other.address, attacks.clone());
        attackers.spawn(async move {
            let mut dice = Dice(n * 7919 + 1);
            while start.elapsed() < length {
                attack(address, ATTACKS[dice.next(ATTACKS.len())]).await;
                attacks.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut memory = Vec::new();
    while start.elapsed() < length {
        tokio::time::sleep((length / 10).min(Duration::from_secs(60))).await;
        memory.push(other.memory());
    }
    while attackers.join_next().await.is_some() {}
    tokio::time::sleep(Duration::from_secs(12)).await;
    let after = other.memory();
    stop.store(true, Ordering::Release);
    while well.join_next().await.is_some() {}
    let get = |counter: &AtomicU64| counter.load(Ordering::Acquire);
    let (said, heard) = (get(&findings.said), get(&findings.heard));
    let wrong = [&findings.lost_or_twice, &findings.errors, &findings.closed].map(get);
    println!(
        "{:.1} minutes, {} attacks beside {WELL_BEHAVED} clients: {said} messages said, {heard} heard \
         ({} expected), {} lost or twice, {} errors, {} closed; server memory {memory:?} KiB, {after} \
         at the end",
        length.as_secs_f64() / 60.0,
        get(&attacks),
        said * WELL_BEHAVED as u64,
        wrong[0],
        wrong[1],
        wrong[2],
    );
    let first = memory.first().copied().unwrap_or(after);
    let leak = after > first + 16 * 1024;
    if wrong == [0; 3] && heard == said * WELL_BEHAVED as u64 && !leak {
        println!("verdict: good");
        return Ok(());
    }
    Err(format!("verdict: bad{}", if leak { ", memory grew by more than 16 MiB" } else { "" })
        .into())
}

/// Says something once a second, and hears everyone in order and once.
async fn behave(
    me: usize,
    mut client: Client,
    ready: tokio::sync::oneshot::Receiver<()>,
    findings: Arc<Findings>,
    stop: Arc<AtomicBool>,
) {
    let _ = ready.await;
    let mut next: HashMap<usize, u64> = HashMap::new();
    let (mut said, mut quiet_since) = (0u64, None::<Instant>);
    let mut due = Instant::now() + Duration::from_millis(me as u64 * 5);
    loop {
        if stop.load(Ordering::Acquire) {
            let quiet = quiet_since.get_or_insert_with(Instant::now);
            if quiet.elapsed() > Duration::from_secs(3) {
                return;
            }
        } else if Instant::now() >= due {
            due += Duration::from_secs(1);
            if client.emit("say", &format!("\"{me}:{said}\"")).await.is_err() {
                findings.closed.fetch_add(1, Ordering::AcqRel);
                return;
            }
            said += 1;
            findings.said.fetch_add(1, Ordering::AcqRel);
        }
        let wait = due.saturating_duration_since(Instant::now()).min(Duration::from_millis(200));
        // Reading only fills the client's buffer: nothing is lost when the time is up.
        match tokio::time::timeout(wait, client.next()).await {
            Err(_) | Ok(Frame::Control(..)) => {}
            Ok(Frame::Text(text)) => {
                let heard = text.strip_prefix("[\"say\",\"").and_then(|t| t.strip_suffix("\"]"));
                let pair = heard.and_then(|heard| {
                    let (who, count) = heard.split_once(':')?;
                    Some((who.parse::<usize>().ok()?, count.parse::<u64>().ok()?))
                });
                let Some((who, count)) = pair else {
                    findings.errors.fetch_add(1, Ordering::AcqRel);
                    continue;
                };
                findings.heard.fetch_add(1, Ordering::AcqRel);
                let expected = next.insert(who, count + 1).unwrap_or_default();
                if expected != count {
                    findings.lost_or_twice.fetch_add(1, Ordering::AcqRel);
                }
            }
            Ok(Frame::Close(..) | Frame::End) => {
                findings.closed.fetch_add(1, Ordering::AcqRel);
                return;
            }
        }
    }
}

/// What an attack does to the others and to memory.
async fn figures() -> Result<(), BoxError> {
    let other = Other::start().await;
    half_heads(&other).await?;
    println!(
        "{:26} {:>9} {:>9} {:>9} {:>10} {:>10}",
        "attack", "p50", "p99", "max", "KiB before", "KiB after"
    );
    for name in std::iter::once("(nothing)").chain(ATTACKS) {
        let before = other.memory();
        let stop = Arc::new(AtomicBool::new(false));
        let mut attackers = JoinSet::new();
        for _ in 0..if name == "(nothing)" { 0 } else { 16 } {
            let (address, stop) = (other.address, stop.clone());
            attackers.spawn(async move {
                while !stop.load(Ordering::Acquire) {
                    attack(address, name).await;
                }
            });
        }
        let mut latencies = latencies(other.address, Duration::from_secs(4)).await?;
        stop.store(true, Ordering::Release);
        while attackers.join_next().await.is_some() {}
        tokio::time::sleep(Duration::from_secs(6)).await;
        latencies.sort_unstable();
        let at = |thousandth: usize| latencies[(latencies.len() - 1) * thousandth / 1000];
        println!(
            "{name:26} {:>9.2?} {:>9.2?} {:>9.2?} {before:>10} {:>10}",
            at(500),
            at(990),
            at(1000),
            other.memory()
        );
    }
    Ok(())
}

/// Round trips of 50 clients, 20 a second each.
async fn latencies(address: SocketAddr, length: Duration) -> Result<Vec<Duration>, BoxError> {
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let mut client = Client::open(address, "/api/post/chat?alone", "").await?;
        tasks.spawn(async move {
            let (start, mut found) = (Instant::now(), Vec::new());
            while start.elapsed() < length {
                let before = Instant::now();
                assert!(client.is_well().await, "a client that behaves was closed");
                found.push(before.elapsed());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            found
        });
    }
    Ok(tasks.join_all().await.concat())
}

/// A thousand half-sent heads under the default of five seconds.
async fn half_heads(other: &Other) -> Result<(), BoxError> {
    let start = Instant::now();
    let mut half = JoinSet::new();
    for _ in 0..1000 {
        let mut client = Client::tcp(other.address).await?;
        client.send(&handshake("/api/post/chat", "").as_bytes()[..100]).await?;
        half.spawn(async move { client.answer().await });
    }
    let mut healthy = Vec::new();
    while healthy.len() < 400 && start.elapsed() < Duration::from_secs(4) {
        let before = Instant::now();
        Client::chat(other.address).await?;
        healthy.push(before.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    half.join_all().await;
    let gone = start.elapsed();
    healthy.sort_unstable();
    println!(
        "1000 half heads gone {gone:.2?} after the first; {} handshakes meanwhile: p50 {:.2?}, p99 {:.2?}, max {:.2?}",
        healthy.len(),
        healthy[healthy.len() / 2],
        healthy[healthy.len() * 99 / 100],
        healthy[healthy.len() - 1],
    );
    Ok(())
}

/// The end of a server with many connections.
async fn drain(count: usize) -> Result<(), BoxError> {
    let mut other = Other::start().await;
    let idle = other.memory();
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        clients.push(Client::chat(other.address).await?);
    }
    let full = other.memory();
    println!(
        "{count} connections: {} KiB of memory, {:.2} each",
        full - idle,
        (full - idle) as f64 / count as f64
    );
    let mut input = other.child.stdin.take().ok_or("no input")?;
    tokio::io::AsyncWriteExt::write_all(&mut input, b"last words\n").await?;
    // Until the first has heard it, the signal could come before the emit.
    let mut first = clients.pop().ok_or("no connection")?;
    let mut heard = usize::from(first.next_text().await.contains("last words"));
    // Its runtime ends when its reading of the standard input does.
    drop(input);
    other.terminate().await;
    let start = Instant::now();
    let mut ends = JoinSet::new();
    for mut client in std::iter::once(first).chain(clients) {
        ends.spawn(async move {
            let mut heard = 0;
            loop {
                match client.next().await {
                    Frame::Text(text) => heard += usize::from(text.contains("last words")),
                    Frame::Control(..) => {}
                    Frame::Close(code, _) => return (heard, code, start.elapsed()),
                    Frame::End => return (heard, 1006, start.elapsed()),
                }
            }
        });
    }
    let ends = ends.join_all().await;
    other.child.wait().await?;
    let over = start.elapsed();
    heard += ends.iter().map(|(heard, ..)| heard).sum::<usize>();
    let restarting = ends.iter().filter(|(_, code, _)| *code == 1012).count();
    let mut seconds = [0; 16];
    for (.., at) in &ends {
        seconds[usize::try_from(at.as_secs()).unwrap_or(15).min(15)] += 1;
    }
    println!(
        "{heard} of {count} heard the last words; {restarting} closed with 1012; a second each: {seconds:?}; process gone after {over:.2?}"
    );
    if heard == count && restarting == count { Ok(()) } else { Err("verdict: bad".into()) }
}
