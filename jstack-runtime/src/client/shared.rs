//! What the handles of a socket and its engine share.
//!
//! Lock order: the core's lock is the only one that is held while another could be wanted, and no code
//! of the application runs while it is held.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::Notify;

use super::core::{Asked, Core, Options, Phase};
use super::dial::Server;
use super::failure;
use super::token::{TokenReason, Tokens};
use crate::broker::PublishOutcome;
use crate::error::{Error, Result};
use crate::events::{EventPublisher, Requests, Target, To};
use crate::frame::HEADROOM;
use crate::payload::unsent;
use crate::platform;

/// Answers a question: its payload's JSON in, the answer's JSON out.
pub(super) type Answerer =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send>> + Send + Sync>;
/// Emits something whenever the socket is open.
pub(super) type Hook = Arc<dyn Fn(&dyn EventPublisher) -> crate::events::EmitFuture + Send + Sync>;

pub(super) struct Shared {
    core: Mutex<Core>,
    /// Something for the engine to do.
    pub(super) work: Notify,
    /// Something for `next` to return.
    pub(super) news: Notify,
    pub(super) server: Server,
    pub(super) tokens: Tokens,
    pub(super) path: String,
    pub(super) headers: http::HeaderMap,
    pub(super) hooks: Vec<Hook>,
    answerers: Mutex<BTreeMap<String, Answerer>>,
}

impl Shared {
    pub(super) fn new(
        server: Server,
        tokens: Tokens,
        path: String,
        headers: http::HeaderMap,
        hooks: Vec<Hook>,
        options: Options,
    ) -> Self {
        Self {
            core: Mutex::new(Core::new(options)),
            work: Notify::new(),
            news: Notify::new(),
            server,
            tokens,
            path,
            headers,
            hooks,
            answerers: Mutex::default(),
        }
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock()
    }

    /// Changes the state, and wakes whoever may have something to do.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.core();
        let before = core.phase;
        let result = change(&mut core);
        let is_news = core.has_news() || core.phase != before || core.phase == Phase::Closed;
        drop(core);
        self.work.notify_one();
        if is_news {
            self.news.notify_waiters();
        }
        result
    }

    /// Waits until `look` finds something. It looks again after each change that is news.
    ///
    /// Cancel safe, where `look` takes what it finds with it.
    pub(super) async fn when<T>(&self, mut look: impl FnMut(&mut Core) -> Option<T>) -> T {
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            // Whatever comes after this line wakes it.
            news.as_mut().enable();
            let found = look(&mut self.core());
            match found {
                Some(found) => return found,
                None => news.await,
            }
        }
    }

    pub(super) fn emit_text(&self, text: Vec<u8>) -> Result {
        let (event, text) = named(text)?;
        self.change(|core| core.emit(&event, text))
    }

    /// Asks, and waits for the answer's JSON.
    pub(super) async fn ask(
        self: Arc<Self>,
        event: String,
        open: Vec<u8>,
        within: Option<Duration>,
    ) -> Result<Box<str>> {
        let open = String::from_utf8(open).map_err(Error::internal)?;
        let (id, answer) = self.change(|core| core.request(&event, open))?;
        // Forgotten when it is dropped, too.
        let asked = Pending { shared: &self, id };
        let within = within.unwrap_or_else(|| self.core().request_timeout());
        let answer = platform::timeout(within, answer).await;
        drop(asked);
        match answer {
            Ok(Ok(answer)) => answer.map(String::into_boxed_str),
            Ok(Err(_)) => Err(failure::closed()),
            Err(_) => Err(failure::timeout(format!("`{event}` was not answered in time"))),
        }
    }

    pub(super) fn answer_by(&self, event: String, answerer: Answerer) {
        self.answerers.lock().insert(event, answerer);
    }

    /// Answers a question of the server's.
    pub(super) async fn answer(self: Arc<Self>, asked: Asked) {
        let Asked { event, data, id } = asked;
        let connection = self.core().id.clone();
        let answerer = self.answerers.lock().get(&event).cloned();
        let answer = match answerer {
            Some(answerer) => answerer(data).await,
            None => Err(Error::with_code(http::StatusCode::NOT_IMPLEMENTED, "unsupported", "")),
        };
        let text = match &answer {
            Ok(json) => format!("[\"$ok\",{},{}]", String::from_utf8_lossy(json), id_of(&id)),
            Err(error) => refusal(&event, error, &id),
        };
        self.change(|core| {
            // Another connection was not asked.
            if core.id == connection {
                core.out.push(text);
            }
            if let Err(error) = answer
                && error.code() != "unsupported"
            {
                core.report(Some(event), error);
            }
        });
    }

    /// Gives the server another token; `false`: there is none, or the connection is another by now.
    pub(super) async fn renew(self: &Arc<Self>, reason: TokenReason) -> Result<bool> {
        let id = self.core().id.clone();
        let Some(token) = self.tokens.get(reason).await? else { return Ok(false) };
        if id.is_none() || self.core().id != id {
            return Ok(false);
        }
        let open = serde_json::to_string(&token).map_err(Error::internal)?;
        let open = format!("[\"$token\",{open}").into_bytes();
        let answer = self.clone().ask("$token".to_owned(), open, None).await?;
        let ttl = serde_json::from_str::<Ttl>(&answer).ok().and_then(|answer| answer.ttl);
        self.change(|core| {
            if core.id == id {
                core.expires(ttl);
            }
        });
        Ok(true)
    }
}

