//! `Broker`: the trait, and what it carries.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::outcome::PublishOutcome;
use crate::error::Result;
use crate::frame::{self, HEADROOM, Opcode};
use crate::socket_id::SocketId;

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
    fn publish(&self, messages: &[Message<'_>], local: &dyn Sink) -> Publish;

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

    /// What is wrong with the broker at present, for operators; `None` if nothing. While something is,
    /// `/readyz` answers 503. It does not show the text, because anybody may ask.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// One line for the start of the log, without secrets.
    fn describe(&self) -> String;
}

/// Where a broker delivers.
pub trait Sink: Send + Sync {
    /// Puts the message on the queue of each local member of its channel. It never waits.
    fn deliver(&self, message: &Message<'_>);

    /// Notes that messages of the channel may have been lost on the way here: at least
    /// `messages`, if the number is known.
    fn gap(&self, channel: Channel<'_>, messages: Option<u64>);
}

/// A publish: known at once, or waited for.
pub struct Publish(pub(crate) PublishOutcome);

impl Publish {
    /// It is done.
    pub fn done(result: Result) -> Self {
        Self(PublishOutcome::Done(result))
    }

    /// It is on its way.
    pub fn wait(future: impl Future<Output = Result> + Send + 'static) -> Self {
        Self(PublishOutcome::Wait(Box::pin(future)))
    }
}

/// Waits until the broker has taken the messages, or has not.
impl Future for Publish {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = matches!(self.0, PublishOutcome::Done(_));
        f.write_str(if done { "Publish::Done" } else { "Publish::Wait" })
    }
}

/// A subscribe, which is live when it is done.
pub type Subscribe = Pin<Box<dyn Future<Output = Result> + Send>>;

/// An address between processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channel<'a> {
    /// The procedure, as `post/chat`. Rooms of two procedures never meet.
    pub procedure: &'a str,
    /// Whom of it.
    pub scope: Scope<'a>,
}

/// Whom of a procedure a channel reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope<'a> {
    /// Everyone.
    All,
    /// The members of a room: any UTF-8 text of 1 to 200 bytes without control characters. It
    /// is data; a broker must encode it so that it can never be part of a pattern or command.
    Room(&'a str),
    /// The connections of one process.
    Node(u64),
}

/// One message on its way.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Where it goes.
    pub channel: Channel<'a>,
    /// For [`Scope::Node`]: the one connection it is for.
    pub only: Option<SocketId>,
    /// Connections that do not get it.
    pub except: &'a [SocketId],
    /// Rooms whose members do not get it.
    pub except_rooms: &'a [Cow<'a, str>],
    /// A text frame, header and JSON.
    frame: &'a [u8],
    json_at: usize,
}

impl<'a> Message<'a> {
    /// A message around the JSON text that follows [`HEADROOM`] free bytes in `buffer`.
    pub(crate) fn framed(channel: Channel<'a>, buffer: &'a mut [u8]) -> Self {
        let start = frame::write_header(buffer, Opcode::Text, false);
        let (frame, json_at) = (&buffer[start..], HEADROOM - start);
        Self { channel, only: None, except: &[], except_rooms: &[], frame, json_at }
    }

    /// A message around the text `["event",data]`, which was checked where it was published;
    /// `scratch` keeps the bytes.
    pub fn new(channel: Channel<'a>, json: &[u8], scratch: &'a mut Vec<u8>) -> Self {
        scratch.clear();
        scratch.resize(HEADROOM, 0);
        scratch.extend_from_slice(json);
        Self::framed(channel, scratch)
    }

    /// The text `["event",data]`.
    pub fn json(&self) -> &'a [u8] {
        &self.frame[self.json_at..]
    }

    pub(crate) fn frame(&self) -> &'a [u8] {
        self.frame
    }
}
