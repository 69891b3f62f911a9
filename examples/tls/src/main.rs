//! HTTPS and WSS without a proxy in front.
//!
//! ```sh
//! openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
//!   -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem
//! cargo run -p tls -- cert.pem key.pem
//! curl --cacert cert.pem https://localhost:8443/api/post/hello
//! ```
//!
//! Without code it is `JSTACK_TLS_CERT=cert.pem JSTACK_TLS_KEY=key.pem`, in any program that is built
//! with the feature `tls`.

use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Events)]
pub enum Echo {
    Echo(String),
}

#[procedure(ws, incoming = Echo, outgoing = Echo)]
pub mod echo {
    use super::*;

    #[on(Echo)]
    async fn echo(socket: Socket, text: String) -> Result {
        socket.emit().echo(&text).await
    }
}

#[procedure(get)]
pub async fn hello() -> &'static str {
    "hello over TLS"
}

/// The certificate is the whole chain, the server's own first; both are PEM.
fn app(certificate: Vec<u8>, key: Vec<u8>) -> App {
    App::new().mount("post", router![echo, hello]).tls(certificate, key)
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    let mut files = std::env::args().skip(1);
    let (Some(certificate), Some(key)) = (files.next(), files.next()) else {
        return Err("say where the files are: `tls cert.pem key.pem`".into());
    };
    app(std::fs::read(certificate)?, std::fs::read(key)?).serve("127.0.0.1:8443").await
}

#[cfg(test)]
mod tests;
