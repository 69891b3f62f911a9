use std::path::PathBuf;

use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::connect_async;
use tower::ServiceExt as _;

/// An empty folder for one test.
fn folder(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("uploads-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn a_file_is_stored_and_the_sockets_hear_of_it() {
    let folder = folder("stored");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(super::app(folder.clone()).serve_on(listener));
    let url = format!("ws://{address}/api/post/files");
    let (mut socket, _) = connect_async(&url).await.unwrap();

    let mut connection = TcpStream::connect(address).await.unwrap();
    let put = format!(
        "PUT /files/note.txt HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-length: 5\r\n\r\nhello"
    );
    connection.write_all(put.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let heard = socket.next().await.unwrap().unwrap().to_string();
    assert_eq!(heard, r#"["uploaded",{"name":"note.txt","bytes":5}]"#);
    assert_eq!(std::fs::read_to_string(folder.join("note.txt")).unwrap(), "hello");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn names_that_lead_elsewhere_and_files_that_are_too_large_are_refused() {
    let folder = folder("refused");
    for (name, size, status) in [
        ("..%2Fetc", 1, StatusCode::BAD_REQUEST),
        (".hidden", 1, StatusCode::BAD_REQUEST),
        ("large", super::LARGEST + 1, StatusCode::PAYLOAD_TOO_LARGE),
        ("largest", super::LARGEST, StatusCode::CREATED),
    ] {
        let request = Request::put(format!("/files/{name}")).body("x".repeat(size)).unwrap();
        let response = super::app(folder.clone()).into_router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}
