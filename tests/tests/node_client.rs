//! The stock npm client, and npm `ws`, against real servers: what is tested is in
//! `tests/node/client/*.test.mjs`.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod suites;

#[tokio::test]
#[ignore = "run by ./check: needs Node"]
async fn the_stock_client_works_unmodified_over_http() {
    suites::run("http.test.mjs", &[]).await;
}

#[tokio::test]
#[ignore = "run by ./check: needs Node"]
async fn the_stock_client_works_unmodified_over_websockets() {
    suites::run("socket.test.mjs", &[]).await;
}

#[tokio::test]
#[ignore = "run by ./check: needs Node and redis-server"]
async fn the_stock_client_chats_across_two_processes_and_their_outages() {
    // With all features, because that is what other suites build: it must not be two programs.
    let chat = suites::build("chat", &["--all-features"]).await;
    suites::run("processes.test.mjs", &[("JSTACK_CHAT", chat.as_os_str())]).await;
}

#[tokio::test]
#[ignore = "run by ./check: needs Node, redis-server and nginx"]
async fn two_processes_behind_nginx_by_the_documented_configuration() {
    let chat = suites::build("chat", &["--all-features"]).await;
    suites::run("proxy.test.mjs", &[("JSTACK_CHAT", chat.as_os_str())]).await;
}

#[tokio::test]
#[ignore = "run by ./check: needs Node"]
async fn npm_ws_gets_back_what_it_sends() {
    let (plain, deflate) = suites::echoes().await;
    suites::run("interop.test.mjs", &[("JSTACK_ECHO", plain.as_os_str())]).await;
    let deflate = [("JSTACK_ECHO", deflate.as_os_str()), ("JSTACK_DEFLATE", "1".as_ref())];
    suites::run("interop.test.mjs", &deflate).await;
}
