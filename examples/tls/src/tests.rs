use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::client_async;

/// A client that trusts these certificates and no others.
fn trusting(roots: RootCertStore) -> TlsConnector {
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_socket_over_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = super::app(made.cert.pem().into(), made.signing_key.serialize_pem().into());
    tokio::spawn(app.serve_on(listener));

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let tls = trusting(roots).connect(name.clone(), tcp).await.unwrap();
    let (mut socket, _) = client_async("wss://localhost/api/post/echo", tls).await.unwrap();
    socket.send(r#"["echo","hello"]"#.into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().to_string(), r#"["echo","hello"]"#);

    // A client that does not know the certificate does not talk.
    let tcp = TcpStream::connect(address).await.unwrap();
    assert!(trusting(RootCertStore::empty()).connect(name, tcp).await.is_err());
}
