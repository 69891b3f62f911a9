//! The broker of a Worker: the application's Durable Object has all rooms and connections.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::broker::{Broker, Subscribe};
use super::outcome::Publish;
use super::publication::{Channel, Publication, Scope, Sink};
use crate::error::{Error, Result};
use crate::history::{History, Keep, Page, PageLimit, Position, Reading};
use crate::platform;
use crate::platform::workers::glue;
use crate::socket_id::SocketId;

/// A message on its way to the object.
#[derive(Serialize, Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow)]
    procedure: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    room: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<SocketId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    except: Vec<SocketId>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    except_rooms: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    json: Cow<'a, RawValue>,
}

impl<'a> Envelope<'a> {
    fn of(message: &Publication<'a>) -> serde_json::Result<Self> {
        let json: &RawValue = serde_json::from_slice(message.json())?;
        Ok(Self {
            procedure: message.channel.procedure.into(),
            room: match message.channel.scope {
                Scope::Room(room) => Some(room.into()),
                Scope::All | Scope::Node(_) => None,
            },
            only: message.only,
            except: message.except.to_vec(),
            except_rooms: message.except_rooms.to_vec(),
            json: Cow::Borrowed(json),
        })
    }

    pub(crate) fn procedure(&self) -> &str {
        &self.procedure
    }

    /// The message; `scratch` keeps its bytes.
    pub(crate) fn message<'m>(&'m self, scratch: &'m mut Vec<u8>) -> Publication<'m> {
        let scope = match (&self.room, self.only) {
            (Some(room), _) => Scope::Room(room),
            (None, Some(id)) => Scope::Node(id.node),
            (None, None) => Scope::All,
        };
        let channel = Channel { procedure: &self.procedure, scope };
        let mut message = Publication::new(channel, self.json.get().as_bytes(), scratch);
        message.only = self.only;
        message.except = &self.except;
        message.except_rooms = &self.except_rooms;
        message
    }
}

/// The broker of a Worker. Nobody is connected to it, so that it only publishes. The history of a
/// room is in the object too, which appends each message as it arrives.
pub(crate) struct Object;

impl Object {
    fn send(messages: &[Publication<'_>]) -> Publish {
        let envelopes: serde_json::Result<Vec<_>> = messages.iter().map(Envelope::of).collect();
        let text = match envelopes.and_then(|envelopes| serde_json::to_string(&envelopes)) {
            Ok(text) => text,
            Err(error) => return Publish::done(Err(Error::internal(error))),
        };
        let (put, outcome) = oneshot::channel();
        // A future of JavaScript is not `Send`, and a publish must be.
        platform::spawn(async move {
            let _ = put.send(match glue::call_object(&text).await {
                Ok(_) => Ok(()),
                Err(error) => Err(unavailable(&format!("{error:?}"))),
            });
        });
        Publish::wait(async move {
            outcome.await.unwrap_or_else(|_| Err(unavailable("the request ended")))
        })
    }
}

fn unavailable(why: &str) -> Error {
    crate::observe::error!(why, "the application's object did not take a message");
    Error::service_unavailable("the message was not taken")
}

impl Broker for Object {
    fn publish(&self, messages: &[Publication<'_>], _: &dyn Sink) -> Publish {
        Self::send(messages)
    }

    fn subscribe(&self, _: Channel<'_>, _: Arc<dyn Sink>) -> Subscribe {
        Box::pin(std::future::ready(Ok(())))
    }

    fn unsubscribe(&self, _: Channel<'_>, _: &dyn Sink) {}

    fn history(&self) -> Option<Arc<dyn History>> {
        Some(Arc::new(Self))
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn describe(&self) -> String {
        "the application's Durable Object".to_owned()
    }
}

impl History for Object {
    fn publish(&self, messages: &[Publication<'_>], _: Keep, _: &dyn Sink) -> Publish {
        Self::send(messages)
    }

    fn top(&self, _: Channel<'_>, _: Keep) -> Reading<Position> {
        elsewhere()
    }

    fn after(&self, _: Channel<'_>, _: Position, _: PageLimit) -> Reading<Page> {
        elsewhere()
    }

    fn before(&self, _: Channel<'_>, _: Option<u64>, _: PageLimit) -> Reading<Page> {
        elsewhere()
    }

    fn clear(&self, _: Channel<'_>) -> Reading {
        elsewhere()
    }
}

/// A Worker cannot read the history of a room.
fn elsewhere<T: Send + 'static>() -> Reading<T> {
    let why = "a procedure that uses the history is not `stateless`: the rooms are in the object";
    Box::pin(std::future::ready(Err(Error::internal(std::io::Error::other(why)))))
}

/// The envelopes in a text that [`Object`] wrote.
pub(crate) fn envelopes(text: &str) -> Result<Vec<Envelope<'_>>> {
    serde_json::from_str(text).map_err(Error::internal)
}
