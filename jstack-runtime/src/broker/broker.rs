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
/// Calls on one channel take effect in the order in which they are made: a subscribe after an unsubscribe
/// ends subscribed. [`Memory`](crate::Memory) is the broker for a single process.
///
/// A broker on which every other one can be modelled (it serves one process):
///
/// ```
/// use std::sync::Arc;
/// use jstack_runtime::broker::{Broker, Channel, Publication, Publish, Sink, Subscribe};
///
/// struct Local;
///
/// impl Broker for Local {
///     fn publish(&self, messages: &[Publication<'_>], local: &dyn Sink) -> Publish {
///         for message in messages {
///             local.deliver(message);
///         }
///         Publish::done(Ok(()))
///     }
///
///     fn subscribe(&self, _: Channel<'_>, _: Arc<dyn Sink>) -> Subscribe {
///         Box::pin(async { Ok(()) })
///     }
///
///     fn unsubscribe(&self, _: Channel<'_>, _: &dyn Sink) {}
///
///     fn is_shared(&self) -> bool {
///         false
///     }
///
///     fn describe(&self) -> String {
///         "local".to_owned()
///     }
/// }
///
/// let app: jstack_runtime::App = jstack_runtime::App::new().broker(Local);
/// ```
pub trait Broker: Send + Sync + 'static {
    /// Publishes messages, those of one room in this order.
    ///
    /// `local` delivers to this process' own members; a broker that serves one process delivers there at once.
    /// Fails if the messages were not taken. Clients read the message of the error; details for operators
    /// belong in its source.
    fn publish(&self, messages: &[Publication<'_>], local: &dyn Sink) -> Publish;

    /// Subscribes `sink` to a channel. The subscription is live when the future is done.
    fn subscribe(&self, channel: Channel<'_>, sink: Arc<dyn Sink>) -> Subscribe;

    /// Ends the subscription of `sink`; other subscriptions to the channel stay.
    fn unsubscribe(&self, channel: Channel<'_>, sink: &dyn Sink);

    /// Sets the name of the application; called once, before anything else.
    ///
    /// A broker that several applications may share separates them by it, unless it is configured otherwise.
    fn set_name(&mut self, _name: &str) {}

    /// Announces, within a runtime, that the application serves from now on.
    ///
    /// A broker that connects when it is first used connects now, without waiting. Problems are then in the
    /// log from the start, and other processes see this one.
    fn start(&self) {}

    /// Returns the history of rooms that this broker keeps for all processes that share it; `None` if it keeps
    /// none. Called after [`set_name`](Self::set_name).
    ///
    /// Without one, an application whose procedures have a history does not start: separate histories would
    /// number the messages of one room differently in every process.
    fn history(&self) -> Option<Arc<dyn History>> {
        None
    }

    /// Whether other processes may share it. If so, what they must know of each other (such as who is in a
    /// room) is published through it.
    fn is_shared(&self) -> bool {
        true
    }

    /// The problem that the broker has at present, for operators; `None` if nothing.
    ///
    /// While it returns something, `/readyz` answers 503, without the text: anybody may read `/readyz`.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Describes the broker in one line for the log at start, without secrets.
    fn describe(&self) -> String;
}

/// The future of [`Broker::subscribe`]. The subscription is live when it is done.
pub type Subscribe = Pin<Box<dyn Future<Output = Result> + Send>>;
