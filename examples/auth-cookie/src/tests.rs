use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, http::Request};

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(super::app().serve_on(listener));
    address
}

/// Signs in, and returns the whole answer.
async fn sign_in(address: SocketAddr, password: &str) -> String {
    let body = format!(r#"{{"name":"ann","password":"{password}"}}"#);
    let request = format!(
        "POST /api/account/signIn HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A handshake with these headers, as a browser sends them.
fn handshake(address: SocketAddr, headers: &[(&'static str, String)]) -> Request<()> {
    let mut request = format!("ws://{address}/api/post/chat").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

async fn refusal(request: Request<()>) -> u16 {
    match connect_async(request).await.unwrap_err() {
        tungstenite::Error::Http(response) => response.status().as_u16(),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_cookie_opens_the_socket_and_names_the_sender() {
    let address = start().await;
    let answer = sign_in(address, "secret").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let cookie = answer.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap().to_owned();

    let origin = ("origin", format!("http://{address}"));
    let request = handshake(address, &[("cookie", format!("theme=dark; {cookie}")), origin]);
    let (mut ann, _) = connect_async(request).await.unwrap();
    ann.send(r#"["say","hello"]"#.into()).await.unwrap();
    let heard = ann.next().await.unwrap().unwrap().to_string();
    assert_eq!(heard, r#"["said",{"by":"ann","text":"hello"}]"#);
}

#[tokio::test]
async fn strangers_and_pages_of_other_sites_get_no_socket() {
    let address = start().await;
    assert!(sign_in(address, "guess").await.starts_with("HTTP/1.1 401"));
    assert_eq!(refusal(handshake(address, &[])).await, 401);

    let answer = sign_in(address, "secret").await;
    let cookie = answer.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let origin = ("origin", "https://evil.example".to_owned());
    assert_eq!(refusal(handshake(address, &[("cookie", cookie), origin])).await, 403);
}
