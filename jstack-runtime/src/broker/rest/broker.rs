//! `Rest`: the broker as the application sees it.

use std::sync::Arc;
use std::time::Duration;

use super::api::Api;
use super::inner::Inner;
use super::listener::{subscribe, unsubscribe};
use super::publisher::publish;
use super::reports::Report;
use crate::broker::format::names;
use crate::broker::{Broker, Channel, Publication, Publish, Sink, Subscribe};
use crate::error::BoxError;
use crate::platform;
use crate::sync::Mutex;

/// How long a request may take, unless set.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// Upstash by its REST API.
pub(crate) struct Rest(Arc<Inner>);

impl Rest {
    /// The database at a URL, with a token. It does not connect yet.
    ///
    /// Fails with the name of a variable that is missing or cannot be meant.
    pub(crate) fn new(url: &str, token: &str, deadline: Duration) -> Result<Self, BoxError> {
        let url = url.trim().trim_end_matches('/');
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['@', '?', '#'])) {
            return Err("JSTACK_BROKER=upstash needs UPSTASH_REDIS_REST_URL, which must read as \
                        `https://<name>.upstash.io`"
                .into());
        }
        let token = token.trim();
        if token.is_empty() {
            return Err(
                "JSTACK_BROKER=upstash needs UPSTASH_REDIS_REST_TOKEN, which is not set".into()
            );
        }
        Ok(Self(Arc::new(Inner {
            api: Api { url: url.to_owned(), token: token.to_owned(), deadline },
            prefix: String::new(),
            origin: platform::random(),
            outbox: Mutex::default(),
            channels: Mutex::default(),
            publishing: Report::new("publish"),
            listening: Report::new("listen"),
        })))
    }
}

impl Broker for Rest {
    fn publish(&self, messages: &[Publication<'_>], _: &dyn Sink) -> Publish {
        publish(&self.0, messages)
    }

    fn subscribe(&self, channel: Channel<'_>, sink: Arc<dyn Sink>) -> Subscribe {
        subscribe(&self.0, channel, sink)
    }

    fn unsubscribe(&self, channel: Channel<'_>, sink: &dyn Sink) {
        unsubscribe(&self.0, channel, sink);
    }

    fn set_name(&mut self, name: &str) {
        // Nothing runs yet, so that nobody else has it.
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.prefix = names::prefix(name);
        }
    }

    fn trouble(&self) -> Option<String> {
        self.0.publishing.trouble().or_else(|| self.0.listening.trouble())
    }

    fn describe(&self) -> String {
        format!("Upstash's REST API at {}, channels `{}:*`", self.0.api.url, self.0.prefix)
    }
}
