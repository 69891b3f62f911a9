//! The Rust client: against a server in memory, where time is paused, and over the network.
#![allow(
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program as users write it, and what is asserted of it"
)]

#[path = "client/presence.rs"]
mod presence;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jstack_runtime::client::{Client, GapReason, Incoming, Profile, Socket, Status, TokenReason};
use jstack_runtime::prelude::*;
use jstack_runtime::{SuperJson, TestServer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Draft {
    #[garde(length(chars, min = 1, max = 20))]
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Saved {
    pub id: u32,
}

#[derive(Clone, Debug, Events)]
pub enum ToServer {
    #[event(reply = Saved)]
    Save(Draft),
    Say(String),
    Ask(String),
    /// Ends this connection with this code.
    End(u16),
    #[event(volatile)]
    Typing(()),
    #[event(reply = u32)]
    Slow(u64),
}

#[derive(Clone, Debug, Events)]
pub enum ToClient {
    Hello(String),
    Said(String),
    #[event(ask = bool)]
    Confirm(String),
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Join {
    room: Option<String>,
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub mod talk {
    use axum::extract::Query;

    use super::*;

    #[connect]
    async fn connect(socket: Socket, Bearer(name): Bearer, Query(join): Query<Join>) -> Result {
        if name == "expired" {
            return Err(Error::unauthorized("expired"));
        }
        if name == "short" {
            socket.expires_in(Duration::from_secs(60));
        }
        socket.join("room").await?;
        let room = join.room.unwrap_or_else(|| "nowhere".into());
        socket.emit().hello(&format!("{name} in {room}")).await
    }

    #[refresh]
    async fn refresh(Bearer(_): Bearer) {}

    #[on(Save)]
    async fn save(draft: Draft) -> Result<Saved> {
        if draft.text == "taken" {
            return Err(Error::conflict("that name is taken"));
        }
        Ok(Saved { id: 7 })
    }

    #[on(Say)]
    async fn say(io: Io, text: String) -> Result {
        io.to("room").said(&text).await
    }

    #[on(Ask)]
    async fn ask(socket: Socket, text: String) -> Result {
        let answer = match socket.ask().confirm(&text).await {
            Ok(answer) => answer.to_string(),
            Err(error) => error.code().to_owned(),
        };
        socket.emit().said(&answer).await
    }

    #[on(End)]
    async fn end(socket: Socket, code: u16) {
        socket.close(code, "as you wish");
    }

    #[on(Typing)]
    async fn typing(_: ()) {}

    #[on(Slow)]
    async fn slow(ms: u64) -> u32 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        1
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Page {
    #[garde(range(max = 10))]
    limit: u32,
    #[garde(skip)]
    tag: Option<String>,
}

#[procedure(get, input = Page)]
async fn page(page: Page) -> Result<Page> {
    if page.limit == 0 {
        return Err(Error::not_found("nothing is left"));
    }
    Ok(page)
}

#[procedure(post, input = Page)]
async fn maybe(page: Option<Page>) -> Option<u32> {
    page.map(|page| page.limit)
}

#[procedure(get)]
async fn moment() -> Result<SuperJson<chrono::DateTime<chrono::Utc>>> {
    Ok(SuperJson(chrono::DateTime::UNIX_EPOCH))
}

#[procedure(post)]
async fn nothing() {}

#[procedure(get)]
async fn fixed() -> &'static str {
    "fixed"
}

#[procedure(get)]
async fn whoami(Bearer(token): Bearer) -> Result<String> {
    if token == "old" { Err(Error::unauthorized("that token is old")) } else { Ok(token) }
}

fn app() -> App {
    App::new().mount("t", router![talk, page, maybe, moment, nothing, fixed, whoami])
}

async fn server() -> TestServer {
    app().test().await.unwrap()
}

async fn connected(server: &TestServer, name: &str) -> Socket<talk::Procedure> {
    let mut socket = server
        .ws::<talk::Procedure>("t/talk")
        .header("authorization", &format!("Bearer {name}"))
        .connect()
        .await
        .unwrap();
    assert_eq!(event(&mut socket).await, format!("hello {name} in nowhere"));
    socket
}

/// The next event, which is in time.
async fn event(socket: &mut Socket<talk::Procedure>) -> String {
    match timeout(Duration::from_secs(30), socket.next()).await.unwrap() {
        Some(Incoming::Event(ToClient::Hello(text), _)) => format!("hello {text}"),
        Some(Incoming::Event(ToClient::Said(text), _)) => format!("said {text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn two_clients_hear_each_other_in_memory() {
    let server = server().await;
    let (mut ann, mut bob) = (connected(&server, "ann").await, connected(&server, "bob").await);
    ann.emit().say("hi").await.unwrap();
    assert_eq!(event(&mut ann).await, "said hi");
    assert_eq!(event(&mut bob).await, "said hi");
    assert_ne!(ann.id(), bob.id());
    server.io::<talk::Procedure>().to("room").said("from outside").await.unwrap();
    assert_eq!(event(&mut bob).await, "said from outside");
    assert!(matches!(ann.status(), Status::Open { profile: Profile::V1, .. }));
}

#[tokio::test(start_paused = true)]
async fn requests_have_replies_and_typed_errors() {
    let server = server().await;
    let ann = connected(&server, "ann").await;
    let draft = |text: &str| Draft { text: text.into() };
    assert_eq!(ann.request().save(&draft("a")).await.unwrap(), Saved { id: 7 });
    let taken = ann.request().save(&draft("taken")).await.unwrap_err();
    assert_eq!((taken.code(), taken.status().as_u16()), ("conflict", 409));
    // The rules are checked before anything is sent, and the fault is this program's.
    let requested = ann.request().save(&draft("")).await.unwrap_err();
    let emitted = ann.emit().save(&draft("")).await.unwrap_err();
    for invalid in [requested, emitted] {
        assert_eq!((invalid.code(), invalid.status().as_u16()), ("invalid", 422));
        assert_eq!(invalid.message(), "text: length is lower than 1");
        assert_eq!(invalid.issues()[0].path, "text");
    }
    let late = ann.request_within(Duration::from_secs(1)).slow(&5000).await.unwrap_err();
    assert_eq!(late.code(), "timeout");
    assert_eq!(ann.request().slow(&1).await.unwrap(), 1);
    ann.confirm(&ToServer::Say("x".into())).await.unwrap();
    ann.confirm(&ToServer::Typing(())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn questions_are_answered_or_refused_at_once() {
    let server = server().await;
    let mut ann = connected(&server, "ann").await;
    ann.emit().ask("?").await.unwrap();
    assert_eq!(event(&mut ann).await, "said unsupported");
    ann.on_ask(
        |events| &events.confirm,
        |text| async move {
            match &*text {
                "busy" => Err(Error::conflict("busy")),
                "broken" => Err(Error::internal("secret")),
                text => Ok(text == "yes"),
            }
        },
    );
    for (asked, answered) in [("yes", "true"), ("no", "false"), ("busy", "conflict")] {
        ann.emit().ask(asked).await.unwrap();
        if asked == "busy" {
            let Some(Incoming::Error { event, error, .. }) = ann.next().await else { panic!() };
            assert_eq!((event.as_deref(), error.code()), (Some("confirm"), "conflict"));
        }
        assert_eq!(event(&mut ann).await, format!("said {answered}"));
    }
    ann.emit().ask("broken").await.unwrap();
    let Some(Incoming::Error { error, .. }) = ann.next().await else { panic!() };
    assert_eq!(error.cause().unwrap().to_string(), "secret");
    assert_eq!(event(&mut ann).await, "said failed");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_the_error_of_connect() {
    let server = server().await;
    let refused = server.ws::<talk::Procedure>("t/talk").connect().await.unwrap_err();
    assert_eq!((refused.code(), refused.status().as_u16()), ("unauthorized", 401));
    let missing = server.ws::<talk::Procedure>("t/nowhere").connect().await.unwrap_err();
    assert_eq!(missing.status(), 404);
    let invalid = server.ws::<talk::Procedure>("t/talk").header("a b", "c").connect().await;
    assert!(invalid.unwrap_err().message().contains("`a b`"));
    // The base profile gets the HTTP answer.
    let refused = server.ws::<talk::Procedure>("t/talk").base_profile().connect().await;
    assert_eq!(refused.unwrap_err().status(), 401);
}

#[tokio::test(start_paused = true)]
async fn params_travel_in_the_query_and_hooks_run_whenever_it_is_open() {
    let server = server().await;
    let mut ann = server
        .client()
        .bearer("ann")
        .ws::<talk::Procedure>("t/talk")
        .params(&json!({ "room": "a&b ü" }))
        .on_open(|emit| emit.say("here"))
        .connect()
        .await
        .unwrap();
    assert_eq!(event(&mut ann).await, "hello ann in a&b ü");
    assert_eq!(event(&mut ann).await, "said here");
    ann.emit().end(&1001).await.unwrap();
    let Some(Incoming::Gap(gap)) = ann.next().await else { panic!("no gap") };
    assert_eq!((gap.reason, gap.room), (GapReason::Offline, None));
    assert_eq!(event(&mut ann).await, "hello ann in a&b ü");
    assert_eq!(event(&mut ann).await, "said here");
}

#[tokio::test(start_paused = true)]
async fn hours_pass_at_once_and_the_connection_lives() {
    let server = server().await;
    let mut ann = connected(&server, "ann").await;
    let mut base = server
        .client()
        .bearer("old")
        .ws::<talk::Procedure>("t/talk")
        .base_profile()
        .connect()
        .await
        .unwrap();
    assert_eq!(event(&mut base).await, "hello old in nowhere");
    let (began, id) = (Instant::now(), ann.id());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(began.elapsed() >= Duration::from_secs(3600));
    ann.emit().say("still here").await.unwrap();
    assert_eq!(event(&mut ann).await, "said still here");
    assert_eq!(event(&mut base).await, "said still here");
    assert_eq!(ann.id(), id);
    assert_eq!(base.request().slow(&1).await.unwrap_err().code(), "unsupported");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_ends() {
    let server = server().await;
    let reasons = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let client = server.client().token({
        let reasons = reasons.clone();
        move |reason| {
            reasons.lock().push(reason);
            async move { Ok(Some("short".to_owned())) }
        }
    });
    let mut ann = client.ws::<talk::Procedure>("t/talk").connect().await.unwrap();
    assert_eq!(event(&mut ann).await, "hello short in nowhere");
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(*reasons.lock(), [TokenReason::Connect, TokenReason::Expiring]);
    ann.emit().say("still").await.unwrap();
    assert_eq!(event(&mut ann).await, "said still");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_is_asked_for_once_more() {
    let server = server().await;
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let client = server.client().token(move |reason| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            Ok(Some(if reason == TokenReason::Refused { "ann" } else { "expired" }.to_owned()))
        }
    });
    let mut ann = client.ws::<talk::Procedure>("t/talk").connect().await.unwrap();
    assert_eq!(event(&mut ann).await, "hello ann in nowhere");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    let client = server.client().token(|_| async { Ok(Some("expired".to_owned())) });
    let refused = client.ws::<talk::Procedure>("t/talk").connect().await.unwrap_err();
    assert_eq!(refused.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn close_closes_and_what_was_emitted_before_it_is_sent() {
    let server = server().await;
    let (ann, mut bob) = (connected(&server, "ann").await, connected(&server, "bob").await);
    ann.emit().say("last").await.unwrap();
    let sender = ann.sender();
    ann.close(1000, "bye");
    assert_eq!(event(&mut bob).await, "said last");
    assert!(matches!(ann.status(), Status::Closed { code: 1000, cause: None, .. }));
    assert_eq!(sender.emit().say("no").await.unwrap_err().code(), "closed");
    assert_eq!(sender.request().slow(&1).await.unwrap_err().code(), "closed");
    let mut ann = ann;
    assert!(ann.next().await.is_none());
    // The last handle closes as well.
    let eve = connected(&server, "eve").await;
    eve.emit().say("dropped").await.unwrap();
    drop(eve);
    assert_eq!(event(&mut bob).await, "said dropped");
}

#[tokio::test(start_paused = true)]
async fn a_final_close_ends_it_with_its_cause() {
    let server = server().await;
    let mut ann = connected(&server, "ann").await;
    ann.emit().end(&4403).await.unwrap();
    assert!(ann.next().await.is_none());
    let Status::Closed { code, cause: Some(cause), .. } = ann.status() else { panic!() };
    assert_eq!((code, cause.message()), (4403, "as you wish"));
}

#[tokio::test(start_paused = true)]
async fn a_draining_server_closes_its_sockets() {
    let server = server().await;
    let ann = connected(&server, "ann").await;
    server.drain().await;
    let Status::Reconnecting { cause, .. } = ann.status() else { panic!("{:?}", ann.status()) };
    assert!(matches!(cause.code(), "draining" | "connect"), "{cause:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_have_typed_inputs_answers_and_errors() {
    let server = server().await;
    let asked = Page { limit: 5, tag: Some("a b&ü\"".into()) };
    assert_eq!(server.get::<page::Procedure>("t/page", &asked).await.unwrap(), asked);
    let untagged = Page { limit: 5, tag: None };
    assert_eq!(server.get::<page::Procedure>("t/page", &untagged).await.unwrap(), untagged);
    let wrong = Page { limit: 50, tag: None };
    let wrong = server.get::<page::Procedure>("t/page", &wrong).await.unwrap_err();
    assert_eq!((wrong.status().as_u16(), &*wrong.issues()[0].path), (422, "limit"));
    let none = Page { limit: 0, tag: None };
    let none = server.get::<page::Procedure>("t/page", &none).await.unwrap_err();
    assert_eq!((none.code(), none.message()), ("not_found", "nothing is left"));
    let missing = server.get::<page::Procedure>("t/pages", &asked).await.unwrap_err();
    assert_eq!(missing.status(), 404);

    assert_eq!(server.post::<maybe::Procedure>("t/maybe", &None).await.unwrap(), None);
    assert_eq!(server.post::<maybe::Procedure>("t/maybe", &Some(asked)).await.unwrap(), Some(5));
    assert_eq!(
        server.get::<moment::Procedure>("t/moment", &()).await.unwrap(),
        chrono::DateTime::UNIX_EPOCH
    );
    server.post::<nothing::Procedure>("t/nothing", &()).await.unwrap();
    assert_eq!(server.get::<fixed::Procedure>("t/fixed", &()).await.unwrap(), "fixed");
    assert_eq!(server.get::<fixed::Procedure>("t/fixed", &()).text().await.unwrap(), "\"fixed\"");
}

#[tokio::test(start_paused = true)]
async fn calls_ask_for_tokens_and_once_more_after_a_401() {
    let server = server().await;
    let who = server.get::<whoami::Procedure>("t/whoami", &());
    assert_eq!(who.header("authorization", "Bearer eve").await.unwrap(), "eve");
    assert_eq!(server.get::<whoami::Procedure>("t/whoami", &()).await.unwrap_err().status(), 401);
    let client = server.client().token(|reason| async move {
        Ok(Some(if reason == TokenReason::Refused { "new" } else { "old" }.to_owned()))
    });
    assert_eq!(client.get::<whoami::Procedure>("t/whoami", &()).await.unwrap(), "new");
}

/// A server on the network, until the returned end is dropped or used.
async fn on_the_network(port: u16) -> (u16, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel::<()>();
    let limits = Limits { drain_spread: Duration::ZERO, ..Limits::default() };
    let serving = app().limits(limits).serve_on_until(listener, async { drop(stopped.await) });
    let task = tokio::spawn(async { serving.await.unwrap() });
    (port, stop, task)
}

#[tokio::test]
async fn it_comes_back_to_a_server_that_was_away_and_sends_what_waited() {
    let (port, stop, task) = on_the_network(0).await;
    let client = Client::new(&format!("http://127.0.0.1:{port}/api")).unwrap().bearer("ann");
    let dial = client.ws::<talk::Procedure>("t/talk");
    let dial = dial.backoff(Duration::from_millis(20), Duration::from_millis(100));
    let mut ann = dial.connect().await.unwrap();
    assert_eq!(event(&mut ann).await, "hello ann in nowhere");
    stop.send(()).unwrap();
    task.await.unwrap();
    while ann.status().is_open() {
        ann.status_changed().await;
    }
    ann.emit().say("one").await.unwrap();
    ann.emit().typing(&()).await.unwrap();
    ann.emit().say("two").await.unwrap();
    let waiting = tokio::spawn(ann.request().slow(&1));
    let failed = client.ws::<talk::Procedure>("t/talk").connect().await.unwrap_err();
    assert_eq!(failed.code(), "connect");
    let (_, _stop, _task) = on_the_network(port).await;
    ann.reconnect();
    let Some(Incoming::Gap(gap)) = ann.next().await else { panic!("no gap") };
    assert_eq!(gap.reason, GapReason::Offline);
    assert_eq!(event(&mut ann).await, "hello ann in nowhere");
    assert_eq!(event(&mut ann).await, "said one");
    assert_eq!(event(&mut ann).await, "said two");
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}
