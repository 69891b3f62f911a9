//! HTTP with one server: a call and its answer, or the handshake of a WebSocket.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::address::Address;
use super::closing::{self, End};
use super::failure::{self, Refusal};
use super::network::Connector;
use super::pool::Pool;
use super::wire::Wire;
use crate::error::{Error, Result};
use crate::frame::handshake::accept_for;
use crate::platform;
use crate::protocol::profile::{V1, bearer};

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;
/// The longest reason of a refusal that is read, in bytes.
const LONGEST_REFUSAL: usize = 64 * 1024;
/// Errors as documents with codes and issues; from a server that has none, anything.
const PROBLEMS: HeaderValue = HeaderValue::from_static("application/problem+json, */*");

/// A server, and how to reach it.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) address: Arc<Address>,
    pub(super) connector: Arc<dyn Connector>,
    /// For calls. A socket has a connection of its own.
    pool: Pool,
}

/// An answer to a call.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The headers of a request with this token.
pub(super) fn with_token(mut headers: HeaderMap, token: Option<&str>) -> Result<HeaderMap> {
    if let Some(token) = token {
        let value = bearer(token.as_bytes())
            .ok_or_else(|| Error::unauthorized("the token is not visible ASCII"))?;
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

impl Server {
    pub(super) fn new(address: Address, connector: Arc<dyn Connector>) -> Self {
        let pool = Pool::new(connector.clone());
        Self { address: Arc::new(address), connector, pool }
    }

    fn request(
        &self,
        method: Method,
        uri: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>> {
        let host = HeaderValue::try_from(&self.address.authority)
            .map_err(|_| failure::connect("the host is not a header's value"))?;
        headers.entry(HOST).or_insert(host);
        headers.entry(ACCEPT).or_insert(PROBLEMS);
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Full::new(body))
            .map_err(|_| Error::bad_request(format!("`{uri}` is not an address")))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        let address = &self.address.authority;
        let stream = self.connector.connect().await;
        let stream = stream
            .map_err(|error| failure::connect(format!("cannot connect to {address}: {error}")))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(spoken)?;
        // It ends with the answer's body, or with the upgrade.
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await.map_err(spoken)
    }

    /// Calls over a connection that is kept for the next call, and reads the whole answer. `body`: JSON.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Answer> {
        let mut headers = headers;
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let scheme = if self.address.secure { "https" } else { "http" };
        let url = format!("{scheme}://{}{path}", self.address.authority);
        let request = self.request(method, &url, headers, body.unwrap_or_default().into())?;
        let (parts, body) = self.pool.send(request).await?.into_parts();
        let body = read(body, LONGEST_ANSWER).await?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Opens a WebSocket; `true`: it speaks the profile `v1`.
    pub(super) async fn open(
        &self,
        path: &str,
        headers: HeaderMap,
        v1: bool,
    ) -> Result<(Wire, bool), End> {
        let key = key();
        let mut headers = headers;
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        if let Ok(key) = HeaderValue::try_from(&*key) {
            headers.insert(SEC_WEBSOCKET_KEY, key);
        }
        if v1 {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(V1));
        }
        let request = self.request(Method::GET, path, headers, Bytes::new()).map_err(End::of)?;
        let response = self.send(request).await.map_err(End::of)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refused(response).await);
        }
        let header = |name: HeaderName| response.headers().get(name).map(HeaderValue::as_bytes);
        if header(SEC_WEBSOCKET_ACCEPT) != Some(accept_for(key.as_bytes()).as_bytes()) {
            let why =
                "the answer to the handshake is not a WebSocket's: is this the right address?";
            return Err(End::of(failure::connect(why)));
        }
        let selected = header(SEC_WEBSOCKET_PROTOCOL).is_some_and(|name| name == V1.as_bytes());
        let upgraded =
            hyper::upgrade::on(response).await.map_err(|error| End::of(spoken(error)))?;
        Ok((Wire::new(upgraded), selected && v1))
    }
}

/// Sixteen bytes that differ from one connection to the next.
fn key() -> String {
    let (a, b) = (platform::random(), platform::random());
    STANDARD.encode([a.to_le_bytes(), b.to_le_bytes()].concat())
}

#[allow(clippy::needless_pass_by_value, reason = "as `map_err` passes it")]
fn spoken(error: hyper::Error) -> Error {
    failure::lost(format!("the connection failed: {error}"))
}

async fn read(body: Incoming, most: usize) -> Result<Bytes> {
    let collected = Limited::new(body, most).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| failure::lost(format!("the answer did not come whole: {error}")))
}

/// The end of an attempt whose answer is not an upgrade.
async fn refused(response: Response<Incoming>) -> End {
    let (parts, body) = response.into_parts();
    let body = read(body, LONGEST_REFUSAL).await.unwrap_or_default();
    closing::refused(parts.status, &refusal(parts.status, &parts.headers, &body))
}

/// What an answer that is not a success says: a problem document, or a text.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Refusal {
    let seconds = headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
    let after = seconds.map(|seconds: u32| f64::from(seconds) * 1000.0);
    if let Ok(refusal) = serde_json::from_slice::<Refusal>(body)
        && refusal.message.is_some()
    {
        return Refusal { status: Some(status.as_u16()), after, ..refusal };
    }
    let text = String::from_utf8_lossy(body);
    let message = match text.trim() {
        "" => status.to_string(),
        text => text.chars().take(1000).collect(),
    };
    let status = Some(status.as_u16());
    Refusal { status, message: Some(message), after, ..Refusal::default() }
}
