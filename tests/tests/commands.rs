//! The command line of `App::run`, and `POST /api/_emit`: good and bad arguments, with and without Redis.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod redis_support;

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::Duration;

use jstack_tests::{Client, Frame, client::Answer};
use redis_support::Server as Redis;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const TOKEN: &str = "0123456789abcdef0123";

fn program(args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_commands"));
    command
        .args(args)
        .env_remove("REDIS_URL")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What a command that ends prints: its output, or its error.
async fn run(args: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
    let done = tokio::time::timeout(Duration::from_secs(30), program(args, variables).output());
    let Output { status, stdout, stderr } = done.await.expect("an end").expect("a process");
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    if status.success() {
        return Ok(out);
    }
    assert_eq!((status.code(), &*out), (Some(1), ""), "{err}");
    Err(err)
}

/// A program that goes on, once it has written the line that starts so to stderr.
async fn started(mut command: Command, start: &str) -> (Child, String) {
    let mut child = command.spawn().expect("a process");
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr")).lines();
    loop {
        let line = tokio::time::timeout(Duration::from_secs(20), stderr.next_line());
        let line = line.await.expect("in time").expect("stderr").expect("a line");
        if let Some(rest) = line.strip_prefix(start) {
            let rest = rest.to_owned();
            // A closed pipe would be an error of the program's.
            tokio::spawn(async move { while let Ok(Some(_)) = stderr.next_line().await {} });
            return (child, rest);
        }
    }
}

async fn server(variables: &[(&str, &str)]) -> (Child, SocketAddr) {
    let command = program(&["serve", "127.0.0.1:0"], variables);
    let (child, address) = started(command, "listening on http://").await;
    (child, address.parse().expect("an address"))
}

async fn post(address: SocketAddr, head: &str, body: &str) -> Answer {
    let mut client = Client::tcp(address).await.expect("a connection");
    let length = body.len();
    let request = format!(
        "POST /api/_emit HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{head}\r\n{body}"
    );
    client.ask(request.as_bytes()).await.expect("an answer")
}

fn authorized() -> String {
    format!("authorization: Bearer {TOKEN}\r\n")
}

async fn next(client: &mut Client) -> Value {
    match client.next().await {
        Frame::Text(text) => serde_json::from_str(&text).expect(&text),
        other => json!(format!("{other:?}")),
    }
}

#[tokio::test]
async fn emit_and_listen_say_that_an_embedded_broker_reaches_nobody() {
    for args in [&["emit", "post/chat", "general", "cleared"][..], &["listen", "post/chat"]] {
        let error = run(args, &[]).await.unwrap_err();
        assert!(error.contains("nobody would hear this") && error.contains("REDIS_URL"), "{error}");
        assert!(error.contains("POST /api/_emit"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[tokio::test]
async fn wrong_arguments_list_what_there_is() {
    for args in [&["emit", "post/chat"][..], &["listen"], &["call"], &["call", "a", "1", "b", "c"]]
    {
        let error = run(args, &[]).await.unwrap_err();
        assert!(error.contains(&format!("`{}` takes other arguments", args[0])), "{error}");
        assert!(error.contains("emit procedure room event [json]"), "{error}");
    }
}

#[tokio::test]
#[ignore = "run by ./check: needs redis-server"]
async fn what_is_emitted_is_heard_by_the_listener_and_by_sockets() {
    let redis = Redis::start();
    let url = redis.url();
    let variables = [("REDIS_URL", &*url)];
    let (_server, address) = server(&variables).await;
    let mut socket = Client::chat(address).await.expect("a socket");
    assert_eq!(next(&mut socket).await[0], "said");

    let listen = program(&["listen", "post/chat", "general"], &variables);
    let (mut listener, told) = started(listen, "listening to ").await;
    assert!(told.starts_with("`post/chat`, room `general`"), "{told}");
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    let mut line = async || {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line());
        let line = line.await.expect("in time").unwrap().expect("a line");
        serde_json::from_str::<Value>(&line).expect(&line)
    };

    let said = r#" {"text": "hi", "unknown": 1} "#;
    run(&["emit", "post/chat", "general", "said", said], &variables).await.expect("emitted");
    // As a handler would have sent it: with the default, and without what the type does not have.
    let data = json!({"text": "hi", "loud": false});
    assert_eq!(line().await, json!({"event": "said", "data": data, "room": "general"}));
    assert_eq!(next(&mut socket).await, json!(["said", data]));

    let largest = u64::MAX.to_string();
    run(&["emit", "/post/chat/", "--all", "count", &largest], &variables).await.expect("emitted");
    assert_eq!(line().await, json!({"event": "count", "data": u64::MAX}));
    assert_eq!(next(&mut socket).await, json!(["count", u64::MAX]));

    run(&["emit", "post/chat", "other", "cleared"], &variables).await.expect("emitted");
    run(&["emit", "post/chat", "general", "cleared"], &variables).await.expect("emitted");
    assert_eq!(line().await, json!({"event": "cleared", "data": null, "room": "general"}));
    redis_support::kill(listener.id().unwrap(), "INT");
    assert!(listener.wait().await.unwrap().success(), "Ctrl-C is not an error");
}

#[tokio::test]
#[ignore = "run by ./check: needs redis-server"]
async fn emit_refuses_what_the_contract_does_not_have() {
    let redis = Redis::start();
    let url = redis.url();
    let variables = [("REDIS_URL", &*url)];
    for (args, part) in [
        (["post/chatt", "general", "said", "null"], "did you mean `post/chat`?"),
        (["x", "general", "said", "null"], "no procedure is called `x`; there is `post/chat`"),
        (["post/add", "general", "said", "null"], "`post/add` is a GET procedure"),
        (["post/chat", "general", "sayd", "null"], "did you mean `said`?"),
        (["post/chat", "general", "message", "null"], "there is `said`, `count`, `cleared`"),
        (["post/chat", "general", "said", r#"{"text":""}"#], "data.text: length is lower than 1"),
        (["post/chat", "general", "said", "hello"], "data: "),
        (["post/chat", "general", "count", "-1"], "data: "),
        (["post/chat", "", "cleared", "null"], "room's name must not be empty"),
    ] {
        let args = [&["emit"], &args[..]].concat();
        let error = run(&args, &variables).await.unwrap_err();
        assert!(error.contains(part), "{args:?}: {error}");
    }
    let error = run(&["listen", "post/chat", "a\nb"], &variables).await.unwrap_err();
    assert!(error.contains("control characters"), "{error}");
    let error = run(&["listen", "post/chta"], &variables).await.unwrap_err();
    assert!(error.contains("did you mean `post/chat`?"), "{error}");
}

#[tokio::test]
async fn emit_without_a_redis_at_the_address_says_so() {
    let url = format!("redis://127.0.0.1:{}", redis_support::free_port());
    let variables = [("REDIS_URL", &*url), ("JSTACK_REDIS_DEADLINE", "500ms")];
    let error = run(&["emit", "post/chat", "general", "cleared"], &variables).await.unwrap_err();
    assert!(error.contains("the message broker is unavailable: "), "{error}");
}

#[tokio::test]
async fn call_prints_the_answer_and_fails_with_an_error() {
    let (_server, address) = server(&[]).await;
    let address = address.to_string();
    let variables = [("JSTACK_ADDRESS", &*address)];
    for (args, answer) in [
        (&["post/add", r#"{"a": 2, "text": "&= ü"}"#][..], "\"2&= ü\"\n"),
        (&["/api/post/double", r#"{"a": 21}"#], "{\"a\":42,\"b\":0,\"text\":\"\"}\n"),
        (
            &[
                "post/double",
                r#"{"a": {"json": "4", "meta": {"values": ["bigint"]}}, "text": "{\"json\":1}"}"#,
            ],
            "{\"a\":8,\"b\":0,\"text\":\"{\\\"json\\\":1}\"}\n",
        ),
        (&["post/nothing"], "null\n"),
        (&["post/when", "null"], "3\n"),
    ] {
        let args = [&["call"], args].concat();
        assert_eq!(run(&args, &variables).await.as_deref(), Ok(answer), "{args:?}");
    }
    let by_argument = ["call", "post/when", "null", &address];
    assert_eq!(run(&by_argument, &[]).await.as_deref(), Ok("3\n"));
    for (args, part) in [
        (&["post/double", r#"{"a": 0}"#][..], "409 Conflict: zero stays zero"),
        (&["post/double", r#"{"a": "x"}"#], "422 Unprocessable Entity: a: "),
        (&["post/double", "{"], "the input of `post/double` is not JSON"),
        (&["post/add", "[1]"], "whose input is an object"),
        (&["post/nothing", "1"], "`post/nothing` takes no input"),
        (&["post/chat"], "`post/chat` is a WebSocket procedure"),
        (&["post/ad"], "did you mean `post/add`?"),
        (&["nowhere/at/all"], "the command `routes` lists them"),
        (&["post/when", "null", "http://x"], "write the host and the port alone"),
    ] {
        let args = [&["call"], args].concat();
        let error = run(&args, &variables).await.unwrap_err();
        assert!(error.contains(part), "{args:?}: {error}");
    }
    let nobody = format!("127.0.0.1:{}", redis_support::free_port());
    let error = run(&["call", "post/when", "null", &nobody], &[]).await.unwrap_err();
    assert!(error.contains(&format!("no answer from http://{nobody}/api/post/when")), "{error}");
}

#[tokio::test]
async fn a_program_in_another_language_emits_over_http() {
    let (_server, address) = server(&[("JSTACK_ADMIN_TOKEN", TOKEN)]).await;
    let mut socket = Client::chat(address).await.expect("a socket");
    let hello = next(&mut socket).await;
    let body = json!({"procedure": "post/chat", "room": "general", "event": "said",
        "data": {"text": "from afar"}});
    let answer = post(address, &authorized(), &body.to_string()).await;
    assert_eq!((answer.status, &*answer.body), (204, ""), "{}", answer.head);
    let heard = json!(["said", {"text": "from afar", "loud": false}]);
    assert_eq!(next(&mut socket).await, heard);

    let id = hello[1]["text"].as_str().unwrap().to_owned();
    for except in [json!(id), json!([id])] {
        let left_out =
            json!({"procedure": "post/chat", "event": "count", "data": 1, "except": except});
        let answer = post(address, &authorized(), &left_out.to_string()).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
    }
    let everyone = json!({"procedure": "post/chat", "event": "cleared"});
    assert_eq!(post(address, &authorized(), &everyone.to_string()).await.status, 204);
    assert_eq!(next(&mut socket).await, json!(["cleared", null]));
}

#[tokio::test]
async fn what_is_wrong_with_an_emit_over_http_is_a_problem_document_that_names_the_field() {
    let (_server, address) = server(&[("JSTACK_ADMIN_TOKEN", TOKEN)]).await;
    let full = |event: &str, data: Value| {
        json!({"procedure": "post/chat", "room": "general", "event": event, "data": data})
            .to_string()
    };
    let cases = [
        (full("sayd", json!({"text": "x"})), 404, "event", "did you mean `said`?"),
        (full("said", json!({"text": ""})), 422, "data.text", "length is lower than 1"),
        (full("said", json!(7)), 422, "data", "invalid type"),
        (r#"{"procedure":"post/chta","event":"said"}"#.into(), 404, "procedure", "`post/chat`?"),
        (r#"{"procedure":"post/chat","room":"","event":"cleared"}"#.into(), 422, "room", "empty"),
        (r#"{"procedure":"post/chat"}"#.into(), 422, "event", "is missing"),
        (r#"{"procedure":3,"event":"said"}"#.into(), 422, "procedure", "expected a string"),
        (
            r#"{"procedure":"post/chat","event":"said","rooms":[]}"#.into(),
            422,
            "rooms",
            "unknown field `rooms`",
        ),
        (
            r#"{"procedure":"post/chat","event":"said","except":"x"}"#.into(),
            422,
            "except",
            "a socket's id",
        ),
        ("{".into(), 422, "", ""),
        (String::new(), 422, "", ""),
    ];
    for (body, status, path, part) in cases {
        let answer = post(address, &authorized(), &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
        let problem: Value = serde_json::from_str(&answer.body).expect(&answer.body);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{body}: {problem}");
        let issue = &problem["errors"][0];
        assert_eq!(issue["path"], path, "{body}: {problem}");
    }
}

#[tokio::test]
async fn only_programs_with_the_token_emit_over_http() {
    let (_server, address) = server(&[("JSTACK_ADMIN_TOKEN", TOKEN)]).await;
    let body = json!({"procedure": "post/chat", "event": "cleared"}).to_string();
    let status = async |head: &str| post(address, head, &body).await.status;

    let refused = post(address, "", &body).await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert!(refused.head.contains("www-authenticate: bearer\r\n"), "{}", refused.head);
    assert!(refused.body.contains("authorization: Bearer"), "{}", refused.body);
    // Browsers are refused before the token is looked at, pages of this server's own included.
    for origin in ["https://evil.example".to_owned(), format!("http://{address}")] {
        assert_eq!(status(&format!("origin: {origin}\r\n{}", authorized())).await, 403, "{origin}");
    }
    assert_eq!(status(&format!("sec-fetch-site: none\r\n{}", authorized())).await, 403);
    let text = format!("GET /api/_emit HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let mut client = Client::tcp(address).await.unwrap();
    let get = client.ask(text.as_bytes()).await.unwrap();
    assert_eq!(get.status, 405);
    assert!(get.head.contains("allow: post"), "{}", get.head);

    let mut wrong = Vec::new();
    for _ in 0..30 {
        wrong.push(status(&format!("authorization: Bearer {TOKEN}x\r\n")).await);
    }
    assert_eq!(wrong[0], 401);
    assert!(
        wrong.contains(&429) && wrong.iter().all(|status| [401, 429].contains(status)),
        "{wrong:?}"
    );
    assert_eq!(status(&authorized()).await, 204, "the right token is not locked out");
}

#[tokio::test]
async fn without_a_token_there_is_no_such_route_and_a_weak_one_is_an_error_at_start() {
    let (_server, address) = server(&[]).await;
    let body = json!({"procedure": "post/chat", "event": "cleared"}).to_string();
    assert_eq!(post(address, &authorized(), &body).await.status, 404);
    let error = run(&["serve", "127.0.0.1:0"], &[("JSTACK_ADMIN_TOKEN", "hunter2")]).await;
    let error = error.unwrap_err();
    assert!(error.contains("JSTACK_ADMIN_TOKEN: write at least 16"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}
