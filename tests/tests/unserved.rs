//! Emits that nothing can take: to a procedure that nobody mounted, and before the application is
//! built.

#![allow(missing_docs, unreachable_pub, clippy::expect_used, reason = "tests")]

use jstack_runtime::prelude::*;
use tokio::time::Instant;

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Said(String),
}

#[procedure(ws, incoming = Chat, outgoing = Chat, history(10, "5m"))]
pub mod chat {
    use super::*;

    #[on(Said)]
    async fn said(io: Io, text: String) -> Result {
        io.all().said(&text).await
    }
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
pub mod forgotten {
    use super::*;

    #[on(Said)]
    async fn said(io: Io, text: String) -> Result {
        io.all().said(&text).await
    }
}

#[procedure(get)]
async fn count(io: Io<forgotten::Procedure>) -> Result<u8> {
    io.all().said("a number was asked for").await?;
    Ok(1)
}

fn cause(result: Result) -> String {
    let error = result.expect_err("nothing took it");
    assert_eq!((error.status().as_u16(), error.message()), (500, "Internal Server Error"));
    error.cause().expect("a cause").to_string()
}

#[tokio::test]
async fn an_emit_to_a_procedure_that_is_not_mounted_fails() {
    let app = App::new().mount("post", router![chat, count]);
    let io = app.io::<forgotten::Procedure>();
    let server = app.test().await.expect("a server");
    for target in [io.all(), io.to("a"), io.to("a").to("b"), io.all().except_room("a")] {
        let cause = cause(target.said("hello").await);
        assert!(
            cause.starts_with("`unserved::forgotten::Procedure` is not mounted, so"),
            "{cause}"
        );
        assert!(cause.contains("`App::mount`"), "{cause}");
    }
    assert!(cause(io.all().close(4000, "bye").await).contains("is not mounted"));
    assert!(cause(server.io::<forgotten::Procedure>().all().said("x").await).contains("mounted"));
    let error =
        server.get::<count::Procedure>("post/count", &()).await.expect_err("its emit failed");
    assert_eq!((error.status().as_u16(), error.message()), (500, "Internal Server Error"));
    let error = io.history("a").last(1).await.expect_err("no history");
    assert!(error.cause().expect("a cause").to_string().contains("not mounted"));
    server.io::<chat::Procedure>().all().said("hello").await.expect("this one is mounted");
}

#[tokio::test]
async fn an_emit_before_the_application_is_built_waits_for_it() {
    let app = App::new();
    let (chat_io, forgotten_io) = (app.io::<chat::Procedure>(), app.io::<forgotten::Procedure>());
    let early = tokio::spawn({
        let io = chat_io.clone();
        async move { io.to("a").to("b").except_room("c").said("early").await }
    });
    let lost = tokio::spawn(async move { forgotten_io.all().said("lost").await });
    tokio::task::yield_now().await;
    let app = app.mount("post", router![chat]);
    tokio::task::yield_now().await;
    assert!(!early.is_finished() && !lost.is_finished());
    let _server = app.test().await.expect("a server");
    early.await.expect("no panic").expect("the broker took it");
    assert!(cause(lost.await.expect("no panic")).contains("is not mounted"));
    let past = chat_io.history("a").last(10).await.expect("a history");
    assert!(
        matches!(&past[..], [one] if matches!(&one.event, Chat::Said(text) if text == "early"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_emit_of_an_application_that_is_never_built_fails() {
    let app: App = App::new().mount("post", router![chat]);
    let started = Instant::now();
    let cause = cause(app.io::<chat::Procedure>().all().said("hello").await);
    assert_eq!(started.elapsed().as_secs(), 5);
    assert!(cause.starts_with("`post/chat` is not served yet"), "{cause}");
    assert!(cause.contains("after `run`, `serve` or `into_router`"), "{cause}");
}
