//! Presence in several processes on one Redis: one is killed, one is stopped and continues, one is cut
//! off; and on a Redis Cluster.
//!
//! The other processes are this very program, started again with a room to be in.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod redis_support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use jstack_runtime::Redis;
use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::server::limits;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use redis_support::cluster::Cluster;
use redis_support::proxy::Proxy;
use redis_support::{Server, kill};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::sleep;

const URL: &str = "JSTACK_TEST_CHILD_REDIS";

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Nothing(()),
}

#[procedure(ws, incoming = Chat, outgoing = Chat, presence = bool)]
pub mod rooms {
    use super::*;

    pub struct Session {
        name: String,
    }

    #[connect]
    async fn connect(socket: Socket, Bearer(name): Bearer) -> Result<Session> {
        socket.join("hall").await?;
        Ok(Session { name })
    }

    #[member]
    fn member(session: &Session) -> Member<String> {
        Member::new(&session.name, session.name.clone())
    }

    #[on(Nothing)]
    async fn nothing(_: ()) {}
}

struct Here {
    address: SocketAddr,
    path: String,
    io: Io<rooms::Procedure>,
}

impl Here {
    async fn start(url: &str) -> Self {
        Self::start_in("post", url).await
    }

    async fn start_in(folder: &str, url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = App::new().mount(folder, router![rooms]).limits(limits());
        let app = app.broker(Redis::new(url).unwrap());
        let io = app.io::<rooms::Procedure>();
        tokio::spawn(app.serve_on_until(listener, std::future::pending()));
        Self { address, path: format!("/api/{folder}/rooms"), io }
    }

    async fn member(&self, name: &str) -> Client {
        let more = format!("authorization: Bearer {name}\r\n");
        Client::open(self.address, &self.path, &more).await.unwrap()
    }

