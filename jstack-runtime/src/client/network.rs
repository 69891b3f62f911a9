//! Byte streams to a server: TCP, TLS, or whatever a test connects.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::address::Address;
use crate::error::Result;

/// A stream to a server.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A stream that is being opened.
pub(crate) type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens streams to one server.
pub(crate) trait Connector: Send + Sync {
    fn connect(&self) -> Connecting;
}

/// The connector for an address on the network.
pub(super) fn connector(address: &Address) -> Result<Arc<dyn Connector>> {
    let tcp = Tcp { host: address.host.as_str().into(), port: address.port };
    if !address.secure {
        return Ok(Arc::new(tcp));
    }
    secure(tcp)
}

#[cfg(feature = "client-tls")]
fn secure(tcp: Tcp) -> Result<Arc<dyn Connector>> {
    Ok(Arc::new(super::tls::Tls::new(tcp)?))
}

#[cfg(not(feature = "client-tls"))]
fn secure(_: Tcp) -> Result<Arc<dyn Connector>> {
    let message = "https needs the feature `client-tls` of jstack-runtime";
    Err(super::failure::unsupported(message))
}

#[derive(Clone)]
pub(super) struct Tcp {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
}

impl Tcp {
    pub(super) async fn open(self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((&*self.host, self.port)).await?;
        // A frame must not wait for the next one.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Connector for Tcp {
    fn connect(&self) -> Connecting {
        let tcp = self.clone();
        Box::pin(async move { Ok(Box::new(tcp.open().await?) as Box<dyn Stream>) })
    }
}
