use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(super::app().serve_on(listener));
    address
}

/// Opens the socket with this header, or returns the status of the refusal.
async fn connect(address: SocketAddr, authorization: Option<&str>) -> Result<Client, u16> {
    let mut request = format!("ws://{address}/api/post/notes").into_client_request().unwrap();
    if let Some(value) = authorization {
        request.headers_mut().insert("authorization", value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((client, _)) => Ok(client),
        Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_note_reaches_all_devices_of_its_user_and_nobody_else() {
    let address = start().await;
    let mut phone = connect(address, Some("Bearer ann-token")).await.unwrap();
    let mut laptop = connect(address, Some("Bearer ann-token")).await.unwrap();
    let mut bob = connect(address, Some("Bearer bob-token")).await.unwrap();

    phone.send(r#"["note","buy milk"]"#.into()).await.unwrap();
    for device in [&mut phone, &mut laptop] {
        assert_eq!(device.next().await.unwrap().unwrap().to_string(), r#"["note","buy milk"]"#);
    }
    // The first that Bob receives is his own.
    bob.send(r#"["note","call ann"]"#.into()).await.unwrap();
    assert_eq!(bob.next().await.unwrap().unwrap().to_string(), r#"["note","call ann"]"#);
}

#[tokio::test]
async fn without_a_valid_token_there_is_no_socket() {
    let address = start().await;
    for wrong in [None, Some("Bearer guess"), Some("Basic ann-token"), Some("ann-token")] {
        assert_eq!(connect(address, wrong).await.err(), Some(401), "{wrong:?}");
    }
}
