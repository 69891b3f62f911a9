//! Places: connections in all and from one address, and who is behind a proxy.

use std::time::Duration;

use jstack_runtime::Limits;
use jstack_tests::client::handshake;
use jstack_tests::server::limits;
use jstack_tests::{Client, Server};

const GET: &[u8] = b"GET /api/post/recent HTTP/1.1\r\nhost: x\r\n\r\n";

async fn status(server: &Server) -> u16 {
    let mut client = Client::tcp(server.address).await.expect("a connection");
    client.ask(GET).await.expect("an answer").status
}

/// Waits until a place is free: the server notices the end of a connection by itself.
async fn until_free(server: &Server) {
    let free = async {
        while status(server).await != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), free).await.expect("a free place");
}

#[tokio::test]
async fn one_connection_more_than_there_may_be_is_told_when_to_come_back() {
    let server = Server::start(Limits { connections: 3, ..limits() }).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(Client::chat(server.address).await.expect("a place"));
    }
    let mut refused = Client::tcp(server.address).await.expect("a connection");
    let answer = refused.ask(GET).await.expect("an answer");
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 5"), "{answer:?}");
    assert!(answer.body.contains("all the connections"), "{answer:?}");
    // Sockets keep their permits for as long as they live, not only until the upgrade.
    assert!(held[0].is_well().await);
    held.pop();
    until_free(&server).await;
}

#[tokio::test]
async fn one_address_gets_its_share_and_no_more_and_the_loopback_counts_as_well() {
    let server = Server::start(Limits { connections_per_ip: 2, ..limits() }).await;
    let held = [Client::chat(server.address).await, Client::chat(server.address).await];
    assert!(held.iter().all(Result::is_ok));
    let mut refused = Client::tcp(server.address).await.expect("a connection");
    let answer = refused.ask(handshake("/api/post/chat", "").as_bytes()).await.expect("an answer");
    assert_eq!(
        (answer.status, answer.body.contains("from this address")),
        (503, true),
        "{answer:?}"
    );
    drop(held);
    until_free(&server).await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_forwarded_address_counts_and_only_its_last_part() {
    let limits = Limits { connections_per_ip: 1, ..limits() };
    let server = Server::start_with(limits, |app| app.trusted_proxies(["127.0.0.0/8"])).await;
    let forwarded = |list: &str| format!("x-forwarded-for: {list}\r\n");
    let open =
        async |list: &str| Client::open(server.address, "/api/post/chat", &forwarded(list)).await;
    let _first = open("203.0.113.1").await.expect("a place");
    let _second = open("203.0.113.2").await.expect("a place for another client");
    // The left part is the client's own invention.
    for spoofed in ["203.0.113.1", "9.9.9.9, 203.0.113.1", "203.0.113.1, 127.0.0.1"] {
        let error = open(spoofed).await.expect_err("no place").to_string();
        assert!(error.starts_with("503"), "{spoofed}: {error}");
    }
}

#[tokio::test]
async fn nobody_else_is_believed_about_addresses_or_tls() {
    let server = Server::start(Limits { connections_per_ip: 1, ..limits() }).await;
    let _first = Client::open(server.address, "/api/post/chat", "x-forwarded-for: 1.1.1.1\r\n")
        .await
        .expect("a place");
    let second =
        Client::open(server.address, "/api/post/chat", "x-forwarded-for: 2.2.2.2\r\n").await;
    assert!(second.is_err());

    let server = Server::start(limits()).await;
    let more = "origin: https://localhost\r\nx-forwarded-proto: https\r\n";
    let error = Client::open(server.address, "/api/post/chat", more).await.expect_err("refused");
    assert!(error.to_string().starts_with("403"), "{error}");
    let server = Server::start_with(limits(), |app| app.trusted_proxies(["127.0.0.1"])).await;
    Client::open(server.address, "/api/post/chat", more).await.expect("the same origin over TLS");
}

#[tokio::test]
async fn a_handler_sees_the_address_of_the_client() {
    use axum::extract::ConnectInfo;
    let whoami = async |ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>| peer.ip().to_string();
    let router = axum::Router::new().route("/whoami", axum::routing::get(whoami));
    let server =
        Server::start_with(limits(), |app| app.merge(router).trusted_proxies(["::1", "127.0.0.1"]))
            .await;
    for (more, expected) in
        [("", "127.0.0.1"), ("x-forwarded-for: 6.6.6.6, 203.0.113.9\r\n", "203.0.113.9")]
    {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let request = format!("GET /whoami HTTP/1.1\r\nhost: x\r\n{more}\r\n");
        assert_eq!(client.ask(request.as_bytes()).await.expect("an answer").body, expected);
    }
}

/// `connect` that never ends must not keep a place for ever.
#[tokio::test]
async fn a_handshake_that_takes_too_long_is_given_up() {
    let handshake_timeout = Duration::from_millis(200);
    let server = Server::start(Limits { handshake_timeout, ..limits() }).await;
    let error = Client::open(server.address, "/api/post/chat?hang", "").await.expect_err("503");
    assert!(error.to_string().starts_with("503"), "{error}");
}
