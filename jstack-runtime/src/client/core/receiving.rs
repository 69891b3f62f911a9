//! From the server: each frame goes to whom it is for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::inbox::Item;
use super::requests::{Ask, Asked, Id, Pending, room_of};
use super::room::{Effect, Room};
use super::state::{Core, Phase};
use crate::client::closing::End;
use crate::client::failure::{self, Refusal};
use crate::client::incoming::{Gap, GapReason, Meta, Position};
use crate::client::inward::{AtFrame, Frame, GapFrame, PresenceFrame, RoomFrame};
use crate::error::Result;

/// The client's own: a server that sends one is not believed.
const OWN_EVENTS: &[&str] = &["onConnect", "onDisconnect", "onError", "ping", "pong"];

/// How long a room waits for its past.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

impl Core {
    /// Anything came.
    pub(in crate::client) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    pub(in crate::client) fn receive(&mut self, text: &str) {
        self.heard();
        let frame = match Frame::read(text) {
            Ok(frame) => frame,
            Err(error) => return self.report(None, error),
        };
        let Frame(name, data, extra) = frame;
        let (name, data) = (&*name, data.get());
        if name.starts_with('$') {
            if self.v1 {
                self.control(name, data, extra.i.as_deref());
            }
        } else if OWN_EVENTS.contains(&name) {
        } else if name == "error" {
            match serde_json::from_str::<Refusal>(data) {
                Ok(refusal) => self.report(refusal.event.clone(), refusal.error()),
                Err(_) => self.report(None, failure::malformed(format!("not an error: {data}"))),
            }
        } else if let Some(id) = extra.i {
            let (event, data, id) = (name.to_owned(), data.to_owned(), id.into_owned());
            self.asked.push(Asked { event, data, id });
        } else if let Some(offset) = extra.o {
            let room = extra.r.map(Cow::into_owned);
            self.with_room(room.as_deref(), |room| room.take(name, data, offset));
        } else {
            let (name, data) = (name.to_owned(), data.to_owned());
            self.inbox.put(Item::Event { name, data, meta: Meta::default() });
        }
    }

    /// What is unknown is ignored: that is how the protocol grows.
    fn control(&mut self, name: &str, data: &str, id: Option<&str>) {
        match name {
            "$welcome" if matches!(self.phase, Phase::Dialing(_)) => {
                match serde_json::from_str(data) {
                    Ok(welcome) => self.opened(Some(welcome)),
                    Err(error) => {
                        let why = format!("`$welcome` cannot be read: {error}");
                        self.lost(End::of(failure::malformed(why)));
                    }
                }
            }
            "$bye" => self.bye = serde_json::from_str(data).ok(),
            "$ok" => self.settle(id.unwrap_or_default(), Ok(data.to_owned())),
            "$err" => {
                let refusal: Refusal = serde_json::from_str(data).unwrap_or_default();
                self.settle(id.unwrap_or_default(), Err(refusal.error()));
            }
            "$room" => {
                let Ok(frame) = serde_json::from_str::<RoomFrame>(data) else { return };
                let id = self.id.clone();
                let (name, joined) = (frame.r.clone(), frame.joined);
                self.with_room(name.as_deref(), |room| room.joined_or_left(frame, id));
                let name = name.unwrap_or_default();
                if self.presences.contains_key(&name) {
                    self.with_presence(&name, |presence| presence.joined_or_left(joined));
                }
            }
            "$at" => {
                let Ok(AtFrame { r, o }) = serde_json::from_str(data) else { return };
                self.with_room(r.as_deref(), |room| room.take("", "null", o));
            }
            "$pos" => {
                let places: BTreeMap<String, (String, u64)> =
                    serde_json::from_str(data).unwrap_or_default();
                for (name, (epoch, offset)) in places {
                    let key = room_of(&name);
                    if self.rooms.contains_key(&key) {
                        self.with_room(key.as_deref(), |room| {
                            room.compare(&Position::new(epoch, offset));
                        });
                    }
                }
            }
            "$presence" => {
                let Ok(frame) = serde_json::from_str::<PresenceFrame>(data) else { return };
                if self.presences.contains_key(&frame.r) {
                    let room = frame.r.clone();
                    self.with_presence(&room, |presence| presence.difference(frame));
                }
            }
            "$gap" => {
                let Ok(gap) = serde_json::from_str::<GapFrame>(data) else { return };
                let reason = GapReason::named(&gap.reason);
                self.with_room(gap.r.as_deref(), |room| match gap.e {
                    Some(e) => room.lost(reason, gap.missed, &Position::new(e, gap.o.unwrap_or(0))),
                    None => room.gap(reason, gap.missed),
                });
            }
            _ => {}
        }
    }

    pub(super) fn settle(&mut self, id: &str, answer: Result<String>) {
        match self.requests.pending.remove(id) {
            Some(Pending::Call { reply, .. }) => _ = reply.send(answer),
            Some(Pending::Own { ask: Ask::Past(room), .. }) => {
                let answer = answer.and_then(|json| read(&json, "the room's past"));
                self.with_room(room_of(&room).as_deref(), |room| room.answered(answer));
            }
            Some(Pending::Own { ask: Ask::Members(room), .. }) => {
                let answer = answer.and_then(|json| read(&json, "the room's members"));
                self.with_presence(&room, |presence| presence.answered(answer));
            }
            // A late answer, or nobody's.
            None => {}
        }
    }

    /// Lets a room do something, and carries out what it wants.
    pub(super) fn with_room(&mut self, key: Option<&str>, act: impl FnOnce(&mut Room)) {
        let name = key.map(str::to_owned);
        let room = self.rooms.entry(name.clone()).or_insert_with(|| Room::new(name));
        act(room);
        for effect in room.effects() {
            match effect {
                Effect::Deliver { event, data, meta } => {
                    self.inbox.put(Item::Event { name: event, data, meta });
                }
                Effect::Gap { room, reason, missed, since } => {
                    let since = since.into_std();
                    self.inbox.put(Item::Gap(Gap { room, reason, missed, since }));
                }
                Effect::Report(error) => self.report(None, error),
                Effect::Fetch { after, was } => {
                    self.ask_past(key, &after, was.as_deref());
                }
                Effect::FetchLater(wait) => {
                    let name = key.unwrap_or_default().to_owned();
                    self.again.insert(name, Instant::now() + wait);
                }
            }
        }
    }

    fn ask_past(&mut self, room: Option<&str>, after: &Position, was: Option<&str>) {
        #[derive(serde::Serialize)]
        struct Range<'a> {
            r: Option<&'a str>,
            after: (&'a str, u64),
            #[serde(skip_serializing_if = "Option::is_none")]
            was: Option<&'a str>,
        }
        let name = room.unwrap_or_default().to_owned();
        let id = self.requests.own(Ask::Past(name), Instant::now() + FETCH_TIMEOUT);
        let range = Range { r: room, after: (&after.epoch, after.offset), was };
        let frame = ("$history", range, Id { i: &id });
        // Texts and numbers always encode.
        self.out.push(serde_json::to_string(&frame).unwrap_or_default());
    }

    /// What is known of a room.
    pub(in crate::client) fn room(&self, name: &str) -> (bool, Option<Position>) {
        let room = self.rooms.get(&Some(name.to_owned()));
        room.map_or((false, None), |room| (room.joined, room.position.clone()))
    }
}

fn read<T: DeserializeOwned>(json: &str, what: &str) -> Result<T> {
    serde_json::from_str(json)
        .map_err(|error| failure::malformed(format!("{what} cannot be read: {error}")))
}
