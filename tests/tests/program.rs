//! A program as it is first written: `#[jstack_runtime::main]`, and no `tracing` subscriber.

#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use jstack_tests::Client;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// The fixture, which has the attribute and no subscriber.
fn fixture(port: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_fixture"))
        .arg(port)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process")
}

async fn line(lines: &mut Lines<BufReader<ChildStderr>>) -> String {
    let line = tokio::time::timeout(std::time::Duration::from_secs(20), lines.next_line()).await;
    line.expect("in time").expect("stderr").expect("a line")
}

async fn status(address: SocketAddr, head: &str) -> u16 {
    let mut client = Client::tcp(address).await.expect("a connection");
    let request = format!("GET /api/t/{head}\r\nhost: {address}\r\n\r\n");
    client.ask(request.as_bytes()).await.expect("an answer").status
}

#[tokio::test]
async fn a_program_without_a_subscriber_writes_its_url_and_its_errors_to_stderr() {
    let mut child = fixture("0");
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let listening = line(&mut stderr).await;
    let address = listening.strip_prefix("listening on http://").expect(&listening);
    let address: SocketAddr = address.parse().expect("an address");

    assert_eq!(status(address, "nothing HTTP/1.1").await, 200);
    assert_eq!(status(address, "nothing HTTP/1.1\r\norigin: http://localhost:5173").await, 403);
    let refused = line(&mut stderr).await;
    assert!(refused.starts_with("warn: origin refused origin="), "{refused}");
    assert!(refused.contains("http://localhost:5173"), "{refused}");

    assert_eq!(status(address, "broken HTTP/1.1").await, 500);
    let failed = line(&mut stderr).await;
    assert!(failed.starts_with("error: request failed request_id="), "{failed}");
    assert!(failed.contains("status=500"), "{failed}");
    assert!(failed.ends_with("cause=\"disk /dev/secret is full\""), "{failed}");
}

#[tokio::test]
async fn an_error_of_main_is_a_sentence_and_the_exit_code_is_1() {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = taken.local_addr().expect("an address");
    let mut child = fixture(&address.port().to_string());
    // It ends with its standard input, which `wait` closes.
    let _stdin = child.stdin.take();
    let status = child.wait().await.expect("an end");
    let mut told = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut told).await.expect("text");
    let expected = format!("error: cannot listen on {address}: ");
    assert!(told.starts_with(&expected) && told.lines().count() == 1, "{told}");
    assert!(!told.contains('{'), "{told}");
    assert_eq!(status.code(), Some(1));
}