    /// A process learns of a new master a little later than this test does, and answers 503 until then.
    async fn member_when_redis_is_back(&self, name: &str) -> Client {
        let more = format!("authorization: Bearer {name}\r\n");
        let since = Instant::now();
        loop {
            match Client::open(self.address, &self.path, &more).await {
                Ok(client) => return client,
                Err(error) => assert!(since.elapsed() < Duration::from_secs(15), "{error}"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// A client of the profile `v1` that is in the room and watches it.
    async fn watcher(&self, name: &str) -> Watcher {
        let more = format!("authorization: Bearer {name}\r\nsec-websocket-protocol: jstack.v1\r\n");
        let client = Client::open(self.address, &self.path, &more).await.unwrap();
        let mut watcher = Watcher { client };
        watcher.client.text(r#"["$presence",{"r":"hall"},{"i":"1"}]"#).await.unwrap();
        for name in ["$welcome", "$room", "$ok"] {
            assert_eq!(watcher.next().await[0], name);
        }
        watcher
    }

    async fn keys(&self) -> Vec<String> {
        let members = self.io.presence("hall").list().await.unwrap();
        members.into_iter().map(|member| member.key).collect()
    }

    /// Waits until these are the members. Returns how long it took.
    async fn until(&self, keys: &[&str]) -> Duration {
        let started = Instant::now();
        loop {
            let found = self.keys().await;
            if found == keys {
                return started.elapsed();
            }
            assert!(started.elapsed() < Duration::from_secs(25), "{found:?}, not {keys:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

struct Watcher {
    client: Client,
}

impl Watcher {
    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.client.next_text().await).expect("a frame")
    }

    /// How often each key has gone, until nothing more comes for `quiet`.
    async fn gone(&mut self, quiet: Duration) -> Vec<String> {
        let mut gone = Vec::new();
        while let Ok(frame) = tokio::time::timeout(quiet, self.next()).await {
            let keys = frame[1]["gone"].as_array().into_iter().flatten();
            gone.extend(keys.map(|key| key.as_str().unwrap().to_owned()));
        }
        gone.sort();
        gone
    }
}

/// Another process, in which `name` is in the room.
async fn other(server: &Server, name: &str) -> Child {
    other_in("post", server, name).await
}

async fn other_in(folder: &str, server: &Server, name: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stays_in_the_room", "--ignored", "--nocapture"])
        .env(URL, server.url())
        .env("JSTACK_TEST_MEMBER", name)
        .env("JSTACK_TEST_FOLDER", folder)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next_line().await.unwrap().as_deref() != Some("joined") {}
    child
}

/// Not a test: the part of a process with a member.
#[tokio::test]
#[ignore = "started by the tests that stop it"]
async fn stays_in_the_room() {
    let Ok(url) = std::env::var(URL) else { return };
    let here = Here::start_in(&std::env::var("JSTACK_TEST_FOLDER").unwrap(), &url).await;
    let _member = here.member(&std::env::var("JSTACK_TEST_MEMBER").unwrap()).await;
    println!("joined");
    sleep(Duration::from_mins(3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn members_of_a_killed_process_leave_and_those_of_a_stopped_one_come_back() {
    let server = Server::start();
    let here = Here::start(&server.url()).await;
    let _ann = here.member("ann").await;
    let mut killed = other(&server, "bo").await;
    let stopped = other(&server, "cy").await;
    let came = here.until(&["ann", "bo", "cy"]).await;
    assert!(came < Duration::from_secs(2), "{came:?}");
    // A process that starts later learns of all, also without a member of its own.
    let late = Here::start(&server.url()).await;
    late.until(&["ann", "bo", "cy"]).await;
    let mut watcher = here.watcher("ann").await;

    kill(stopped.id().unwrap(), "STOP");
    killed.kill().await.unwrap();
    let gone = here.until(&["ann"]).await;
    println!("members of a killed process left after {gone:?}");
    assert!(gone < Duration::from_secs(16), "{gone:?}");
    // A lease later it is still said once.
    assert_eq!(watcher.gone(Duration::from_secs(3)).await, ["bo", "cy"]);
    kill(stopped.id().unwrap(), "CONT");
    let back = here.until(&["ann", "cy"]).await;
    println!("the member of the stopped process was back after {back:?}");
    late.until(&["ann", "cy"]).await;
}

/// The metrics of presence of one procedure.
fn metrics(snapshotter: &Snapshotter, sums: &mut BTreeMap<String, u64>) {
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let name = key.name().strip_prefix("jstack_presence_");
        let (Some(name), true) = (name, key.labels().any(|it| it.value() == "metered/rooms"))
        else {
            continue;
        };
        match value {
            // Counted since the snapshot before.
            DebugValue::Counter(count) => *sums.entry(name.to_owned()).or_default() += count,
            DebugValue::Gauge(now) => drop(sums.insert(name.to_owned(), now.0 as u64)),
            DebugValue::Histogram(_) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn metrics_count_the_other_processes_what_was_asked_and_what_expired() {
    let recorder = DebuggingRecorder::new();
    let (snapshotter, mut sums) = (recorder.snapshotter(), BTreeMap::new());
    recorder.install().expect("the only recorder");
    let server = Server::start();
    let mut other = other_in("metered", &server, "bo").await;
    // It has to ask for what was before it.
    let here = Here::start_in("metered", &server.url()).await;
    let _ann = here.member("ann").await;
    here.until(&["ann", "bo"]).await;
    metrics(&snapshotter, &mut sums);
    assert_eq!((sums["processes"], sums["members"]), (1, 2), "{sums:?}");
    assert!(sums["asked_total"] >= 1, "{sums:?}");
    assert_eq!(sums["expired_total"], 0, "{sums:?}");
    other.kill().await.unwrap();
    here.until(&["ann"]).await;
    metrics(&snapshotter, &mut sums);
    assert_eq!((sums["processes"], sums["members"]), (0, 1), "{sums:?}");
    assert_eq!(sums["expired_total"], 1, "{sums:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn an_outage_of_redis_makes_nobody_leave_and_afterwards_all_is_current() {
    let mut server = Server::start();
    let one = Here::start(&server.url()).await;
    let two = Here::start(&server.url()).await;
    let _ann = one.member("ann").await;
    let bo = two.member("bo").await;
    one.until(&["ann", "bo"]).await;
    server.kill();
    drop(bo);
    two.until(&["ann"]).await;
    // Longer than a lease.
    let ends = Instant::now() + Duration::from_secs(18);
    while Instant::now() < ends {
        assert_eq!(one.keys().await, ["ann", "bo"]);
        assert_eq!(two.keys().await, ["ann"]);
        sleep(Duration::from_millis(200)).await;
    }
    server.run();
    one.until(&["ann"]).await;
    two.until(&["ann"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn members_of_a_process_that_is_cut_off_leave_for_the_others_and_come_back() {
    let server = Server::start();
    let wire = Proxy::start(server.port).await;
    let here = Here::start(&server.url()).await;
    let off = Here::start(&wire.url()).await;
    let _ann = here.member("ann").await;
    let bo = off.member("bo").await;
    here.until(&["ann", "bo"]).await;
    off.until(&["ann", "bo"]).await;
    let mut watcher = here.watcher("ann").await;

    wire.carries(false);
    let cut = Instant::now();
    let gone = here.until(&["ann"]).await;
    assert!(gone < Duration::from_secs(16), "{gone:?}");
    // What it cannot hear of stays as it was.
    let _dora = here.member("dora").await;
    while cut.elapsed() < Duration::from_secs(18) {
        assert_eq!(off.keys().await, ["ann", "bo"]);
        sleep(Duration::from_millis(200)).await;
    }
    // Whom it lost meanwhile must not come back with it.
    drop(bo);
    off.until(&["ann"]).await;
    wire.carries(true);
    off.until(&["ann", "dora"]).await;
    here.until(&["ann", "dora"]).await;
    let _cy = off.member("cy").await;
    off.until(&["ann", "cy", "dora"]).await;
    here.until(&["ann", "cy", "dora"]).await;
    assert_eq!(watcher.gone(Duration::from_secs(2)).await, ["bo"]);
    let list = here.io.presence("hall").list().await.unwrap();
    assert!(list.iter().all(|member| member.states.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn presence_on_a_cluster_survives_the_loss_of_the_server_that_carries_it() {
    let mut cluster = Cluster::start();
    let (here, there) = (Here::start(&cluster.url()).await, Here::start(&cluster.url()).await);
    let _ann = here.member("ann").await;
    let bo = there.member("bo").await;
    here.until(&["ann", "bo"]).await;
    there.until(&["ann", "bo"]).await;
    let mut watcher = here.watcher("ann").await;
    watcher.client.text(&json!(["$state", { "r": "hall", "s": true }]).to_string()).await.unwrap();
    let said = Instant::now();
    while there.io.presence("hall").list().await.unwrap()[0].states != [true] {
        assert!(said.elapsed() < Duration::from_secs(5), "what ann says arrives");
        sleep(Duration::from_millis(20)).await;
    }

    let channel = "jstack:post/rooms/%24presence:all";
    let (_, dead) = cluster.carrier(0, channel);
    let asked = (dead + 1) % 3;
    cluster.servers[dead].kill();
    drop(bo);
    let since = Instant::now();
    while cluster.carrier(asked, channel).1 == dead {
        assert!(since.elapsed() < Duration::from_secs(20), "no replica took over");
        assert!(here.keys().await.contains(&"ann".to_owned()));
        assert_eq!(there.keys().await, ["ann"], "nobody else leaves");
        sleep(Duration::from_millis(50)).await;
    }
    here.until(&["ann"]).await;
    let _cy = there.member_when_redis_is_back("cy").await;
    here.until(&["ann", "cy"]).await;
    there.until(&["ann", "cy"]).await;
    assert_eq!(watcher.gone(Duration::from_secs(2)).await, ["bo"]);
}
