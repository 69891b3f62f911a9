//! Questions: what the server asks a client.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use super::event::Event;
use crate::error::{Error, Result};
use crate::payload::RawPayload;

/// The answer to a question, once it has come.
///
/// Dropping it cancels the question; an answer that arrives later is counted and ignored.
pub type Asked<A> = Pin<Box<dyn Future<Output = Result<A>> + Send>>;

/// A question on its way to one connection. Typed askers wrap it.
#[must_use = "a question does nothing until it is asked"]
pub struct Question<'a> {
    asker: &'a dyn Asker,
    within: Duration,
}

/// Asks the client of one connection.
pub(crate) trait Asker: Send + Sync {
    /// Sends `text`, a frame without its closing bracket, and waits for the answer's JSON.
    fn ask(&self, text: Vec<u8>, within: Duration) -> Asked<Box<str>>;
}

impl<'a> Question<'a> {
    /// The default deadline for a client's answer.
    pub(crate) const WITHIN: Duration = Duration::from_secs(10);

    pub(crate) fn new(asker: &'a dyn Asker, within: Duration) -> Self {
        Self { asker, within }
    }

    /// Asks, and waits for a valid answer.
    ///
    /// Fails at once, with the code `unsupported`, for a client without the profile `v1`. Fails
    /// with `timeout` after the deadline, with `gone` when the connection ends, and with `answer`
    /// for an answer that does not decode or validate. An error of the client is passed on.
    pub fn ask<T, E, B: ?Sized, R, A: Send + 'static>(
        self,
        event: &Event<T, E, B, R, A>,
        payload: &B,
    ) -> Asked<A> {
        let mut text = Vec::new();
        if let Err(error) = event.encode_open(payload, &mut text) {
            return Box::pin(std::future::ready(Err(error)));
        }
        let Some(parse) = event.parse_answer() else {
            return Box::pin(std::future::ready(Err(Error::internal("the event has no answer"))));
        };
        let (name, answer) = (event.wire_name(), self.asker.ask(text, self.within));
        Box::pin(async move {
            let text = answer.await?;
            parse(&RawPayload::new(&text)).map_err(|error| invalid(name, &error))
        })
    }
}

/// The error for an answer that does not decode or validate: it is the client's fault.
#[cold]
fn invalid(name: &str, error: &Error) -> Error {
    let message = format!("the answer to `{name}` is not valid: {}", error.message());
    Error::with_code(http::StatusCode::BAD_GATEWAY, "answer", message)
        .with_issues(error.issues().to_vec())
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("within", &self.within).finish_non_exhaustive()
    }
}

/// The asker of a set of events of which none is a question.
#[derive(Debug)]
pub struct NoQuestions;
