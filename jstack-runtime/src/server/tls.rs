//! TLS by rustls.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its chain, and its key; PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    pub(crate) fn new(cert: Vec<u8>, key: Vec<u8>) -> Self {
        Self { cert, key }
    }

    /// Fails for anything that is not PEM, and for a key that is not the certificate's.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.cert).collect();
        let chain = chain.map_err(|error| format!("the TLS certificate is not PEM: {error}"))?;
        if chain.is_empty() {
            return Err("the TLS certificate has no `BEGIN CERTIFICATE`".into());
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| format!("the TLS key is not PEM: {error}"))?;
        let wrong = |error| format!("TLS certificate and key cannot be used: {error}");
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(wrong)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}
