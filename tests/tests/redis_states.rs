//! The states of Redis, as `docs/redis.md` lists them: what emits, joins and readiness say in each.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::broker::Scope;
use jstack_runtime::{App, Redis};
use redis_support::fake::Fake;
use redis_support::{Item, Process, Server, free_port, message, reason, text, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

const ROOM: Scope<'static> = Scope::Room("general");
const HEARTBEAT: Duration = Duration::from_millis(200);

fn process_at(url: &str) -> Process {
    let redis = Redis::new(url).unwrap().heartbeat(HEARTBEAT).deadline(Duration::from_millis(500));
    Process::new(Arc::new(redis))
}

fn trouble(process: &Process) -> String {
    process.broker.trouble().unwrap_or_default()
}

/// A process that has joined the room, and is ready.
async fn ready(url: &str) -> Process {
    let process = process_at(url);
    process.join(ROOM).await.unwrap();
    until("it is ready", || process.broker.trouble().is_none()).await;
    process
}

/// What it published last comes back, and nothing is missing.
async fn is_well(process: &Process, n: u64) {
    until("it is ready", || process.broker.trouble().is_none()).await;
    process.publish(ROOM, &text(n)).await.unwrap();
    let items = process.rooms.until(ROOM, |items| items.contains(&message(n))).await;
    assert!(!items.iter().any(|item| matches!(item, Item::Gap(_))), "{items:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_replica_is_refused() {
    let master = Server::start();
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    let process = process_at(&replica.url());
    let error = process.join(ROOM).await.unwrap_err();
    assert!(reason(&error).contains("is a replica"), "{error:?}");
    let error = process.publish(ROOM, &text(1)).await.unwrap_err();
    assert!(reason(&error).contains("is a replica"), "{error:?}");
    assert!(trouble(&process).contains("is a replica"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_master_that_is_demoted_is_left_until_it_is_promoted_again() {
    let (master, other) = (Server::start(), Server::start());
    let process = ready(&master.url()).await;
    master.cli(&["replicaof", "127.0.0.1", &other.port.to_string()]);
    until("it is noticed", || trouble(&process).contains("is a replica")).await;
    assert!(process.publish(ROOM, &text(1)).await.is_err());
    master.cli(&["replicaof", "no", "one"]);
    until("it is back", || process.broker.trouble().is_none()).await;
    process.publish(ROOM, &text(2)).await.unwrap();
    let items = process.rooms.until(ROOM, |items| items.contains(&message(2))).await;
    assert!(items.contains(&Item::Gap(None)), "{items:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn while_redis_is_loading_messages_pass_and_connections_stay() {
    let loading = Arc::new(AtomicBool::new(false));
    let is_loading = loading.clone();
    // Redis answers these while it loads, and everything else with LOADING.
    let fake = Fake::start(move |args| {
        let answered = ["HELLO", "SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH", "CLIENT"];
        let refuses = is_loading.load(Ordering::Acquire) && !answered.contains(&args[0].as_str());
        refuses.then(|| b"-LOADING Redis is loading the dataset in memory\r\n".to_vec())
    });
    let fake = fake.await;
    let process = ready(&fake.url()).await;
    let before = fake.accepted();
    loading.store(true, Ordering::Release);
    sleep(HEARTBEAT * 6).await;
    is_well(&process, 1).await;
    assert_eq!(fake.accepted(), before, "nothing was connected again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn an_error_reply_to_any_sign_of_life_is_a_sign_of_life() {
    for error in ["LOADING later", "BUSY a script", "MASTERDOWN no link", "NOPERM no", "MISCONF no"]
    {
        let failing = Arc::new(AtomicBool::new(false));
        let is_failing = failing.clone();
        let fake = Fake::start(move |args| {
            let fails = is_failing.load(Ordering::Acquire) && args[0] != "SUBSCRIBE";
            fails.then(|| format!("-{error}\r\n").into_bytes())
        });
        let fake = fake.await;
        let process = ready(&fake.url()).await;
        let before = fake.accepted();
        failing.store(true, Ordering::Release);
        until("it is trouble", || process.broker.trouble().is_some()).await;
        // Longer than probes may be missing.
        sleep(HEARTBEAT * 4 + Duration::from_millis(700)).await;
        let code = error.split(' ').next().unwrap();
        assert!(code == "NOPERM" || trouble(&process).contains(code), "{}", trouble(&process));
        failing.store(false, Ordering::Release);
        is_well(&process, 1).await;
        assert_eq!(fake.accepted(), before, "{error}: nothing was connected again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_busy_script_fails_emits_and_joins_and_costs_no_message() {
    let server = Server::start_with(&["--busy-reply-threshold", "20"]);
    let process = ready(&server.url()).await;
    let port = server.port.to_string();
    let mut script = std::process::Command::new("redis-cli")
        .args(["-p", &port, "eval", "while true do end", "0"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("it is trouble", || trouble(&process).contains("BUSY")).await;
    let error = process.publish(ROOM, &text(1)).await.unwrap_err();
    assert!(reason(&error).contains("BUSY"), "{error:?}");
    let error = process.join(Scope::Room("another")).await.unwrap_err();
    assert!(reason(&error).contains("BUSY"), "{error:?}");
    server.cli(&["script", "kill"]);
    script.wait().unwrap();
    is_well(&process, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_redis_that_cannot_write_to_disk_passes_messages() {
    let server = Server::start_with(&["--enable-protected-configs", "yes"]);
    let process = ready(&server.url()).await;
    let dir = std::env::temp_dir().join(format!("jstack-misconf-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    server.cli(&["config", "set", "dir", dir.to_str().unwrap()]);
    fs::remove_dir_all(&dir).unwrap();
    server.cli(&["config", "set", "save", "1 1"]);
    let misconf = async {
        until("Redis refuses writes", || {
            server.cli(&["set", "key", "value"]);
            server.cli(&["bgsave"]);
            server.cli(&["ping"]).contains("MISCONF")
        })
        .await;
    };
    misconf.await;
    let before = server.connections().len();
    sleep(HEARTBEAT * 5).await;
    is_well(&process, 1).await;
    assert_eq!(server.connections().len(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_redis_that_is_out_of_memory_passes_messages() {
    let server = Server::start();
    let process = ready(&server.url()).await;
    server.cli(&["config", "set", "maxmemory", "1"]);
    assert!(server.cli(&["set", "key", "value"]).contains("OOM"));
    sleep(HEARTBEAT * 3).await;
    is_well(&process, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_redis_with_as_many_connections_as_it_allows_says_so() {
    let server = Server::start_with(&["--maxclients", "2"]);
    let one = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let other = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let process = process_at(&server.url());
    let error = process.publish(ROOM, &text(1)).await.unwrap_err();
    assert!(reason(&error).contains("`maxclients`"), "{error:?}");
    assert!(trouble(&process).contains("`maxclients`"));
    drop((one, other));
    until("there is room", || process.broker.trouble().is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_user_who_may_not_publish_is_never_ready() {
    let server = Server::start();
    let acl =
        "acl setuser app on >s3cret resetchannels &jstack:* -@all +subscribe +unsubscribe +hello";
    server.cli(&acl.split(' ').collect::<Vec<_>>());
    let url = format!("redis://app:s3cret@127.0.0.1:{}", server.port);
    let process = process_at(&url);
    process.join(ROOM).await.unwrap();
    until("the probe was refused", || trouble(&process).contains("does not permit")).await;
    // It is not taken for a dead connection either: the room stays subscribed.
    let before = server.cli(&["info", "stats"]);
    sleep(HEARTBEAT * 4 + Duration::from_millis(700)).await;
    let connections = |info: &str| {
        let line = info.lines().find(|line| line.starts_with("total_connections_received:"));
        line.unwrap().trim().split_once(':').unwrap().1.parse::<u32>().unwrap()
    };
    let after = server.cli(&["info", "stats"]);
    assert_eq!(connections(&after), connections(&before) + 1, "that of redis-cli alone");
    server.cli(&["acl", "setuser", "app", "+publish"]);
    is_well(&process, 1).await;
    server.cli(&["acl", "setuser", "app", "-publish"]);
    until("it is noticed", || trouble(&process).contains("does not permit")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_user_who_may_not_subscribe_is_never_ready() {
    let server = Server::start();
    let acl = "acl setuser app on >s3cret resetchannels &jstack:* -@all +publish +hello";
    server.cli(&acl.split(' ').collect::<Vec<_>>());
    let process = process_at(&format!("redis://app:s3cret@127.0.0.1:{}", server.port));
    assert!(process.join(ROOM).await.is_err());
    until("it is noticed", || trouble(&process).contains("does not permit")).await;
    sleep(HEARTBEAT * 2).await;
    assert!(process.broker.trouble().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_user_who_is_deleted_or_given_another_password_is_refused() {
    let server = Server::start();
    let acl = "acl setuser app on >s3cret resetchannels &jstack:* +@all";
    server.cli(&acl.split(' ').collect::<Vec<_>>());
    let process = ready(&format!("redis://app:s3cret@127.0.0.1:{}", server.port)).await;
    // Redis keeps connections whose password has changed.
    server.cli(&["acl", "setuser", "app", "resetpass", ">other"]);
    sleep(HEARTBEAT * 2).await;
    is_well(&process, 1).await;
    server.cli(&["acl", "deluser", "app"]);
    until("it is refused", || trouble(&process).contains("refuses the user name or password"))
        .await;
    let error = process.publish(ROOM, &text(2)).await.unwrap_err();
    assert!(reason(&error).contains("refuses the user name or password"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_redis_that_pauses_its_clients_fails_emits_in_time_and_comes_back() {
    for mode in ["WRITE", "ALL"] {
        let server = Server::start();
        let process = ready(&server.url()).await;
        server.cli(&["client", "pause", "2000", mode]);
        let since = Instant::now();
        process.publish(ROOM, &text(1)).await.unwrap_err();
        assert!(since.elapsed() < Duration::from_secs(1), "{mode}: {:?}", since.elapsed());
        until("it is trouble", || process.broker.trouble().is_some()).await;
        until("it is over", || process.broker.trouble().is_none()).await;
        assert!(since.elapsed() >= Duration::from_millis(1900), "{mode}");
        process.publish(ROOM, &text(2)).await.unwrap();
        process.rooms.until(ROOM, |items| items.contains(&message(2))).await;
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_fails_emits_at_once() {
    let process = process_at("redis://redis.invalid");
    let error = process.publish(ROOM, &text(1)).await.unwrap_err();
    assert!(!reason(&error).is_empty(), "{error:?}");
    assert!(trouble(&process).contains("redis.invalid"), "{}", trouble(&process));
}

#[tokio::test]
async fn a_server_without_resp3_is_named_as_such() {
    for reply in ["-ERR unknown command 'HELLO', with args\r\n", "-ERR unknown command `HELLO`\r\n"]
    {
        let fake = Fake::start(move |args| (args[0] == "HELLO").then(|| reply.into())).await;
        let process = process_at(&fake.url());
        let error = process.publish(ROOM, &text(1)).await.unwrap_err();
        assert!(reason(&error).contains("does not speak RESP3"), "{error:?}");
    }
}

#[tokio::test]
async fn a_subscription_that_is_not_confirmed_is_trouble_and_asked_for_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    // Of two channels in one command, the first is confirmed twice and the second is not.
    let ignores = move |args: &[String], channel: &str| {
        counted.fetch_add(usize::from(channel.contains(":room:")), Ordering::AcqRel);
        args.len() == 3 && *channel == args[2]
    };
    let fake = Fake::start_ignoring(|_| None, ignores).await;
    let process = process_at(&fake.url());
    let two = tokio::join!(process.join(ROOM), process.join(Scope::Room("other")));
    assert_eq!([two.0.is_ok(), two.1.is_ok()].iter().filter(|ok| **ok).count(), 1, "{two:?}");
    // It is wanted still, and nothing else is asked for.
    let missing = if two.0.is_ok() { Scope::Room("other") } else { ROOM };
    let before = fake.accepted();
    let (again, ()) = tokio::join!(
        process.join(missing),
        until("it is trouble", || trouble(&process).contains("does not confirm 1")),
    );
    again.unwrap();
    assert_eq!(asked.load(Ordering::Acquire), 3);
    assert_eq!(fake.accepted(), before, "the connection works, and stays");
    process.publish(missing, &text(1)).await.unwrap();
    process.rooms.until(missing, |items| items.contains(&message(1))).await;
}

/// The figure for a Redis that bills commands: 3 each 30 s are 259,200 in 30 days.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn an_idle_process_sends_three_commands_a_heartbeat() {
    let server = Server::start();
    let _process = ready(&server.url()).await;
    let calls = || -> u32 {
        let stats = server.cli(&["info", "commandstats"]);
        let ours = stats.lines().filter(|line| !line.starts_with("cmdstat_info"));
        let calls = ours.filter_map(|line| line.split_once("calls=")?.1.split(',').next());
        calls.map(|calls| calls.parse::<u32>().unwrap()).sum()
    };
    let before = calls();
    sleep(HEARTBEAT * 20).await;
    let sent = calls() - before;
    assert!((51..=63).contains(&sent), "{sent} commands in 20 heartbeats");
}

/// What `GET path` answers.
async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_do_not_read_where_the_broker_is() {
    let url = format!("redis://user:s3cret@127.0.0.1:{}", free_port());
    let redis = Redis::new(&url).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = App::new().broker(redis);
    let serving = tokio::spawn(app.serve_on(listener));
    until("it listens", || std::net::TcpStream::connect(&address).is_ok()).await;
    let answer = get(&address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nbroker unavailable"), "{answer}");
    serving.abort();
}
