//! The requests to Upstash.

use std::time::Duration;

use js_sys::{Array, Uint8Array};
use serde::Deserialize;
use tokio::sync::oneshot;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::platform;
use crate::platform::workers::glue;
use crate::untrusted::Untrusted;

/// A database, as its console shows it.
pub(super) struct Api {
    /// Without a slash at its end.
    pub(super) url: String,
    pub(super) token: String,
    /// How long an answer may take.
    pub(super) deadline: Duration,
}

/// What became of a command.
#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    error: Option<String>,
}

/// An answer's status, and its text or the number of its body.
type Answer = (u16, Result<String, u32>);

impl Api {
    /// Sends commands. Fails with a sentence for operators if there was no answer to each.
    pub(super) async fn pipeline(
        &self,
        commands: &[[&str; 3]],
    ) -> Result<Vec<Result<(), String>>, String> {
        let body = serde_json::to_string(commands).map_err(|error| error.to_string())?;
        let text = match self.post("pipeline", Some(body)).await {
            (200, Ok(text)) => text,
            answer => return Err(refusal(answer)),
        };
        let outcomes: Vec<Outcome> = serde_json::from_str(&text)
            .map_err(|_| format!("it answered what is not a list: {}", Untrusted(&text)))?;
        if outcomes.len() != commands.len() {
            return Err(format!("it answered {} of {} commands", outcomes.len(), commands.len()));
        }
        Ok(outcomes.into_iter().map(|outcome| outcome.error.map_or(Ok(()), Err)).collect())
    }

    /// Asks for a channel. Fails with a sentence for operators.
    pub(super) async fn subscribe(&self, channel: &str) -> Result<Stream, String> {
        let channel: String = js_sys::encode_uri_component(channel).into();
        match self.post(&format!("subscribe/{channel}"), None).await {
            (_, Err(body)) => Ok(Stream(body)),
            answer => Err(refusal(answer)),
        }
    }

    async fn post(&self, path: &str, body: Option<String>) -> Answer {
        let url = format!("{}/{path}", self.url);
        let (token, milliseconds) = (self.token.clone(), self.deadline.as_secs_f64() * 1000.0);
        let (put, answer) = oneshot::channel();
        // What waits for JavaScript is not `Send`, and a broker's futures must be.
        platform::spawn(async move {
            let answer = glue::post(&url, &token, body.as_deref(), milliseconds).await;
            let unread = put.send(read(&answer)).err();
            if let Some((_, Err(body))) = unread {
                glue::drop_body(body);
            }
        });
        answer.await.unwrap_or_else(|_| (0, Ok("the request was ended".to_owned())))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they are such")]
fn read(answer: &JsValue) -> Answer {
    let parts: &Array = answer.unchecked_ref();
    let status = parts.get(0).as_f64().unwrap_or_default() as u16;
    let content = parts.get(1);
    (
        status,
        content
            .as_f64()
            .map_or_else(|| Ok(content.as_string().unwrap_or_default()), |id| Err(id as u32)),
    )
}

/// Why Upstash did not do what it was asked for.
fn refusal((status, content): Answer) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let text = content.unwrap_or_default();
    let text = serde_json::from_str(&text).map_or(text, |Refusal { error }| error);
    let text = Untrusted(text.trim());
    match status {
        0 => format!("it cannot be reached: {text}"),
        401 | 403 => format!("it does not accept UPSTASH_REDIS_REST_TOKEN ({status}): {text}"),
        429 => format!("its quota is used up ({status}): {text}"),
        _ => format!("it answered {status}: {text}"),
    }
}

/// A stream of events. Dropping it ends it.
pub(super) struct Stream(u32);

impl Stream {
    /// The next piece; `None` at its end. Fails with a sentence for operators.
    pub(super) async fn piece(&mut self) -> Result<Option<Vec<u8>>, String> {
        let (put, piece) = oneshot::channel();
        let body = self.0;
        platform::spawn(async move {
            let _ = put.send(match glue::read_body(body).await {
                Ok(value) => Ok(value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)),
                Err(error) => Err(js_sys::Error::from(error).message().into()),
            });
        });
        piece.await.unwrap_or(Ok(None))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        glue::drop_body(self.0);
    }
}
