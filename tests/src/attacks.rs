//! The known attacks, as clients: each does its worst once and ends when the server ends it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::{Client, Frame, frame, handshake, header};

/// A kind of abuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Heads that stop half way: slowloris.
    HalfHeads,
    /// Heads of which a byte comes now and then.
    TricklingHeads,
    /// A header of a megabyte.
    LongHeads,
    /// Bodies that do not come.
    SlowBodies,
    /// Frames that declare 2^62 bytes.
    DeclaredLengths,
    /// A message in more fragments than it may have.
    Fragments,
    /// The same without a byte in them.
    EmptyContinuations,
    /// Pings, as fast as they go.
    ControlFrames,
    /// Messages far above the rate.
    Messages,
    /// Answers that nobody reads.
    NeverReading,
    /// Brackets within brackets.
    DeepJson,
    /// Arrays as long as a message may be.
    HugeArrays,
    /// Keys that collide under a hash without a secret.
    CollidingKeys,
    /// Text that is none.
    InvalidUtf8,
    /// Events that mean something elsewhere.
    Names,
    /// Rooms that mean something elsewhere, and many of them.
    Rooms,
    /// Handshakes of foreign pages.
    Origins,
    /// Forms of foreign pages.
    Forms,
    /// Lines of a log and headers in a close reason.
    Injections,
    /// Panics in every kind of handler and in `Drop`.
    Panics,
    /// Sockets that are gone as soon as they are open.
    Vanishing,
    /// Frames of random bytes.
    Noise,
}

/// Each of them once.
pub const ATTACKS: [Attack; 22] = [
    Attack::HalfHeads,
    Attack::TricklingHeads,
    Attack::LongHeads,
    Attack::SlowBodies,
    Attack::DeclaredLengths,
    Attack::Fragments,
    Attack::EmptyContinuations,
    Attack::ControlFrames,
    Attack::Messages,
    Attack::NeverReading,
    Attack::DeepJson,
    Attack::HugeArrays,
    Attack::CollidingKeys,
    Attack::InvalidUtf8,
    Attack::Names,
    Attack::Rooms,
    Attack::Origins,
    Attack::Forms,
    Attack::Injections,
    Attack::Panics,
    Attack::Vanishing,
    Attack::Noise,
];

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::HalfHeads => "half heads",
            Self::TricklingHeads => "trickling heads",
            Self::LongHeads => "long heads",
            Self::SlowBodies => "slow bodies",
            Self::DeclaredLengths => "declared lengths",
            Self::Fragments => "fragments",
            Self::EmptyContinuations => "empty continuations",
            Self::ControlFrames => "control frames",
            Self::Messages => "messages above the rate",
            Self::NeverReading => "readers that do not read",
            Self::DeepJson => "deep JSON",
            Self::HugeArrays => "huge arrays",
            Self::CollidingKeys => "colliding keys",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::Names => "event names",
            Self::Rooms => "room names",
            Self::Origins => "foreign origins",
            Self::Forms => "foreign forms",
            Self::Injections => "injections",
            Self::Panics => "panics",
            Self::Vanishing => "connect and vanish",
            Self::Noise => "noise",
        })
    }
}

