//! Processes on one Redis: one is killed, one is stopped for a while and goes on.
//!
//! The other processes are this very program, started again with the room to be in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod redis_support;

use std::collections::BTreeSet;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jstack_runtime::broker::Scope;
use jstack_runtime::{Emitter, Redis};
use redis_support::{Item, Process, Server, kill, message, text};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

const ROOM: Scope<'static> = Scope::Room("general");
const URL: &str = "JSTACK_TEST_CHILD_REDIS";

/// Another process: what it says is what it took or heard.
struct Other {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Other {
    /// Starts one that runs `test` of this program, and waits until it has joined.
    async fn start(server: &Server, test: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(URL, server.url())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut other = Self { child, lines };
        while other.line().await.as_deref() != Some("joined") {}
        other
    }

    async fn line(&mut self) -> Option<String> {
        timeout(Duration::from_secs(30), self.lines.next_line())
            .await
            .expect("it says something")
            .unwrap()
    }

    fn signal(&self, signal: &str) {
        kill(self.child.id().unwrap(), signal);
    }

    async fn killed(&mut self) -> ExitStatus {
        self.child.kill().await.unwrap();
        self.child.wait().await.unwrap()
    }
}

/// The Redis that this program was started for, if it was started as another process.
fn started_for() -> Option<Process> {
    let url = std::env::var(URL).ok()?;
    Some(Process::new(Arc::new(Redis::new(&url).unwrap())))
}

/// Not a test: the part of a process that publishes numbers without end.
#[tokio::test]
#[ignore = "started by the test that kills it"]
async fn publishes_until_killed() {
    let Some(process) = started_for() else { return };
    process.join(ROOM).await.unwrap();
    println!("joined");
    for n in 0.. {
        if process.publish(ROOM, &text(n)).await.is_ok() {
            println!("took {n}");
        }
    }
}

/// Not a test: the part of a process that listens until it hears the last number.
#[tokio::test]
#[ignore = "started by the test that stops it"]
async fn listens_until_the_end() {
    let Some(process) = started_for() else { return };
    process.join(ROOM).await.unwrap();
    println!("joined");
    let end = Item::Message("[\"end\",null]".to_owned());
    let heard = process.rooms.until(ROOM, |items| items.last() == Some(&end)).await;
    for item in heard {
        match item {
            Item::Message(text) => println!("heard {text}"),
            Item::Gap(_) => println!("gap"),
        }
    }
    println!("that is all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_process_that_is_killed_takes_nothing_with_it_that_redis_took() {
    let server = Server::start();
    let here = Process::redis(&server);
    here.join(ROOM).await.unwrap();
    let mut other = Other::start(&server, "publishes_until_killed").await;
    let mut taken = BTreeSet::new();
    while taken.len() < 500 {
        let line = other.line().await.unwrap();
        taken.extend(line.strip_prefix("took ").map(|n| n.parse::<u64>().unwrap()));
    }
    assert!(!other.killed().await.success());
    while let Some(line) = other.line().await {
        taken.extend(line.strip_prefix("took ").map(|n| n.parse::<u64>().unwrap()));
    }
    let last = *taken.last().unwrap();
    let heard = here.rooms.until(ROOM, |items| items.contains(&message(last))).await;
    let contiguous: Vec<_> = (0..heard.len() as u64).map(message).collect();
    assert_eq!(heard, contiguous);
    // What is left goes on, and Redis is rid of the dead.
    here.publish(ROOM, "[\"on\",1]").await.unwrap();
    here.rooms.until(ROOM, |items| items.contains(&Item::Message("[\"on\",1]".to_owned()))).await;
    let buried = async {
        while server.connections().len() != 2 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), buried).await.expect("two connections are left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_process_that_was_stopped_hears_everything_or_is_told() {
    // Small limits, so that Redis gives up on a subscriber that does not read.
    for (limit, cut) in [("pubsub 0 0 0", false), ("pubsub 1mb 512kb 2", true)] {
        let server = Server::start_with(&["--client-output-buffer-limit", limit]);
        let here = Process::redis(&server);
        let mut other = Other::start(&server, "listens_until_the_end").await;
        let padding = "x".repeat(16 * 1024);
        let published =
            |n: u64| here.publish(ROOM, &format!("[\"n\",{{\"n\":{n},\"x\":\"{padding}\"}}]"));
        let mut n = 0;
        while n < 100 {
            published(n).await.unwrap();
            n += 1;
        }
        other.signal("STOP");
        for _ in 0..1_000 {
            published(n).await.unwrap();
            n += 1;
            sleep(Duration::from_millis(8)).await;
        }
        other.signal("CONT");
        // It may need a moment to be back; then it hears the end.
        let mut log = Vec::new();
        let end = async {
            loop {
                let _ = here.publish(ROOM, "[\"end\",null]").await;
                sleep(Duration::from_millis(100)).await;
            }
        };
        let read = async {
            loop {
                let line = other.line().await.expect("it speaks until the end");
                if line == "that is all" {
                    break;
                }
                log.push(line);
            }
        };
        tokio::select! {
            () = end => {}
            () = read => {}
        }
        let (mut expected, mut gap, mut gaps) = (0, false, 0);
        for line in &log {
            if line == "gap" {
                (gap, gaps) = (true, gaps + 1);
            } else if let Some(json) = line.strip_prefix("heard [\"n\",") {
                let data: serde_json::Value =
                    serde_json::from_str(&json[..json.len() - 1]).unwrap();
                let heard = data["n"].as_u64().unwrap();
                assert!(heard >= expected, "{heard} came twice or late");
                assert!(heard == expected || gap, "{expected} to {heard} are missing silently");
                (expected, gap) = (heard + 1, false);
            }
        }
        assert!(expected == n || gap, "the end was lost silently");
        assert_eq!(gaps > 0, cut, "limit {limit}: {gaps} gaps, {expected} of {n}");
    }
}

mod procedures {
    use jstack_runtime::prelude::*;

    #[derive(Clone, Debug, Events)]
    pub enum Chat {
        Message(String),
    }

    #[procedure(ws, incoming = Chat, outgoing = Chat)]
    pub mod chat {
        use super::*;

        #[on(Message)]
        async fn message(io: Io, text: String) -> Result {
            io.to("general").message(&text).await
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_worker_emits_without_a_server_and_by_one_connection() {
    let server = Server::start();
    let here = Process::redis(&server);
    here.join(ROOM).await.unwrap();
    let emitter = Emitter::connect(&server.url()).await.unwrap();
    let io = emitter.io::<procedures::chat::Procedure>("post/chat");
    io.to("general").message("from a worker").await.unwrap();
    let heard = here.rooms.until(ROOM, |items| !items.is_empty()).await;
    assert_eq!(heard, [Item::Message("[\"message\",\"from a worker\"]".to_owned())]);
    // The one that looked who is there is gone in a moment.
    let three = async {
        while server.connections().len() != 3 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), three).await.expect("two of the process and one of the worker");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_worker_is_heard_by_the_application_of_its_name_and_told_if_there_is_none() {
    use jstack_runtime::{App, router};
    use procedures::chat;

    let server = Server::start();
    let emitter = async |name| Emitter::connect_as(name, &server.url()).await.unwrap();
    // Nobody listens yet, which is not the worker's mistake.
    emitter("shop").await.check().await.unwrap();

    let app = App::new()
        .name("shop")
        .broker(Redis::new(&server.url()).unwrap())
        .mount("post", router![chat]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(app.serve_on_until(listener, std::future::pending()));
    // It listens without any socket: nobody has to come first.
    let listens = async {
        while !server.cli(&["pubsub", "channels"]).contains("shop::probe:") {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), listens).await.expect("it listens");

    emitter("shop").await.check().await.unwrap();
    let stranger = Emitter::connect(&server.url()).await.unwrap();
    let error = stranger.check().await.unwrap_err().to_string();
    assert!(error.contains("the name `jstack`") && error.contains("under `shop`"), "{error}");

    let mut client = jstack_tests::Client::chat(address).await.unwrap();
    for (emitter, text) in [(&stranger, "not heard"), (&emitter("shop").await, "heard")] {
        let io = emitter.io::<chat::Procedure>("post/chat");
        io.all().message(text).await.unwrap();
    }
    let text = "[\"message\",\"heard\"]".to_owned();
    assert_eq!(client.next().await, jstack_tests::Frame::Text(text));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_worker_is_told_that_redis_is_not_there() {
    let port = redis_support::free_port();
    let error = Emitter::connect(&format!("redis://:s3cret@127.0.0.1:{port}")).await.unwrap_err();
    assert!(
        error.to_string().contains("refused") && !error.to_string().contains("s3cret"),
        "{error}"
    );
}
