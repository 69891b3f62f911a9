//! CWE-1385, cross-site WebSocket hijacking: who may open a socket from a page.

use jstack_runtime::Origins;
use jstack_tests::server::limits;
use jstack_tests::{Client, Server};

async fn opens(server: &Server, more: &str) -> bool {
    match Client::open(server.address, "/api/post/chat", more).await {
        Ok(_) => true,
        Err(error) => {
            assert!(error.to_string().starts_with("403"), "{more:?}: {error}");
            assert!(error.to_string().contains("JSTACK_ORIGINS"), "{error}");
            false
        }
    }
}

/// CVE-2020-28481 (socket.io): everyone by default. CVE-2026-27977 (Next): `null`.
/// CVE-2026-27148 (Storybook): none checked. CVE-2026-14631 (webpack-dev-server): malformed.
#[tokio::test]
async fn without_a_setting_only_the_servers_own_pages_may_open_a_socket() {
    let server = Server::start(limits()).await;
    for (origin, expected) in [
        ("http://localhost", true),
        ("http://localhost:80", true),
        ("HTTP://LOCALHOST", true),
        ("https://localhost", false),
        ("http://localhost:8080", false),
        ("http://localhost.", false),
        ("http://localhost.evil.example", false),
        ("http://evil-localhost", false),
        ("http://evil.localhost", false),
        ("http://localhost@evil.example", false),
        ("http://evil.example#localhost", false),
        ("http://evil.example/localhost", false),
        ("http://localhost/", false),
        ("http://localhost\\evil.example", false),
        ("http://127.0.0.1", false),
        ("http://[::1]", false),
        ("http://[::1", false),
        ("null", false),
        ("", false),
        ("*", false),
        ("localhost", false),
        ("//localhost", false),
        ("file://", false),
        ("data:text/html,x", false),
        ("http://", false),
        ("http://localhost:", false),
        ("http://localhost:080", false),
        ("http://localhost:99999", false),
        ("http://loc\u{e4}lhost", false),
        ("http://xn--loclhost-3za", false),
        ("http://localhost http://evil.example", false),
        ("http://localhost, http://evil.example", false),
        ("ws://localhost", false),
        ("javascript://localhost", false),
        ("http://a".repeat(500).as_str(), false),
    ] {
        assert_eq!(opens(&server, &format!("origin: {origin}\r\n")).await, expected, "{origin:?}");
    }
    let twice = "origin: http://localhost\r\norigin: http://localhost\r\n";
    assert!(!opens(&server, twice).await);
    assert!(opens(&server, "").await, "a native client");
    assert!(!opens(&server, "cookie: session=1\r\n").await, "cookies without an origin");
}

/// CVE-2022-42975 (Phoenix): `*.other.com` matched `any-other.com`.
#[tokio::test]
async fn a_wildcard_matches_at_a_labels_border_only() {
    let list = ["https://*.example.com", "https://app.example.org:8443"];
    let server = Server::start_with(limits(), |app| app.origins(list)).await;
    for (origin, expected) in [
        ("https://a.example.com", true),
        ("https://a.b.example.com", true),
        ("https://example.com", false),
        ("https://any-example.com", false),
        ("https://anyexample.com", false),
        ("https://a.example.com.evil.example", false),
        ("https://.example.com", false),
        ("http://a.example.com", false),
        ("https://a.example.com:8443", false),
        ("https://app.example.org:8443", true),
        ("https://app.example.org", false),
        ("http://localhost", false),
    ] {
        assert_eq!(opens(&server, &format!("origin: {origin}\r\n")).await, expected, "{origin:?}");
    }
}

/// phoenixframework/phoenix#6774: one mount's list was used for another.
#[tokio::test]
async fn two_applications_have_two_lists() {
    let one = Server::start_with(limits(), |app| app.origins(["https://one.example.com"])).await;
    let two = Server::start_with(limits(), |app| app.origins(["https://two.example.com"])).await;
    let any = Server::start_with(limits(), |app| app.origins(Origins::any())).await;
    for _ in 0..2 {
        for (name, at) in [("one", &one), ("two", &two)] {
            for other in ["one", "two"] {
                let more = format!("origin: https://{other}.example.com\r\n");
                assert_eq!(opens(at, &more).await, name == other);
                assert!(opens(&any, &more).await);
            }
        }
    }
}

#[tokio::test]
async fn a_foreign_page_reads_no_answer() {
    let server = Server::start(limits()).await;
    for (origin, expected) in
        [("http://localhost", true), ("https://evil.example", false), ("null", false)]
    {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let request =
            format!("GET /api/post/recent HTTP/1.1\r\nhost: localhost\r\norigin: {origin}\r\n\r\n");
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        assert_eq!(answer.head.contains("access-control-allow-origin"), expected, "{answer:?}");
        assert!(!answer.head.contains("access-control-allow-origin: *"), "{answer:?}");
    }
}
