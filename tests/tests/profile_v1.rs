//! The profile `v1`, spoken frame by frame over a plain socket, beside a client of the base profile.
#![allow(
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program as users write it, and what is asserted of it"
)]

mod profile_v1 {
    pub(crate) mod fixture;
}
mod redis_support;

use std::time::{Duration, Instant};

use jstack_runtime::Redis;
use jstack_runtime::prelude::*;
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame};
use profile_v1::fixture::*;
use redis_support::Server;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::test]
async fn the_first_frame_says_what_the_connection_is() {
    let address = start().await;
    let mut client = Client::tcp(address).await.unwrap();
    let more = "sec-websocket-protocol: jstack.v1, other\r\n";
    let request = jstack_tests::client::handshake("/api/post/talk", more);
    let answer = client.ask(request.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 101);
    assert!(answer.head.contains("sec-websocket-protocol: jstack.v1\r\n"), "{}", answer.head);
    let mut client = V1(client);
    let welcome = client.next().await;
    assert_eq!(welcome[0], "$welcome");
    let expected = json!({
        "v": 1, "id": welcome[1]["id"], "ping": 25_000, "max": 65_536, "rate": 100,
        "classes": { "cursor": ["latest", "userId"], "typing": "volatile" },
    });
    assert_eq!(welcome[1], expected);
    assert_eq!(client.next().await, json!(["hello", "anonymous"]));
}

