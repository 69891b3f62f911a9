//! WebSockets without events, behind `jstack_runtime::raw`.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use super::reader::Connection;
use super::upgrade::PendingConnection;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::frame::{self, HEADROOM, Opcode};
use crate::limits::Limits;
use crate::outbound::Frame;
use crate::protocol::codec::WireMessage;
use crate::protocol::profile::Profile;
use crate::rooms::{Hub, Node};

/// Upgrades requests to WebSockets without events.
///
/// ```no_run
/// use axum::extract::{Request, State};
/// use jstack_runtime::Limits;
/// use jstack_runtime::raw::Sockets;
///
/// async fn echo(State(sockets): State<Sockets>, request: Request) -> axum::response::Response {
///     sockets.upgrade(request, async |mut socket| {
///         while let Some(message) = socket.recv().await {
///             socket.send(&message);
///         }
///     })
///     .await
/// }
///
/// let app: axum::Router =
///     axum::Router::new().route("/", axum::routing::any(echo)).with_state(Sockets::new(Limits::default()));
/// ```
#[derive(Clone)]
pub struct Sockets {
    hub: Arc<Hub>,
    fragments: bool,
}

impl Sockets {
    /// Upgrades under these limits.
    ///
    /// ```
    /// use jstack_runtime::{Limits, raw::Sockets};
    ///
    /// let sockets = Sockets::new(Limits { message_bytes: 1 << 20, ..Limits::default() });
    /// ```
    pub fn new(limits: Limits) -> Self {
        let node = Node::new();
        node.configure(Arc::new(crate::broker::Memory::new()), limits);
        Self { hub: Hub::new(Arc::new(node)), fragments: false }
    }

    /// Allows any number of fragments in a message; without this, 128.
    ///
    /// ```
    /// use jstack_runtime::{Limits, raw::Sockets};
    ///
    /// let sockets = Sockets::new(Limits::default()).any_number_of_fragments();
    /// ```
    #[must_use]
    pub fn any_number_of_fragments(mut self) -> Self {
        self.fragments = true;
        self
    }

    /// Answers with the upgrade and runs `handler` with the connection, which closes when the handler returns.
    ///
    /// A request that is not a handshake gets an answer that says so. Origins are not checked here. The
    /// type's documentation has an example.
    pub async fn upgrade<F, Fut>(&self, request: Request, handler: F) -> Response
    where
        F: FnOnce(Socket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let (mut parts, _) = request.into_parts();
        let opening =
            match PendingConnection::begin(&mut parts, self.hub.clone(), Profile::Raw).await {
                Ok(opening) => opening,
                Err(refusal) => return refusal,
            };
        let fragments = self.fragments;
        opening.accept(Box::new(move |connection| {
            Box::pin(async move {
                let Some(mut connection) = connection else { return };
                if fragments {
                    connection.any_number_of_fragments();
                }
                handler(Socket { connection: Some(connection) }).await;
            })
        }))
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").finish_non_exhaustive()
    }
}

/// A message of a raw WebSocket.
///
/// ```
/// use jstack_runtime::raw::Message;
///
/// let length = |message: &Message| match message {
///     Message::Text(text) => text.len(),
///     Message::Binary(bytes) => bytes.len(),
/// };
/// assert_eq!(length(&Message::Text("héllo".to_owned())), 6);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// A connection without events. Dropping it closes it.
///
/// ```
/// use jstack_runtime::raw::{Message, Socket};
///
/// async fn shout(mut socket: Socket) {
///     while let Some(message) = socket.recv().await {
///         if let Message::Text(text) = message {
///             socket.send(&Message::Text(text.to_uppercase()));
///         }
///     }
/// }
/// ```
pub struct Socket {
    connection: Option<Connection>,
}

impl Socket {
    /// Waits for the next message; `None` once the connection has closed or is lost. Cancel safe.
    ///
    /// ```
    /// # use jstack_runtime::raw::Socket;
    /// async fn first(socket: &mut Socket) -> Option<Vec<u8>> {
    ///     match socket.recv().await? {
    ///         jstack_runtime::raw::Message::Binary(bytes) => Some(bytes),
    ///         jstack_runtime::raw::Message::Text(_) => None,
    ///     }
    /// }
    /// ```
    pub async fn recv(&mut self) -> Option<Message> {
        let connection = self.connection.as_mut()?;
        let message = poll_fn(|cx| {
            connection.poll_message(cx, |data| match data {
                WireMessage::Text(text) => Message::Text(text.to_owned()),
                WireMessage::Binary(bytes) => Message::Binary(bytes.to_vec()),
            })
        })
        .await;
        connection.release_buffer();
        message
    }

    /// Queues a message. A client that does not read is disconnected, as with procedures.
    ///
    /// ```
    /// # use jstack_runtime::raw::{Message, Socket};
    /// fn greet(socket: &Socket) {
    ///     socket.send(&Message::Text("hello".to_owned()));
    /// }
    /// ```
    pub fn send(&self, message: &Message) {
        let Some(connection) = &self.connection else { return };
        let (opcode, payload) = match message {
            Message::Text(text) => (Opcode::Text, text.as_bytes()),
            Message::Binary(bytes) => (Opcode::Binary, &bytes[..]),
        };
        let mut buffer = Vec::with_capacity(HEADROOM + payload.len());
        buffer.resize(HEADROOM, 0);
        buffer.extend_from_slice(payload);
        let start = frame::write_header(&mut buffer, opcode, false);
        connection.hub().push(connection.member(), &Frame::new(&buffer[start..]));
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close(CloseReason::fixed(ClosedBy::Server, 1000, ""));
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(connection.finish());
            }
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}