impl Attack {
    /// Does it once, as one client. Returns when the server has ended it, or when it has nothing
    /// more to do; what the server answers counts for nothing.
    ///
    /// Fails where the server does not even let it begin.
    pub async fn run(self, address: SocketAddr) -> io::Result<()> {
        match self {
            Self::HalfHeads => {
                let mut client = Client::tcp(address).await?;
                client.send(&handshake("/api/post/chat", "").as_bytes()[..100]).await?;
                client.answer().await.map(drop)
            }
            Self::TricklingHeads => trickle(Client::tcp(address).await?).await,
            Self::LongHeads => {
                let head = handshake("/api/post/chat", &format!("x: {}\r\n", "y".repeat(1 << 20)));
                Client::tcp(address).await?.ask(head.as_bytes()).await.map(drop)
            }
            Self::SlowBodies => {
                let request = post("create", "", "application/json", "[", 90_000);
                Client::tcp(address).await?.ask(request.as_bytes()).await.map(drop)
            }
            Self::Origins => origins(address).await,
            Self::Forms => forms(address).await,
            Self::Injections => injections(address).await,
            Self::Panics => panics(address).await,
            Self::NeverReading => {
                let mut client = socket(address).await?;
                let echo = text(&format!("[\"echo\",\"{}\"]", "x".repeat(60_000)));
                for _ in 0..90 {
                    client.send(&echo).await?;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(())
            }
            Self::Vanishing => {
                let mut client = socket(address).await?;
                client.emit("join", "\"vanishing\"").await
            }
            _ => until_the_end(socket(address).await?, &self.frames()).await,
        }
    }

    /// What the attacks send that are nothing but frames.
    fn frames(self) -> Vec<u8> {
        match self {
            Self::DeclaredLengths => header(0x81, 1 << 62),
            Self::Fragments => {
                [frame(1, false, b"["), frame(0, false, &[b' '; 500]).repeat(1000)].concat()
            }
            Self::EmptyContinuations => {
                [frame(1, false, b""), frame(0, false, b"").repeat(100_000)].concat()
            }
            Self::ControlFrames => frame(9, true, &[1; 125]).repeat(20_000),
            Self::Messages => text("[\"echo\",\"x\"]").repeat(20_000),
            Self::DeepJson => text(&format!("[\"anything\",{}]", "[".repeat(60_000))).repeat(5),
            Self::HugeArrays => {
                text(&format!("[\"anything\",[{}0]]", "0,".repeat(30_000))).repeat(5)
            }
            Self::CollidingKeys => text(&format!("[\"anything\",{{{}}}]", colliding())).repeat(5),
            Self::InvalidUtf8 => frame(1, true, b"[\"echo\",\"\xed\xa0\x80\"]"),
            Self::Rooms => {
                let hostile = ["../flushall", "*", "general*", "%00", "a\\r\\nFLUSHALL\\r\\n"];
                let many = (0..150).map(|n| format!("{n}{}", "x".repeat(150)));
                hostile
                    .map(str::to_owned)
                    .into_iter()
                    .chain(many)
                    .flat_map(|room| text(&format!("[\"join\",\"{room}\"]")))
                    .collect()
            }
            Self::Noise => noise(),
            _ => ["__proto__", "onConnect", "$x", "error", "toString", "\\u0000", "", "ping"]
                .iter()
                .flat_map(|name| text(&format!("[\"{name}\",null]")))
                .collect(),
        }
    }
}

/// A socket that hears nothing of the others.
async fn socket(address: SocketAddr) -> io::Result<Client> {
    Client::open(address, "/api/post/chat?alone", "").await
}

fn text(text: &str) -> Vec<u8> {
    frame(1, true, text.as_bytes())
}

/// Sends what there is, says goodbye, and waits for the end, whichever it is.
async fn until_the_end(mut client: Client, bytes: &[u8]) -> io::Result<()> {
    let _ = client.send(bytes).await;
    let _ = client.send(&frame(8, true, b"\x03\xe8")).await;
    while !matches!(client.next().await, Frame::Close(..) | Frame::End) {}
    Ok(())
}

async fn trickle(mut client: Client) -> io::Result<()> {
    for byte in handshake("/api/post/chat", &"x: y\r\n".repeat(100)).bytes() {
        if client.send(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// A POST whose body is declared to be `length` bytes long.
fn post(path: &str, more: &str, kind: &str, body: &str, length: usize) -> String {
    format!(
        "POST /api/post/{path} HTTP/1.1\r\nhost: localhost\r\n{more}content-type: {kind}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

async fn origins(address: SocketAddr) -> io::Result<()> {
    for origin in [
        "null",
        "",
        "*",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://localhost, http://evil.example",
    ] {
        let request = handshake("/api/post/chat", &format!("origin: {origin}\r\n"));
        Client::tcp(address).await?.ask(request.as_bytes()).await?;
    }
    Ok(())
}

async fn forms(address: SocketAddr) -> io::Result<()> {
    let foreign = "origin: https://evil.example\r\ncookie: session=1\r\n";
    for kind in ["application/x-www-form-urlencoded", "text/plain"] {
        for more in [foreign, ""] {
            let request = post("touch", more, kind, "a=1", 3);
            Client::tcp(address).await?.ask(request.as_bytes()).await?;
        }
    }
    Ok(())
}

async fn injections(address: SocketAddr) -> io::Result<()> {
    let mut client = socket(address).await?;
    let line = r#""bye\r\nHTTP/1.1 200 OK\r\nset-cookie: a=b\r\n\r\n2026-01-01 ERROR all is lost""#;
    client.emit("close", line).await?;
    client.end().await;
    let said = b"\x0f\xa0gone\n2026-01-01 ERROR all is lost";
    until_the_end(socket(address).await?, &frame(8, true, said)).await
}

async fn panics(address: SocketAddr) -> io::Result<()> {
    for (event, data) in [
        ("panic", "null"),
        ("panicInDrop", "null"),
        ("fail", "\"panic please\""),
        ("close", "\"panic please\""),
    ] {
        let mut client = socket(address).await?;
        client.emit(event, data).await?;
        client.end().await;
    }
    let upgrade = handshake("/api/post/chat?panic", "");
    let get = "GET /api/post/broken HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned();
    let create = post("create", "", "application/json", "\"panic please\"", 14);
    for request in [upgrade, get, create] {
        Client::tcp(address).await?.ask(request.as_bytes()).await?;
    }
    Ok(())
}

/// Keys that are equal under FNV and multiplicative hashes of small state.
fn colliding() -> String {
    let key =
        |n: u32| (0..12).map(|bit| if n >> bit & 1 == 0 { "Aa" } else { "BB" }).collect::<String>();
    (0..1800).map(|n| format!("\"{}\":1", key(n))).collect::<Vec<_>>().join(",")
}

/// Frames with random heads and bodies, other ones each time.
fn noise() -> Vec<u8> {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let mut dice = Dice::new(SEED.fetch_add(1, Ordering::Relaxed));
    let mut bytes = Vec::new();
    for _ in 0..=dice.next(20) {
        let payload: Vec<u8> =
            (0..dice.next(300)).map(|_| u8::try_from(dice.next(256)).unwrap_or(0)).collect();
        let opcode = u8::try_from(dice.next(16)).unwrap_or(0);
        // Mostly frames that are read to their end, as the first that is none ends it all.
        let opcode = if dice.next(4) > 0 { [1, 2, 9, 10][dice.next(4)] } else { opcode };
        bytes.extend_from_slice(&frame(opcode, dice.next(8) > 0, &payload));
    }
    bytes
}

/// A generator of numbers that need not be good.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `sides`.
    pub fn next(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % sides
    }
}
