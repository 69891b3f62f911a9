//! A broker of your own: what carries messages between processes, when it is not Redis.
//!
//! This one connects applications in one process. Over a network, `publish` sends the message's
//! channel and `json()`, and what arrives becomes a `Publication::new(…)` for the sinks of its channel.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jstack_runtime::broker::{Broker, Channel, Publication, Publish, Scope, Sink, Subscribe};
use jstack_runtime::prelude::*;

/// The listeners of each channel.
type Sinks = HashMap<String, Vec<Arc<dyn Sink>>>;

/// Carries messages between all applications that have a clone of it.
#[derive(Clone, Default)]
pub struct Bus(Arc<Mutex<Sinks>>);

/// A channel as text. Rooms are data: this prefix keeps them apart from everything else.
fn key(channel: Channel<'_>) -> String {
    match channel.scope {
        Scope::All => format!("{} all", channel.procedure),
        Scope::Room(room) => format!("{} room {room}", channel.procedure),
        Scope::Node(node) => format!("{} node {node}", channel.procedure),
        other => format!("{} {other:?}", channel.procedure),
    }
}

impl Broker for Bus {
    // `local` is not needed: this process has subscribed to what its members want, as all others.
    fn publish(&self, messages: &[Publication<'_>], _local: &dyn Sink) -> Publish {
        // One lock around all of them: every member sees the messages in one order.
        let sinks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for message in messages {
            for sink in sinks.get(&key(message.channel)).into_iter().flatten() {
                sink.deliver(message);
            }
        }
        Publish::done(Ok(()))
    }

    fn subscribe(&self, channel: Channel<'_>, sink: Arc<dyn Sink>) -> Subscribe {
        let mut sinks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.entry(key(channel)).or_default().push(sink);
        Box::pin(std::future::ready(Ok(())))
    }

    fn unsubscribe(&self, channel: Channel<'_>, sink: &dyn Sink) {
        let mut sinks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_channel) = sinks.get_mut(&key(channel)) {
            of_channel.retain(|other| !std::ptr::addr_eq(Arc::as_ptr(other), sink));
        }
    }

    fn describe(&self) -> String {
        "a bus in this process".to_owned()
    }
}

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Say(String),
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
pub mod chat {
    use super::*;

    #[on(Say)]
    async fn say(io: Io, text: String) -> Result {
        io.all().say(&text).await
    }
}

fn app(bus: Bus) -> App {
    App::new().mount("post", router![chat]).broker(bus)
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    let bus = Bus::default();
    let (one, two) = (app(bus.clone()), app(bus));
    tokio::try_join!(one.serve("127.0.0.1:8080"), two.serve("127.0.0.1:8081"))?;
    Ok(())
}

#[cfg(test)]
mod tests;
