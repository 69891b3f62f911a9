//! What operators read about Upstash.

use http::StatusCode;

use crate::error::Error;
use crate::observe;
use crate::sync::Mutex;

/// What is wrong with one direction. A reason that repeats is logged once.
pub(super) struct Report {
    /// What Upstash is there for: `publish` or `listen`.
    purpose: &'static str,
    why: Mutex<Option<String>>,
}

impl Report {
    pub(super) fn new(purpose: &'static str) -> Self {
        Self { purpose, why: Mutex::new(None) }
    }

    pub(super) fn works(&self) {
        if self.why.lock().take().is_some() {
            tracing::info!(purpose = self.purpose, "Upstash works again");
        }
    }

    pub(super) fn failed(&self, why: &str) {
        let mut known = self.why.lock();
        if known.as_deref() != Some(why) {
            observe::warning!(purpose = self.purpose, why, "Upstash does not work");
            *known = Some(why.to_owned());
        }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.why.lock().as_ref().map(|why| format!("{}: {why}", self.purpose))
    }
}

/// The error of an emit or a join. The reason is for operators: clients read nothing of it.
pub(super) fn unavailable(why: &str) -> Error {
    Error::with_code(StatusCode::SERVICE_UNAVAILABLE, "broker", "the message broker is unavailable")
        .with_source(format!("Upstash: {why}"))
}