/// The answer to `$token`.
#[derive(Deserialize)]
struct Ttl {
    ttl: Option<f64>,
}

/// A request that waits for its answer.
struct Pending<'a> {
    shared: &'a Shared,
    id: String,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.shared.core().forget(&self.id);
    }
}

/// The name of the event in a frame, and the frame as a text.
fn named(frame: Vec<u8>) -> Result<(String, String)> {
    #[derive(Deserialize)]
    struct Named<'a>(
        #[serde(borrow)] Cow<'a, str>,
        #[allow(dead_code, reason = "skipped")] IgnoredAny,
    );
    let text = String::from_utf8(frame).map_err(Error::internal)?;
    let Named(name, _) = serde_json::from_str(&text).map_err(Error::internal)?;
    let name = name.into_owned();
    Ok((name, text))
}

fn id_of(id: &str) -> serde_json::Value {
    serde_json::json!({ "i": id })
}

/// The server learns what went wrong only where the application chose to say it.
fn refusal(event: &str, error: &Error, id: &str) -> String {
    let chosen = error.status().is_client_error();
    let code = match error.code() {
        code if chosen || code == "unsupported" => code,
        _ => "failed",
    };
    let message = match error.message() {
        message if chosen => message.to_owned(),
        _ => format!("\"{event}\": {code}"),
    };
    let mut body = serde_json::json!({ "code": code, "message": message });
    if chosen && !error.issues().is_empty() {
        body["issues"] = serde_json::json!(error.issues());
    }
    format!("[\"$err\",{body},{}]", id_of(id))
}

/// Takes the JSON of an emit, if its target is what a client has: the server.
fn text_of(target: &Target<'_>, frame: &[u8]) -> Result<Vec<u8>> {
    if !matches!(target.to, To::All) || target.except.is_some() {
        let why =
            "a client emits to its server, which decides who hears of it: call the event's method";
        return Err(Error::bad_request(why));
    }
    Ok(frame[HEADROOM..].to_vec())
}

const NO_CLOSE: &str = "an emitter of a client closes nothing: call `close` of the socket";

impl EventPublisher for Shared {
    fn publish(&self, target: &Target<'_>, frame: &mut Vec<u8>) -> PublishOutcome {
        PublishOutcome::Done(text_of(target, frame).and_then(|text| self.emit_text(text)))
    }

    fn unencoded(&self, error: Error) -> Error {
        unsent(error)
    }

    fn close(&self, _: &Target<'_>, _: u16, _: &str) -> PublishOutcome {
        Error::bad_request(NO_CLOSE).into()
    }
}

impl Requests for Arc<Shared> {
    fn request(
        &self,
        event: &str,
        open: Vec<u8>,
        within: Option<Duration>,
    ) -> crate::events::Asked<Box<str>> {
        Box::pin(self.clone().ask(event.to_owned(), open, within))
    }
}

/// Collects what is emitted instead of sending it.
#[derive(Default)]
pub(super) struct Captured(pub(super) Mutex<Vec<Vec<u8>>>);

impl EventPublisher for Captured {
    fn publish(&self, target: &Target<'_>, frame: &mut Vec<u8>) -> PublishOutcome {
        PublishOutcome::Done(text_of(target, frame).map(|text| self.0.lock().push(text)))
    }

    fn unencoded(&self, error: Error) -> Error {
        unsent(error)
    }

    fn close(&self, _: &Target<'_>, _: u16, _: &str) -> PublishOutcome {
        Error::bad_request(NO_CLOSE).into()
    }
}

impl Captured {
    /// The frame without the bracket that closes it, and the event's name.
    pub(super) fn open(self) -> Result<(String, Vec<u8>)> {
        let frame = self.0.into_inner().pop().unwrap_or_default();
        let (event, text) = named(frame)?;
        let mut open = text.into_bytes();
        open.pop();
        Ok((event, open))
    }
}
