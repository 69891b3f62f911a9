//! The log entries about connections, for operators.

use super::link::Link;
use crate::observe;

/// Logs what happens to the connection that is there to `publish` or to `listen`. A reason that
/// repeats with every attempt is logged once.
pub(crate) struct ConnectionLog<'a> {
    purpose: &'static str,
    link: &'a Link,
    /// Why the last attempt failed, if it did.
    failure: Option<String>,
}

impl<'a> ConnectionLog<'a> {
    pub(crate) fn new(purpose: &'static str, link: &'a Link) -> Self {
        Self { purpose, link, failure: None }
    }

    pub(crate) fn connected(&mut self) {
        if self.failure.take().is_some() {
            tracing::info!(redis = %self.link.address.shown, purpose = self.purpose, "connected again");
        }
    }

    /// An open connection was given up.
    pub(crate) fn lost(&self, why: &str) {
        observe::warning!(redis = %self.link.address.shown, purpose = self.purpose, why, "lost the connection");
    }

    /// An attempt to connect failed.
    pub(crate) fn failed(&mut self, why: &str) {
        if self.failure.as_deref() != Some(why) {
            observe::warning!(redis = %self.link.address.shown, purpose = self.purpose, why, "cannot connect");
            self.failure = Some(why.to_owned());
        }
    }
}
