//! Requests: what a client asks its server.

use std::fmt;
use std::time::Duration;

use super::event::Event;
use super::question::Asked;
use crate::error::Error;
use crate::payload::{RawPayload, unsent};

/// A request on its way to the server. Typed requesters wrap it.
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a> {
    requests: &'a dyn Requests,
    within: Option<Duration>,
}

/// Sends requests of one connection.
pub(crate) trait Requests: Send + Sync {
    /// Sends `text`, the frame of `event` without its closing bracket, and waits for the JSON of the
    /// answer. Without `within` it waits as long as the connection's own timeout says.
    fn request(&self, event: &str, text: Vec<u8>, within: Option<Duration>) -> Asked<Box<str>>;
}

#[cfg(feature = "client")]
impl<'a> Request<'a> {
    pub(crate) fn new(requests: &'a dyn Requests, within: Option<Duration>) -> Self {
        Self { requests, within }
    }
}

impl Request<'_> {
    /// Sends the request, and waits for a reply that keeps the rules of its type.
    pub fn send<T, E, B: ?Sized, R: Send + 'static, A>(
        self,
        event: &Event<T, E, B, R, A>,
        payload: &B,
    ) -> Asked<R> {
        let mut text = Vec::new();
        if let Err(error) = event.encode_open(payload, &mut text) {
            return Box::pin(std::future::ready(Err(unsent(error))));
        }
        let Some(parse) = event.parse_reply() else {
            return Box::pin(std::future::ready(Err(Error::internal("the event has no reply"))));
        };
        let name = event.wire_name();
        let answer = self.requests.request(name, text, self.within);
        Box::pin(async move {
            let text = answer.await?;
            parse(&RawPayload::new(&text)).map_err(|error| invalid(name, &error))
        })
    }
}

/// The error for a reply that does not decode or validate: it is the server's fault.
#[cold]
fn invalid(name: &str, error: &Error) -> Error {
    let message = format!("the reply to `{name}` is not valid: {}", error.message());
    Error::with_code(http::StatusCode::BAD_GATEWAY, "answer", message)
        .with_issues(error.issues().to_vec())
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("within", &self.within).finish_non_exhaustive()
    }
}

/// The requester of a set of events of which none has a reply.
#[derive(Debug)]
pub struct NoRequests;
