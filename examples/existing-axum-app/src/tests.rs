use std::net::SocketAddr;

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::connect_async;

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_route_of_the_existing_application_reaches_the_sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, super::app()).await });

    let url = format!("ws://{address}/api/shop/orders");
    let (mut socket, _) = connect_async(&url).await.unwrap();
    assert!(ask(address, "POST /orders/7").await.ends_with("order 7 is placed"));
    assert_eq!(socket.next().await.unwrap().unwrap().to_string(), r#"["placed",7]"#);

    // Its own pages and its own 404 are as before.
    assert!(ask(address, "GET /").await.ends_with("the shop"));
    assert!(ask(address, "GET /nothing").await.starts_with("HTTP/1.1 404"));
}
