//! The embedded broker: one process, no network.

use std::sync::Arc;

use super::broker::{Broker, Subscribe};
use super::outcome::Publish;
use super::publication::{Channel, Publication, Sink};
use crate::history::{History, MemoryHistory};

/// The embedded broker, for one process: the default.
///
/// It needs no configuration, and stores nothing but the [history](MemoryHistory) of procedures that have
/// one. Messages of a room reach its members in the order in which they were published. `Ok` from an emit
/// means that the message is on the queue of each of them.
///
/// ```
/// use jstack_runtime::{App, Memory};
///
/// let app: App = App::new().broker(Memory::new());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory {
    history: Arc<MemoryHistory>,
}

impl Memory {
    /// A broker for one process.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Broker for Memory {
    fn publish(&self, messages: &[Publication<'_>], local: &dyn Sink) -> Publish {
        for message in messages {
            local.deliver(message);
        }
        Publish::done(Ok(()))
    }

    fn subscribe(&self, _: Channel<'_>, _: Arc<dyn Sink>) -> Subscribe {
        Box::pin(std::future::ready(Ok(())))
    }

    fn unsubscribe(&self, _: Channel<'_>, _: &dyn Sink) {}

    fn history(&self) -> Option<Arc<dyn History>> {
        Some(self.history.clone())
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn describe(&self) -> String {
        "embedded (one process)".to_owned()
    }
}
