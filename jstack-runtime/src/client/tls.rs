//! TLS by rustls, with the certificates that the system trusts.

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::failure;
use super::network::{Connecting, Connector, Stream, Tcp};
use crate::error::Result;

pub(super) struct Tls {
    tcp: Tcp,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Tls {
    /// Fails if the system trusts nobody, or the host is not a name that a certificate could have.
    pub(super) fn new(tcp: Tcp) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = "no certificate of an authority was found on this system";
            return Err(failure::connect(why));
        }
        let name = ServerName::try_from(tcp.host.to_string())
            .map_err(|_| failure::connect("the host is not a name for a certificate"))?;
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Self { tcp, name, connector: TlsConnector::from(Arc::new(config)) })
    }
}

impl Connector for Tls {
    fn connect(&self) -> Connecting {
        let (tcp, name, connector) = (self.tcp.clone(), self.name.clone(), self.connector.clone());
        Box::pin(async move {
            let stream = tcp.open().await?;
            let stream = connector.connect(name, stream).await?;
            io::Result::Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}
