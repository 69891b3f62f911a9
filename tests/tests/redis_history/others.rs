//! Users with few rights, and other programs that write.

use std::process::Command;

use tracing_subscriber::util::SubscriberInitExt as _;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_user_who_may_not_ask_which_server_it_is_has_a_history() {
    let server = Server::start();
    let rules = ["reset", "on", ">pw", "&jstack:*", "~{jstack:*", "+@all", "-info"];
    server.cli(&[&["acl", "setuser", "chat"][..], &rules].concat());
    let here = Process::at(&format!("redis://chat:pw@127.0.0.1:{}", server.port)).await;
    here.publish(1..4).await;
    assert_eq!(texts(&here.last().await), texts_of(1..4));
    let permitted = "+subscribe +unsubscribe +publish +hello +info +eval +evalsha +del +hmget \
                     +hset +llen +lrange +ltrim +pexpire +rpush +time";
    let rules = [
        &["reset", "on", ">pw", "&jstack:*", "~{jstack:*"][..],
        &permitted.split_whitespace().collect::<Vec<_>>(),
    ]
    .concat();
    server.cli(&[&["acl", "setuser", "little"][..], &rules].concat());
    let there = Process::at(&format!("redis://little:pw@127.0.0.1:{}", server.port)).await;
    there.publish(4..6).await;
    assert!(
        texts(&there.last().await).ends_with(&texts_of(4..6)),
        "what docs/redis.md names is enough"
    );
    there.history.clear(ROOM).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn another_program_appends_with_the_script_of_the_docs() {
    let server = Server::start();
    let here = Process::of(&server).await;
    here.broker.subscribe(ROOM, here.heard.clone()).await.unwrap();
    here.publish(1..2).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/redis-append.lua");
    let appended = Command::new("redis-cli")
        .args(["-p", &server.port.to_string(), "--eval", script, LOG, META, ","])
        .args(["", "0123456789abcdef", "PUBLISH", "jstack:post/chat:room:general", "100", "300000"])
        .args(["", "", "[\"n\",2]"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&appended.stdout).ends_with("2\n"), "{appended:?}");
    here.publish(3..4).await;
    let top = here.top().await;
    let heard = here.until_heard(3).await;
    let expected: Vec<_> = (1..4).map(|n| (Some(Position::new(top.epoch(), n)), text(n))).collect();
    assert_eq!(heard, expected);
    assert_eq!(texts(&here.last().await), texts_of(1..4));
}

#[test]
fn the_script_of_the_docs_is_the_one_that_is_sent() {
    let scripts =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../jstack-runtime/src/broker/redis/history");
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let sent = read(&format!("{scripts}/open.lua")) + &read(&format!("{scripts}/append.lua"));
    assert!(read(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/redis-append.lua")) == sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn what_another_program_wrote_and_nobody_can_read_is_a_hole_or_a_gap() {
    let server = Server::start();
    let here = Process::of(&server).await;
    here.publish(1..7).await;
    server.cli(&["lset", LOG, "2", "rubbish"]);
    assert_eq!(offsets(&here, 0).await, (vec![1, 2, 4, 5, 6], None));
    assert_eq!(offsets(&here, 2).await, (vec![4, 5, 6], Some(GapReason::Expired)));
    assert_eq!(offsets(&here, 3).await, (vec![4, 5, 6], None));
    let last = here.last().await.entries;
    assert_eq!(last.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [1, 2, 4, 5, 6]);
    // One that is too many: nobody reads a message at another's offset.
    server.cli(&["rpush", LOG, "99:1:[\"n\",99]"]);
    here.publish(7..8).await;
    assert_eq!(offsets(&here, 5).await, (vec![7], Some(GapReason::Expired)));
    assert_eq!(offsets(&here, 6).await, (vec![7], None));
    // At the beginning, where entries are dropped when they are too old.
    server.cli(&["lset", LOG, "0", ""]);
    let keep = Keep { age: Duration::from_millis(100), ..KEEP };
    for n in 8..10 {
        let (text, mut scratch) = (text(n), Vec::new());
        let message = Publication::new(ROOM, text.as_bytes(), &mut scratch);
        here.history.publish(&[message], keep, &*here.heard).await.unwrap();
        sleep(Duration::from_millis(250)).await;
    }
    assert!(server.cli(&["llen", LOG]).trim().parse::<u32>().unwrap() <= 2);
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
#[ignore = "run by ./check: needs redis-server"]
async fn a_user_who_lacks_a_right_reads_at_the_start_which_ones_are_needed() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _guard = subscriber.set_default();
    let server = Server::start();
    for rules in [["+@all", "-eval", "~*"], ["+@all", "-rpush", "~*"], ["+@all", "+@all", "~x"]] {
        let rules = [&["acl", "setuser", "chat", "reset", "on", ">pw", "&*"], &rules[..]].concat();
        server.cli(&rules);
        let broker = Redis::new(&format!("redis://chat:pw@127.0.0.1:{}", server.port)).unwrap();
        let history = broker.history().unwrap();
        let since = Instant::now();
        let read = || String::from_utf8(std::mem::take(&mut *logged.0.lock().unwrap())).unwrap();
        let mut text = String::new();
        while !["ERROR", "+rpush", "+evalsha", "~{<prefix>:*"].iter().all(|it| text.contains(it)) {
            assert!(since.elapsed() < Duration::from_secs(10), "{rules:?}: {text}");
            sleep(Duration::from_millis(10)).await;
            text.push_str(&read());
        }
        // Emits fail with the same reason.
        let mut scratch = Vec::new();
        let message = Publication::new(ROOM, b"[\"n\",1]", &mut scratch);
        let error = history.publish(&[message], KEEP, &Heard::default()).await.unwrap_err();
        assert!(redis_support::reason(&error).contains("+rpush"), "{error:?}");
    }
}
