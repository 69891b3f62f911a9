//! From a target to the broker.

use std::borrow::Cow;

use super::hub::Hub;
use super::name::{self, EVERYONE};
use crate::broker::{Publication, PublishOutcome, Scope, Sink as _};
use crate::events::{EventPublisher, Target, To};
use crate::frame::HEADROOM;
use crate::platform::Instant;
use crate::protocol::close::{CLOSE, write_close};
use crate::socket_id::SocketId;

impl EventPublisher for Hub {
    fn publish(&self, target: &Target<'_>, buffer: &mut Vec<u8>) -> PublishOutcome {
        let meters = self.node().meters();
        if !meters.timed {
            return self.publish_now(target, buffer);
        }
        let (started, seconds) = (Instant::now(), meters.publish_seconds.clone());
        match self.publish_now(target, buffer) {
            done @ PublishOutcome::Done(_) => {
                seconds.record(started.elapsed());
                done
            }
            waits => PublishOutcome::Wait(Box::pin(async move {
                let result = waits.await;
                seconds.record(started.elapsed());
                result
            })),
        }
    }

    fn close(&self, target: &Target<'_>, code: u16, reason: &str) -> PublishOutcome {
        self.close_target(target, code, reason)
    }
}

impl Hub {
    pub(crate) fn close_target(
        &self,
        target: &Target<'_>,
        code: u16,
        reason: &str,
    ) -> PublishOutcome {
        let mut buffer = vec![0; HEADROOM];
        write_close(code, reason, &mut buffer);
        self.publish_now(target, &mut buffer)
    }

    /// Gives the messages of one event to the broker, through the history if it keeps them.
    fn hand_over(&self, messages: &[Publication<'_>]) -> PublishOutcome {
        if self.has_history() && messages.iter().all(|message| self.is_kept(message)) {
            return match self.remembered() {
                Ok(Some(remembered)) => remembered.publish(messages, self),
                Ok(None) => self.node().broker().publish(messages, self).0,
                Err(error) => error.into(),
            };
        }
        self.node().broker().publish(messages, self).0
    }

    /// Publishes here what was published where nobody is connected.
    #[cfg(target_family = "wasm")]
    pub(crate) fn publish_again(&self, message: &Publication<'_>) -> PublishOutcome {
        self.hand_over(std::slice::from_ref(message))
    }

    /// Whether a message goes into its room's history.
    fn is_kept(&self, message: &Publication<'_>) -> bool {
        let to_many = matches!(message.channel.scope, Scope::All | Scope::Room(_));
        to_many && !message.json().starts_with(CLOSE) && self.classes().keeps(message.json())
    }

    pub(super) fn publish_now(&self, target: &Target<'_>, buffer: &mut [u8]) -> PublishOutcome {
        if !self.is_served() {
            return self.publish_once_served(target, buffer);
        }
        if let (To::Room(room), None) = (&target.to, &target.except) {
            // The most common emit.
            if let Err(error) = name::check(room) {
                return error.into();
            }
            let message = Publication::framed(self.channel(room), buffer);
            return self.hand_over(&[message]);
        }
        self.publish_to_some(target, buffer)
    }

    fn publish_to_some(&self, target: &Target<'_>, buffer: &mut [u8]) -> PublishOutcome {
        let rooms: &[Cow<'_, str>] = match &target.to {
            To::Room(room) => std::slice::from_ref(room),
            To::Rooms(rooms) => rooms,
            To::All | To::Socket(_) => &[],
        };
        let (sockets, except_rooms): (&[SocketId], &[Cow<'_, str>]) =
            target.except.as_ref().map_or((&[], &[]), |e| (&e.sockets, &e.rooms));
        if let Err(error) = rooms.iter().chain(except_rooms).try_for_each(|room| name::check(room))
        {
            return error.into();
        }
        let mut message = Publication::framed(self.channel(EVERYONE), buffer);
        message.except = sockets;
        message.except_rooms = except_rooms;
        match &target.to {
            To::All => self.hand_over(&[message]),
            To::Room(room) => {
                message.channel = self.channel(room);
                self.hand_over(&[message])
            }
            To::Rooms(rooms) => {
                // Members of an earlier room already received it.
                let but: Vec<Cow<'_, str>> =
                    rooms.iter().chain(except_rooms).map(|room| Cow::Borrowed(&**room)).collect();
                let (earlier, named) = but.split_at(rooms.len());
                let excepts: Vec<Vec<Cow<'_, str>>> =
                    (0..rooms.len()).map(|n| [&earlier[..n], named].concat()).collect();
                let messages: Vec<Publication<'_>> = rooms
                    .iter()
                    .zip(&excepts)
                    .filter(|(room, except)| !except.contains(room))
                    .map(|(room, except)| {
                        let mut message = message;
                        message.channel = self.channel(room);
                        message.except_rooms = except;
                        message
                    })
                    .collect();
                self.hand_over(&messages)
            }
            To::Socket(id) if id.node == self.node().id => {
                message.channel.scope = Scope::Node(id.node);
                message.only = Some(*id);
                self.deliver(&message);
                PublishOutcome::Done(Ok(()))
            }
            To::Socket(id) => {
                message.channel.scope = Scope::Node(id.node);
                message.only = Some(*id);
                self.hand_over(&[message])
            }
        }
    }
}