#[tokio::test]
async fn a_client_that_does_not_offer_it_sees_nothing_of_it() {
    let address = start().await;
    let mut base = Client::open(address, "/api/post/talk", "").await.unwrap();
    let mut v1 = V1::talk(address).await;
    assert_eq!(base.next_text().await, r#"["hello","anonymous"]"#);
    v1.send(json!(["say", "hi", { "i": "1" }])).await;
    assert_eq!(base.next_text().await, r#"["said","hi"]"#);
    let mut answers = [v1.next().await, v1.next().await];
    answers.sort_by_key(|answer| answer[0].to_string());
    assert_eq!(answers, [json!(["$ok", null, { "i": "1" }]), json!(["said", "hi"])]);
    // To it, a third element is a frame that is not one, and a question cannot be asked.
    base.text(r#"["say","hi",{"i":"1"}]"#).await.unwrap();
    let error: Value = serde_json::from_str(&base.next_text().await).unwrap();
    assert_eq!((&error[0], &error[1]["code"]), (&json!("error"), &json!("malformed")));
    base.text(r#"["$token","x"]"#).await.unwrap();
    let error: Value = serde_json::from_str(&base.next_text().await).unwrap();
    assert_eq!(error[1]["code"], "unknown_event");
    base.emit("question", "null").await.unwrap();
    assert!(base.next_text().await.contains("failed unsupported"));
}

#[tokio::test]
async fn each_request_has_exactly_one_answer() {
    let mut client = V1::talk(start().await).await;
    let ok = client.request("save", json!({ "text": "a" })).await;
    assert_eq!(ok, json!(["$ok", { "id": 7 }, { "i": "q1" }]));
    for (data, code, status) in [
        (json!({ "text": "taken" }), "conflict", 409),
        (json!({ "text": "" }), "invalid", 422),
        (json!(5), "invalid", 422),
        (json!({ "text": "bad" }), "internal", 500),
    ] {
        let answer = client.request("save", data).await;
        assert_eq!((&answer[0], &answer[1]["code"]), (&json!("$err"), &json!(code)), "{answer}");
        assert_eq!(answer[1]["status"], status);
    }
    let answer = client.request("save", json!({ "text": "" })).await;
    assert_eq!(answer[1]["issues"][0]["path"], "text");
    assert_eq!(client.request("nothing", Value::Null).await[1]["code"], "unknown_event");
    assert_eq!(client.request("typing", Value::Null).await, json!(["$ok", null, { "i": "q1" }]));
    // Spaces, other keys and another order of the third element.
    client.0.text(r#" [ "save" , {"text":"a"} , { "more":1, "i" : "é" } ] "#).await.unwrap();
    assert_eq!(client.next().await, json!(["$ok", { "id": 7 }, { "i": "é" }]));
    let long = "x".repeat(33);
    client.send(json!(["save", { "text": "a" }, { "i": long }])).await;
    let error = client.next().await;
    assert_eq!((&error[0], &error[1]["code"]), (&json!("error"), &json!("malformed")));
    // A third element without an id is not a request.
    client.send(json!(["save", { "text": "a" }, {}])).await;
    client.send(json!(["ping", null])).await;
    assert_eq!(client.next().await, json!(["pong", null]));
}

#[tokio::test]
async fn a_handler_may_ask_its_own_client() {
    let mut client = V1::talk(start().await).await;
    client.send(json!(["question", null])).await;
    let question = client.next().await;
    assert_eq!((&question[0], &question[1]), (&json!("confirm"), &json!("sure?")));
    // What comes before the answer waits, and does not stop it.
    client.send(json!(["say", "later"])).await;
    client.send(json!(["$ok", 5, question[2]])).await;
    assert_eq!(client.next().await, json!(["said", "answered 5"]));
    assert_eq!(client.next().await, json!(["said", "later"]));
    for (answer, expected) in [
        (json!(["$ok", "five", null]), "failed answer: the answer to `confirm` is not valid"),
        (json!(["$err", { "code": "busy", "message": "not now" }, null]), "failed busy: not now"),
    ] {
        client.send(json!(["question", null])).await;
        let question = client.next().await;
        client.send(json!([answer[0], answer[1], question[2]])).await;
        let said = client.next().await[1].as_str().unwrap().to_owned();
        assert!(said.starts_with(expected), "{said}");
    }
}

#[tokio::test]
async fn a_question_ends_at_its_deadline_and_a_late_answer_is_ignored() {
    let mut client = V1::talk(start().await).await;
    client.send(json!(["impatient", null])).await;
    let question = client.next().await;
    assert_eq!(client.next().await, json!(["said", "timeout"]));
    client.send(json!(["$ok", 5, question[2]])).await;
    client.send(json!(["$ok", 5, { "i": "s99" }])).await;
    client.send(json!(["$news", 5])).await;
    client.send(json!(["ping", null])).await;
    assert_eq!(client.next().await, json!(["pong", null]));
}

#[tokio::test]
async fn reading_never_waits_for_a_handler() {
    let address = start_with(Limits { rate: u32::MAX, ..limits() }).await;
    for path in ["/api/post/talk", "/api/post/loops"] {
        let mut client = V1::open(address, path, "jstack.v1").await;
        assert_eq!(client.next().await[0], "$welcome");
        if path.ends_with("talk") {
            assert_eq!(client.next().await[0], "hello");
        }
        client.send(json!(["work", 4000])).await;
        let started = Instant::now();
        client.send(json!(["ping", 1])).await;
        assert_eq!(client.next().await, json!(["pong", null]));
        client.0.send(&jstack_tests::client::frame(9, true, b"hi")).await.unwrap();
        assert_eq!(client.0.next().await, Frame::Control(10, b"hi".to_vec()));
        client.0.send(&jstack_tests::client::frame(8, true, &1000u16.to_be_bytes())).await.unwrap();
        assert_eq!(client.0.next().await, Frame::Close(1000, String::new()));
        assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn events_keep_their_order_behind_a_handler_that_waits() {
    let address = start_with(Limits { rate: u32::MAX, ..limits() }).await;
    for path in ["/api/post/talk", "/api/post/loops"] {
        let mut client = V1::open(address, path, "jstack.v1").await;
        assert_eq!(client.next().await[0], "$welcome");
        if path.ends_with("talk") {
            assert_eq!(client.next().await[0], "hello");
        }
        client.send(json!(["work", 200])).await;
        for n in 0..500 {
            client.send(json!(["say", n.to_string()])).await;
        }
        for n in 0..500 {
            assert_eq!(client.next().await, json!(["said", n.to_string()]), "{path}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_told_after_the_upgrade_to_v1_and_before_it_to_others() {
    let address = start().await;
    let offer = format!("jstack.v1, {}", bearer("nobody"));
    let mut client = V1::open(address, "/api/post/talk", &offer).await;
    let bye = client.next().await;
    let expected = json!({
        "code": "unauthorized", "message": "no such user", "status": 401, "retry": false,
        "issues": [{ "path": "token", "message": "is unknown" }],
    });
    assert_eq!(bye, json!(["$bye", expected]));
    assert_eq!(client.0.next().await, Frame::Close(4401, "no such user".to_owned()));
    let more = format!("sec-websocket-protocol: {}\r\n", bearer("nobody"));
    let refused = Client::open(address, "/api/post/talk", &more).await;
    assert_eq!(refused.unwrap_err().to_string(), "401 no such user");
    let wrong = "sec-websocket-protocol: jstack.v1, jstack.bearer.%\r\n";
    let refused = Client::open(address, "/api/post/talk", wrong).await.unwrap_err();
    assert!(refused.to_string().starts_with("400 "), "{refused}");
}

#[tokio::test]
async fn an_error_says_when_another_try_makes_sense() {
    let address = start().await;
    let mut client = V1::talk(address).await;
    let answer = client.request("save", json!({ "text": "soon" })).await;
    let expected = json!({
        "code": "rate", "message": "wait a moment", "issues": [], "status": 429, "after": 1500,
    });
    assert_eq!(answer, json!(["$err", expected, { "i": "q1" }]));
    // Without a time there is no key, and the base profile has its four keys.
    let answer = client.request("save", json!({ "text": "taken" })).await;
    assert!(answer[1].get("after").is_none(), "{answer}");
    client.send(json!(["save", { "text": "soon" }])).await;
    let expected =
        json!({ "event": "save", "code": "rate", "message": "wait a moment", "issues": [] });
    assert_eq!(client.next().await, json!(["error", expected]));

    let mut refused =
        V1::open(address, "/api/post/talk", &format!("jstack.v1, {}", bearer("early"))).await;
    let expected = json!({
        "code": "rate", "message": "wait a moment", "status": 429, "retry": true, "after": 1500,
    });
    assert_eq!(refused.next().await, json!(["$bye", expected]));
    assert_eq!(refused.0.next().await, Frame::Close(4429, "wait a moment".to_owned()));

    let mut base = Client::tcp(address).await.unwrap();
    let more = "authorization: Bearer early\r\n";
    let request = jstack_tests::client::handshake("/api/post/talk", more);
    let answer = base.ask(request.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 429);
    assert!(answer.head.to_lowercase().contains("retry-after: 2\r\n"), "{}", answer.head);
}

#[tokio::test]
async fn credentials_end_and_are_renewed() {
    let address = start().await;
    let offer = format!("jstack.v1, {}", bearer("short"));
    let mut client = V1::open(address, "/api/post/talk", &offer).await;
    let ttl = client.next().await[1]["ttl"].as_u64().unwrap();
    assert!((59_000..=60_000).contains(&ttl), "{ttl}");
    assert_eq!(client.next().await, json!(["hello", "short"]));
    let renewed = client.request("$token", json!("short")).await;
    assert_eq!(renewed[0], "$ok");
    assert!((119_000..=120_000).contains(&renewed[1]["ttl"].as_u64().unwrap()), "{renewed}");
    for (token, code) in [("other", "forbidden"), ("nobody", "unauthorized"), ("", "bad_request")] {
        let answer = client.request("$token", json!(token)).await;
        assert_eq!((&answer[0], &answer[1]["code"]), (&json!("$err"), &json!(code)));
    }
    assert_eq!(client.request("$token", json!(5)).await[1]["code"], "malformed");
}

#[tokio::test]
async fn a_close_reaches_everybody_and_says_whether_to_come_back() {
    for (code, retry) in [(4401, false), (4429, true), (1000, false)] {
        let address = start().await;
        let mut v1 = V1::talk(address).await;
        let mut base = Client::open(address, "/api/post/talk", "").await.unwrap();
        assert_eq!(base.next_text().await, r#"["hello","anonymous"]"#);
        v1.send(json!(["end", code])).await;
        let bye = v1.next().await;
        assert_eq!((&bye[0], &bye[1]["retry"]), (&json!("$bye"), &json!(retry)), "{bye}");
        assert_eq!(bye[1]["message"], "signed out");
        assert_eq!(v1.0.next().await, Frame::Close(code, "signed out".to_owned()));
        assert_eq!(base.next().await, Frame::Close(code, "signed out".to_owned()));
    }
}

#[tokio::test]
async fn the_function_form_answers_requests_and_never_leaves_one_open() {
    let mut client = V1::open(start().await, "/api/post/loops", "jstack.v1").await;
    assert_eq!(client.next().await[0], "$welcome");
    let ok = client.request("save", json!({ "text": "a" })).await;
    assert_eq!(ok, json!(["$ok", { "id": 9 }, { "i": "q1" }]));
    client.send(json!(["typing", null, { "i": "a" }])).await;
    client.send(json!(["save", { "text": "forget" }, { "i": "b" }])).await;
    client.send(json!(["say", "x", { "i": "c" }])).await;
    assert_eq!(client.next().await, json!(["$ok", null, { "i": "a" }]));
    let forgotten = client.next().await;
    assert_eq!((&forgotten[0], &forgotten[1]["code"]), (&json!("$err"), &json!("internal")));
    assert_eq!(client.next().await, json!(["said", "x"]));
}

#[tokio::test]
async fn silence_is_broken_by_a_tick() {
    let limits = Limits { ping_interval: Duration::from_millis(300), ..limits() };
    let mut client = V1::talk(start_with(limits).await).await;
    assert_eq!(client.next().await, json!(["$tick", null]));
}

#[tokio::test]
async fn a_drain_tells_each_client_another_time_to_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { drain_spread: Duration::from_secs(8), ..limits() };
    let app = App::new().mount("post", router![talk, loops]).limits(limits);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(app.serve_on_until(listener, async { drop(stopped.await) }));
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(V1::talk(address).await);
    }
    stop.send(()).unwrap();
    let mut times = Vec::new();
    for client in &mut clients {
        let bye = client.next().await;
        assert_eq!((&bye[1]["code"], &bye[1]["retry"]), (&json!("draining"), &json!(true)));
        times.push(bye[1]["after"].as_u64().unwrap());
        let restart = Frame::Close(1012, "the server is restarting".to_owned());
        assert_eq!(client.0.next().await, restart);
    }
    times.sort_unstable();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] < 900), "{times:?}");
    assert!(times[0] < 400 && times[19] >= 7600 && times[19] < 8000, "{times:?}");
    drop(clients);
    server.await.unwrap().unwrap();
}

/// Fills the queue and the socket of a client that does not read.
async fn fill(talker: &mut V1) {
    let long = "x".repeat(20_000);
    for _ in 0..400 {
        talker.send(json!(["say", long])).await;
        assert_eq!(talker.next().await[0], "said");
    }
}

#[tokio::test]
async fn only_the_newest_of_each_key_waits_for_a_reader_that_stops() {
    let address = start_with(patient()).await;
    let (reader, talker) = (V1::talk(address).await, V1::talk(address).await);
    newest(reader, talker, Duration::ZERO).await;
}

/// Limits that let a reader stop.
fn patient() -> Limits {
    Limits {
        rate: u32::MAX,
        queue_bytes: 64 << 20,
        queue_frames: u32::MAX,
        write_timeout: Duration::from_secs(60),
        ..limits()
    }
}

/// `reader` stops while `talker` sends; `lag` is how long the last message may take to the reader.
async fn newest(mut reader: V1, mut talker: V1, lag: Duration) {
    fill(&mut talker).await;
    for x in 0..3000 {
        talker.send(json!(["cursor", { "userId": x % 3, "x": x }])).await;
        assert_eq!(talker.next().await, json!(["moved", { "userId": x % 3, "x": x }]));
    }
    tokio::time::sleep(lag).await;
    // A reader that keeps up got all of them. The other one gets what waited, and then the newest.
    let mut moved = Vec::new();
    while moved.len() < 3 {
        let frame = reader.next().await;
        if frame[0] == "moved" {
            moved.push(frame[1]["x"].as_u64().unwrap());
        }
    }
    assert_eq!(moved, [2997, 2998, 2999]);
    talker.send(json!(["say", "end"])).await;
    assert_eq!(reader.next().await, json!(["said", "end"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn classes_and_closes_reach_the_other_process_through_redis() {
    let server = Server::start();
    let redis = || App::new().limits(patient()).broker(Redis::new(&server.url()).unwrap());
    let (here, there) = (serve(redis()).await, serve(redis()).await);
    newest(V1::talk(there).await, V1::talk(here).await, Duration::from_secs(1)).await;

    let (mut ender, mut other) = (V1::talk(here).await, V1::talk(there).await);
    ender.send(json!(["end", 4401])).await;
    for client in [&mut ender, &mut other] {
        let bye = client.next().await;
        assert_eq!((&bye[0], &bye[1]["retry"]), (&json!("$bye"), &json!(false)), "{bye}");
        assert_eq!(client.0.next().await, Frame::Close(4401, "signed out".to_owned()));
    }
}
