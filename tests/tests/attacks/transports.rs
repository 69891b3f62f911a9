//! One client for all transports, so that a promise is tested on each of them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{RecvStream, SendStream};
use http::{Method, Request};
use jstack_runtime::{App, Limits};
use jstack_tests::client::{PATIENCE, handshake};
use jstack_tests::{Client, Server};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How bytes come to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Tls,
    /// HTTP/2 over TLS, as browsers speak it.
    Http2Tls,
    /// HTTP/2 without TLS, by prior knowledge.
    Http2,
}

pub(crate) const TRANSPORTS: [Transport; 4] =
    [Transport::Tcp, Transport::Tls, Transport::Http2Tls, Transport::Http2];

impl Transport {
    pub(crate) fn is_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Http2Tls)
    }

    pub(crate) fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }
}

/// A stream of bytes, whichever.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type AnyStream = Pin<Box<dyn Stream>>;

/// A server, and how to reach it.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) transport: Transport,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection to a site. Over HTTP/1 it carries one request at a time, or one socket.
pub(crate) enum Connection {
    Http1(Client<AnyStream>),
    Http2(SendRequest<Bytes>),
}

/// An answer: 0 where the connection or the stream ended without one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A WebSocket on any transport.
pub(crate) type Socket = Client<AnyStream>;

/// What a client of HTTP/2 lets come unread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Window {
    Usual,
    /// None: the answers' bodies stay where they are.
    Shut,
}

impl Site {
    pub(crate) async fn start(transport: Transport, limits: Limits) -> Self {
        Self::start_with(transport, limits, |app| app).await
    }

    pub(crate) async fn start_with(
        transport: Transport,
        limits: Limits,
        with: impl FnOnce(App) -> App,
    ) -> Self {
        if !transport.is_tls() {
            return Self { server: Server::start_with(limits, with).await, transport, tls: None };
        }
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a pair");
        let (cert, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let server = Server::start_with(limits, |app| with(app.tls(cert.clone(), key))).await;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(cert.as_bytes()).expect("pem")).expect("a root");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        if transport.is_http2() {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        Self { server, transport, tls: Some(Arc::new(config)) }
    }

    /// The bytes of a connection before anything is said. The receive buffer is small, so that
    /// what is not read stays with the server.
    pub(crate) async fn stream(&self) -> AnyStream {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(16 * 1024).expect("a size");
        let tcp = socket.connect(self.server.address).await.expect("a connection");
        tcp.set_nodelay(true).expect("set");
        match &self.tls {
            None => Box::pin(tcp),
            Some(config) => Box::pin(tls(tcp, config.clone()).await),
        }
    }

    pub(crate) async fn connect(&self) -> Connection {
        self.connect_with(Window::Usual).await
    }

    pub(crate) async fn connect_with(&self, window: Window) -> Connection {
        let stream = self.stream().await;
        if !self.transport.is_http2() {
            return Connection::Http1(Client::over(stream));
        }
        let mut builder = h2::client::Builder::new();
        if matches!(window, Window::Shut) {
            builder.initial_window_size(0);
        }
        let (mut send, connection) = builder.handshake(stream).await.expect("a handshake");
        tokio::spawn(connection);
        // The server's settings allow extended CONNECT, once they have come.
        while !send.is_extended_connect_protocol_enabled() {
            send = send.ready().await.expect("ready");
            tokio::task::yield_now().await;
        }
        Connection::Http2(send)
    }

    /// A chat on a connection of its own.
    pub(crate) async fn chat(&self) -> Socket {
        self.socket("/api/post/chat").await
    }

    pub(crate) async fn socket(&self, path: &str) -> Socket {
        self.connect().await.open(path).await.map_err(|answer| format!("{answer:?}")).expect("101")
    }
}

async fn tls(tcp: TcpStream, config: Arc<ClientConfig>) -> impl Stream {
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(config).connect(name, tcp).await.expect("a handshake")
}

impl Connection {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.get_from("localhost", path, "").await
    }

    /// A GET under this host, from this origin if it is not empty.
    pub(crate) async fn get_from(&mut self, host: &str, path: &str, origin: &str) -> Answer {
        match self {
            Self::Http1(client) => {
                let origin =
                    if origin.is_empty() { String::new() } else { format!("origin: {origin}\r\n") };
                let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{origin}\r\n");
                let answer = client.ask(request.as_bytes()).await.expect("an end");
                Answer { status: answer.status, body: answer.body }
            }
            Self::Http2(send) => {
                let mut request = Request::get(format!("http://{host}{path}"));
                if !origin.is_empty() {
                    request = request.header("origin", origin);
                }
                let request = request.body(()).expect("a request");
                let Ok((answer, _)) = send.send_request(request, true) else { return lost() };
                answer_of(answer).await
            }
        }
    }

