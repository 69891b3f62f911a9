//! `Broker`: what carries messages between processes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::outcome::Publish;
use super::publication::{Channel, Publication, Sink};
use crate::error::Result;
use crate::history::History;

/// Carries messages to every process that shares it.
///
/// Calls on one channel take effect in the order in which they are made: a subscribe after an
/// unsubscribe ends subscribed. [`Memory`](crate::Memory) is the one for a single process.
pub trait Broker: Send + Sync + 'static {
    /// Publishes messages, those of one room in this order.
    ///
    /// `local` is where this process' own members are: a broker that serves one process
    /// delivers there at once. Fails when the messages were not taken. Clients read the message of the
    /// error; details for operators belong in its source.
    fn publish(&self, messages: &[Publication<'_>], local: &dyn Sink) -> Publish;

    /// Subscribes to a channel; what arrives goes to `sink`. It is live when the call is done.
    fn subscribe(&self, channel: Channel<'_>, sink: Arc<dyn Sink>) -> Subscribe;

    /// Ends the subscription of `sink`; others to the same channel stay.
    fn unsubscribe(&self, channel: Channel<'_>, sink: &dyn Sink);

    /// Sets the name of the application, once and before anything else. A broker that several
    /// applications may share keeps them apart by it, unless it is configured otherwise.
    fn set_name(&mut self, _name: &str) {}

    /// Announces, within a runtime, that the application serves from now on. A broker that connects
    /// when it is first needed does so now, without waiting for it: what is wrong is then in the
    /// log from the start, and others that share it see that somebody is here.
    fn start(&self) {}

    /// The history of rooms that this broker can keep, shared by the processes that share it.
    ///
    /// Without one, an application whose procedures have a history does not start: a history in
    /// each process would number the messages of one room differently in every process.
    /// Ask after [`set_name`](Self::set_name).
    fn history(&self) -> Option<Arc<dyn History>> {
        None
    }

    /// Whether other processes may share it. What they must know of each other, such as who is in a
    /// room, then travels through it.
    fn is_shared(&self) -> bool {
        true
    }

    /// What is wrong with the broker at present, for operators; `None` if nothing. While something is,
    /// `/readyz` answers 503. It does not show the text, because anybody may ask.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// One line for the start of the log, without secrets.
    fn describe(&self) -> String;
}

/// A subscribe, which is live when it is done.
pub type Subscribe = Pin<Box<dyn Future<Output = Result> + Send>>;
