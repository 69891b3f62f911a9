//! Messages that wait together go out together: nothing of that shows, but in Redis' work.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::sync::Arc;

use jstack_runtime::Redis;
use jstack_runtime::broker::{Channel, Publication, Scope};
use redis_support::{Item, Process, Server, message, text};

const ROOM: Scope<'static> = Scope::Room("general");

/// How many messages Redis was asked to publish.
fn published(server: &Server) -> u64 {
    let stats = server.cli(&["info", "commandstats"]);
    let line = stats.lines().find(|line| line.starts_with("cmdstat_publish:"));
    line.and_then(|line| line.split(['=', ',']).nth(1)?.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn what_waits_together_is_heard_in_order_and_costs_redis_little() {
    const MESSAGES: u64 = 3_000;
    let server = Server::start();
    let (here, there) = (Process::redis(&server), Process::redis(&server));
    let rooms = [ROOM, Scope::Room("other"), Scope::All];
    for room in rooms {
        here.join(room).await.unwrap();
        there.join(room).await.unwrap();
    }
    // All of them are there before there is a connection.
    let sender = Process::redis(&server);
    let taken: Vec<_> = (0..MESSAGES)
        .map(|n| sender.publish(rooms[usize::try_from(n % 3).unwrap()], &text(n)))
        .collect();
    for taken in taken {
        taken.await.unwrap();
    }
    for (first, room) in (0..3).zip(rooms) {
        let expected: Vec<_> = (first..MESSAGES).step_by(3).map(message).collect();
        for process in [&here, &there] {
            let heard = process.rooms.until(room, |items| items.len() >= expected.len()).await;
            assert_eq!(heard, expected);
        }
    }
    assert!(published(&server) < MESSAGES / 10, "{}", published(&server));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn whom_a_message_is_for_is_its_own_in_a_batch_too() {
    let server = Server::start();
    let here = Process::redis(&server);
    here.join(ROOM).await.unwrap();
    let sender = Process::redis(&server);
    let (left_out, mut scratch) = (["secret".into()], Vec::new());
    let channel = Channel { procedure: "post/chat", scope: ROOM };
    let mut some = Publication::new(channel, b"[\"n\",2]", &mut scratch);
    some.except_rooms = &left_out;
    let one = sender.publish(ROOM, &text(1));
    let two = sender.broker.publish(&[some], &*sender.rooms);
    let three = sender.publish(ROOM, &text(3));
    one.await.unwrap();
    two.await.unwrap();
    three.await.unwrap();
    let heard = here.rooms.until(ROOM, |items| items.len() == 3).await;
    let two = Item::Message("[\"n\",2], except room secret".to_owned());
    assert_eq!(heard, [message(1), two, message(3)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_room_that_redis_refuses_fails_its_own_messages_and_no_others() {
    let server = Server::start();
    let channels = ["&jstack:post/chat:room:general", "&jstack::probe:*"];
    let rules = ["acl", "setuser", "app", "on", ">s3cret", "resetchannels", "+@all"];
    assert_eq!(server.cli(&[&rules[..], &channels].concat()).trim(), "OK");
    let here = Process::redis(&server);
    here.join(ROOM).await.unwrap();
    let url = format!("redis://app:s3cret@127.0.0.1:{}", server.port);
    let sender = Process::new(Arc::new(Redis::new(&url).unwrap()));
    let refused = Scope::Room("refused");
    let room = |n: u64| if n.is_multiple_of(3) { refused } else { ROOM };
    let taken: Vec<_> = (0..30).map(|n| (n, sender.publish(room(n), &text(n)))).collect();
    // Several messages of one publish fail together, whichever was refused.
    let both = |first, second| {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        let messages = [
            Publication::new(sender.channel(first), b"[\"n\",30]", &mut one),
            Publication::new(sender.channel(second), b"[\"n\",31]", &mut two),
        ];
        sender.broker.publish(&messages, &*sender.rooms)
    };
    let (one, two) = (both(refused, ROOM), both(ROOM, refused));
    for (n, taken) in taken {
        assert_eq!(taken.await.is_ok(), room(n) == ROOM, "{n}");
    }
    assert!(one.await.is_err() && two.await.is_err());
    sender.publish(ROOM, &text(32)).await.unwrap();
    let heard = here.rooms.until(ROOM, |items| items.last() == Some(&message(32))).await;
    let mut expected: Vec<_> = (0..30).filter(|n| room(*n) == ROOM).map(message).collect();
    expected.extend([31, 30, 32].map(message));
    assert_eq!(heard, expected);
}

/// A batch by the documentation alone, as another program would write it.
fn batch(origin: u64, messages: &[(u64, &str)]) -> String {
    let mut bytes = vec![2];
    bytes.extend(u16::try_from(messages.len()).unwrap().to_be_bytes());
    for (number, json) in messages {
        let envelope =
            [&[1, 0][..], &origin.to_be_bytes(), &number.to_be_bytes(), json.as_bytes()].concat();
        bytes.extend(u32::try_from(envelope.len()).unwrap().to_be_bytes());
        bytes.extend(envelope);
    }
    bytes.iter().map(|byte| format!("\\{byte:03}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_batch_that_is_lost_is_a_gap_and_so_is_a_malformed_one_of_which_nothing_is_heard() {
    let server = Server::start();
    let process = Process::redis(&server);
    process.join(ROOM).await.unwrap();
    let numbered = |numbers: &[u64]| {
        let texts: Vec<_> = numbers.iter().map(|n| (*n, text(*n))).collect();
        let messages: Vec<_> = texts.iter().map(|(n, text)| (*n, &**text)).collect();
        batch(5, &messages)
    };
    let malformed = batch(5, &[(8, "[\"n\",8]"), (9, "[\"onError\",9]")]);
    let batches = [
        numbered(&[1, 2]),
        // One with 3, 4 and 5 is lost.
        numbered(&[6, 7]),
        malformed,
        // It comes again, and has something new.
        numbered(&[6, 7, 10]),
        numbered(&[11]),
    ];
    let mut script = String::new();
    for batch in batches {
        script.push_str(&format!("redis.call('publish', KEYS[1], \"{batch}\") "));
    }
    let done = server.cli(&["eval", &script, "1", "jstack:post/chat:room:general"]);
    assert!(!done.contains("ERR"), "{done}");
    let heard = process.rooms.until(ROOM, |items| items.contains(&message(11))).await;
    let expected = [
        message(1),
        message(2),
        Item::Gap(Some(3)),
        message(6),
        message(7),
        Item::Gap(Some(2)),
        message(10),
        message(11),
    ];
    assert_eq!(heard, expected);
}