    /// A POST of JSON of which `sent` comes, and the rest of `length` bytes does not.
    pub(crate) async fn post(&mut self, path: &str, sent: &str, length: usize) -> Answer {
        match self {
            Self::Http1(client) => {
                let request = format!(
                    "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                     content-length: {length}\r\n\r\n{sent}"
                );
                let answer = client.ask(request.as_bytes()).await.expect("an end");
                Answer { status: answer.status, body: answer.body }
            }
            Self::Http2(send) => {
                let request = Request::post(format!("http://localhost{path}"))
                    .header("content-type", "application/json")
                    .header("content-length", length)
                    .body(())
                    .expect("a request");
                let Ok((answer, mut up)) = send.send_request(request, false) else {
                    return lost();
                };
                let _ = up.send_data(Bytes::from(sent.to_owned()), sent.len() >= length);
                answer_of(answer).await
            }
        }
    }

    /// A WebSocket, or the answer that refuses it. Over HTTP/1 the connection is used up.
    pub(crate) async fn open(&mut self, path: &str) -> Result<Socket, Answer> {
        match self {
            Self::Http1(client) => {
                let answer = client.ask(handshake(path, "").as_bytes()).await.expect("an end");
                if answer.status != 101 {
                    return Err(Answer { status: answer.status, body: answer.body });
                }
                let (near, _) = tokio::io::duplex(1);
                let unused: AnyStream = Box::pin(near);
                Ok(std::mem::replace(client, Client::over(unused)))
            }
            Self::Http2(send) => {
                let mut request = Request::builder()
                    .method(Method::CONNECT)
                    .uri(format!("http://localhost{path}"))
                    .header("sec-websocket-version", "13")
                    .body(())
                    .expect("a request");
                request.extensions_mut().insert(h2::ext::Protocol::from_static("websocket"));
                let Ok((answer, up)) = send.send_request(request, false) else {
                    return Err(lost());
                };
                let Ok(answer) = answer.await else { return Err(lost()) };
                if !answer.status().is_success() {
                    return Err(Answer {
                        status: answer.status().as_u16(),
                        body: body(answer.into_body()).await.unwrap_or_default(),
                    });
                }
                let (near, far) = tokio::io::duplex(16 * 1024);
                tokio::spawn(bridge(far, answer.into_body(), up, send.clone()));
                let stream: AnyStream = Box::pin(near);
                Ok(Client::over(stream))
            }
        }
    }
}

fn lost() -> Answer {
    Answer { status: 0, body: String::new() }
}

async fn answer_of(answer: h2::client::ResponseFuture) -> Answer {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => {
            let status = answer.status().as_u16();
            match body(answer.into_body()).await {
                Some(body) => Answer { status, body },
                None => lost(),
            }
        }
        Ok(Err(_)) => lost(),
        Err(_) => Answer { status: 0, body: "the client's patience is at its end".to_owned() },
    }
}

/// A whole body; `None` if it breaks off.
pub(crate) async fn body(mut stream: RecvStream) -> Option<String> {
    let mut read = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data.ok()?;
        let _ = stream.flow_control().release_capacity(data.len());
        read.extend_from_slice(&data);
    }
    Some(String::from_utf8_lossy(&read).into_owned())
}

/// A stream of HTTP/2 as a stream of bytes: what is not read here keeps its window shut.
async fn bridge(
    far: DuplexStream,
    mut down: RecvStream,
    mut up: SendStream<Bytes>,
    _connection: SendRequest<Bytes>,
) {
    let (mut read, mut write) = tokio::io::split(far);
    let upwards = async move {
        let mut buffer = vec![0; 16 * 1024];
        // At the end of either, both directions are dropped, and the stream is reset.
        while let Ok(length @ 1..) = read.read(&mut buffer).await {
            if up.send_data(Bytes::copy_from_slice(&buffer[..length]), false).is_err() {
                break;
            }
        }
    };
    let downwards = async move {
        while let Some(Ok(data)) = down.data().await {
            if write.write_all(&data).await.is_err() {
                return;
            }
            let _ = down.flow_control().release_capacity(data.len());
        }
        let _ = write.shutdown().await;
    };
    tokio::select! {
        () = upwards => {}
        () = downwards => {}
    }
}

/// Fails the test, with the transport's name, if `test` takes too long.
pub(crate) async fn in_time<T>(transport: Transport, test: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), test).await {
        Ok(done) => done,
        Err(_) => panic!("{transport:?} takes too long"),
    }
}

/// Runs a test once for each transport.
macro_rules! on_every_transport {
    ($(#[$doc:meta])* async fn $name:ident($transport:ident: Transport) $body:block) => {
        $(#[$doc])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let test = |$transport: Transport| async move { $body };
            for transport in $crate::transports::TRANSPORTS {
                println!("{transport:?}");
                $crate::transports::in_time(transport, test(transport)).await;
            }
        }
    };
}

pub(crate) use on_every_transport;
