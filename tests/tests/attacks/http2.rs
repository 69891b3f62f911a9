//! HTTP/2 and TLS: WebSockets over both, and what HTTP/2 adds to the attacks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode};
use jstack_runtime::Limits;
use jstack_tests::client::{PATIENCE, frame, handshake};
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame, Server};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A server with TLS, and what a client needs to trust it.
async fn secure(limits: Limits) -> (Server, Arc<ClientConfig>) {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a pair");
    let (cert, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let server = Server::start_with(limits, |app| app.tls(cert.clone(), key)).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(cert.as_bytes()).expect("pem")).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, Arc::new(config))
}

async fn tls(server: &Server, config: Arc<ClientConfig>) -> Client<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(server.address).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    Client::over(TlsConnector::from(config).connect(name, tcp).await.expect("a handshake"))
}

#[tokio::test]
async fn a_socket_over_tls_works_and_its_own_origin_is_https() {
    let (server, config) = secure(limits()).await;
    for (origin, status) in [("https://localhost", 101), ("http://localhost", 403)] {
        let mut client = tls(&server, config.clone()).await;
        let request = handshake("/api/post/chat", &format!("origin: {origin}\r\n"));
        assert_eq!(client.ask(request.as_bytes()).await.expect("an answer").status, status);
        if status == 101 {
            assert!(client.is_well().await);
            jstack_tests::app::say(&server.io, "over tls").await.expect("taken");
            assert_eq!(client.next_text().await, r#"["say","over tls"]"#);
        }
    }
    server.stopped().await;
}

#[tokio::test]
async fn a_tls_handshake_that_does_not_come_is_given_up_and_plain_text_is_none() {
    let handshake_timeout = Duration::from_millis(200);
    let (server, config) = secure(Limits { handshake_timeout, ..limits() }).await;
    let start = Instant::now();
    for sent in [&b""[..], b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        client.send(sent).await.expect("sent");
        assert_eq!(client.answer().await.expect("an end").status, 0);
    }
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let mut client = tls(&server, config).await;
    assert_eq!(
        client.ask(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("one").status,
        200
    );
}

/// A client's connection of HTTP/2 without TLS.
async fn h2(server: &Server) -> h2::client::SendRequest<bytes::Bytes> {
    let tcp = TcpStream::connect(server.address).await.expect("a connection");
    let (mut send, connection) = h2::client::handshake(tcp).await.expect("a handshake");
    tokio::spawn(connection);
    // The server's settings allow extended CONNECT, once they have come.
    while !send.is_extended_connect_protocol_enabled() {
        send = send.ready().await.expect("ready");
        tokio::task::yield_now().await;
    }
    send
}

fn connect() -> Request<()> {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri("http://localhost/api/post/chat")
        .header("sec-websocket-version", "13")
        .body(())
        .expect("a request");
    request.extensions_mut().insert(h2::ext::Protocol::from_static("websocket"));
    request
}

#[tokio::test]
async fn a_socket_over_http2_works_and_outlives_the_clock_over_heads() {
    let header_timeout = Duration::from_millis(100);
    let server = Server::start(Limits { header_timeout, ..limits() }).await;
    let mut send = h2(&server).await;
    let (answer, mut up) = send.send_request(connect(), false).expect("sent");
    let answer = answer.await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let mut down = answer.into_body();
    tokio::time::sleep(header_timeout * 5).await;
    up.send_data(frame(1, true, br#"["echo","over http2"]"#).into(), false).expect("sent");
    let wanted = br#"["echo","over http2"]"#;
    let mut read = Vec::new();
    while !read.ends_with(wanted) {
        let data = tokio::time::timeout(PATIENCE, down.data()).await.expect("in time");
        read.extend_from_slice(&data.expect("data").expect("no error"));
    }
}

#[tokio::test]
async fn a_drain_closes_sockets_over_http2_as_well() {
    let mut server = Server::start(limits()).await;
    let mut send = h2(&server).await;
    let (answer, _up) = send.send_request(connect(), false).expect("sent");
    let mut down = answer.await.expect("an answer").into_body();
    server.stop();
    let mut read = Vec::new();
    while let Some(Ok(data)) = tokio::time::timeout(PATIENCE, down.data()).await.expect("in time") {
        read.extend_from_slice(&data);
    }
    assert_eq!(read.get(..4), Some(&[0x88, 26, 0x03, 0xf4][..]), "{read:?}");
    server.stopped().await;
}

/// CVE-2023-44487: streams that are opened and reset, without end.
#[tokio::test]
async fn rapid_resets_end_the_connection_and_nothing_else() {
    let server = Server::start(limits()).await;
    let mut other = Client::chat(server.address).await.expect("a chat");
    let mut send = h2(&server).await;
    for _ in 0..100_000 {
        let Ok(ready) = send.ready().await else { break };
        send = ready;
        let Ok((_, mut up)) = send.send_request(connect(), false) else { break };
        up.send_reset(h2::Reason::CANCEL);
    }
    assert!(other.is_well().await);
}

/// CVE-2024-27316 and its kin: a head in continuations that never end.
#[tokio::test]
async fn a_flood_of_continuations_is_cut_off() {
    let server = Server::start(limits()).await;
    let mut client = Client::tcp(server.address).await.expect("a connection");
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(b"\0\0\x05\x01\0\0\0\0\x01\x82\x86\x84\x41\x00");
    // Literal headers, 40 bytes a frame.
    let mut more = b"\0\0\x2b\x09\0\0\0\0\x01\x00\x01a\x27".to_vec();
    more.extend_from_slice(&[b'b'; 39]);
    bytes.extend_from_slice(&more.repeat(100_000));
    let _ = client.send(&bytes).await;
    let mut other = Client::chat(server.address).await.expect("a chat");
    assert!(other.is_well().await);
    // The first connection ends, whatever it gets before.
    while client.next().await != Frame::End {}
}
