//! Joining a room: the subscription, the replay of earlier messages, and the membership.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::history::is_excluded;
use super::hub::{CLOSED, Hub};
use super::member::{JoinRefused, Member};
use super::name::{self, EVERYONE, wire_name};
use super::room::{Added, Room};
use crate::error::{Error, Result};
use crate::history::{Entry, Position};
use crate::limits::or_none;
use crate::outbound::Frame;
use crate::platform;
use crate::protocol::frames;
use crate::protocol::profile::Profile;
use crate::rate::Rate;

/// The options of a join.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JoinOptions {
    /// The number of last messages that are sent first.
    pub(crate) replay: u32,
    /// Whether the connection is hidden from the room's presence.
    pub(crate) hidden: bool,
}

/// The most reads of a join that replays while new messages arrive.
const CATCH_UPS: usize = 16;
/// How long it waits where the log is in another epoch than the room, which is being repaired.
const BETWEEN_EPOCHS: Duration = Duration::from_millis(20);

/// The earlier messages of a room, up to a position.
struct Replay {
    entries: Vec<Entry>,
    until: Position,
}

impl Hub {
    /// Registers a new connection: it can be reached, and is in the room of everyone.
    pub(crate) async fn enter(&self, deflate: Option<u8>, profile: Profile) -> Result<Arc<Member>> {
        self.node().flusher().start();
        let now = self.node().millis();
        let member = Arc::new(Member::new(self.node().next_id(), deflate, profile, now));
        self.socket_shard(member.id).lock().insert(member.id.local, member.clone());
        match self.join_room(&member, EVERYONE, JoinOptions::default()).await {
            Ok(()) => Ok(member),
            Err(error) => {
                self.leave_all(&member);
                Err(error)
            }
        }
    }

    /// Joins a room, which is heard from the moment in which this returns.
    pub(crate) async fn join(
        &self,
        member: &Arc<Member>,
        room: &str,
        options: JoinOptions,
    ) -> Result {
        name::check(room)?;
        if member.is_in(room) {
            return Ok(());
        }
        let limits = self.node().limits();
        let rate = Rate::new(limits.joins_per_second, limits.joins_per_second);
        match member.may_join(rate, self.node().nanos(), or_none(limits.rooms_per_socket)) {
            Ok(()) => {
                self.start_presence().await?;
                self.join_room(member, room, options).await?;
                self.note_join(member, room, options.hidden);
                Ok(())
            }
            Err(JoinRefused::TooMany) => Err(Error::too_many_requests(format!(
                "a connection may be in {} rooms at once (limit `rooms_per_socket`)",
                limits.rooms_per_socket
            ))),
            Err(JoinRefused::TooFast) => Err(Error::too_many_requests(format!(
                "a connection may join {} rooms a second (limit `joins_per_second`)",
                limits.joins_per_second
            ))),
        }
    }

    pub(super) async fn join_room(
        &self,
        member: &Arc<Member>,
        name: &str,
        options: JoinOptions,
    ) -> Result {
        let joining = Joining::begin(self, name);
        let room = &joining.room;
        if !room.live.initialized() {
            room.live.get_or_try_init(|| self.subscribe(room)).await?;
        }
        let mut replay = None;
        if options.replay > 0 {
            let page = self.last(name, options.replay).await?;
            replay = Some(Replay { entries: page.entries, until: page.top });
        }
        for attempt in 0.. {
            let until = replay.as_ref().map(|replay| replay.until).filter(|_| attempt < CATCH_UPS);
            let added = room.add(member, until, |position| {
                self.welcome(member, name, position, replay.as_ref());
            });
            match added {
                Added::Done => break,
                Added::Closed => return Err(Error::gone(CLOSED)),
                // The room has moved on since the read, or the log has begun again.
                Added::Behind => {
                    if let Some(replay) = &mut replay {
                        self.catch_up(room, replay, options.replay as usize).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the messages since the last read.
    async fn catch_up(&self, room: &Arc<Room>, replay: &mut Replay, count: usize) -> Result {
        if room.position().is_some_and(|at| at.epoch() != replay.until.epoch()) {
            {
                let _members = room.members();
                if room.place().doubt() {
                    self.begin_repair(room);
                }
            }
            platform::sleep(BETWEEN_EPOCHS).await;
        }
        let page = self.since(room.name(), replay.until).await?;
        if page.gap.is_some() {
            replay.entries.clear();
        }
        replay.entries.extend(page.entries);
        replay.entries.drain(..replay.entries.len().saturating_sub(count));
        replay.until = page.top;
        Ok(())
    }

    /// Sends `$room` to a client of the profile `v1`, and replays earlier messages of the room: both
    /// before any live message.
    ///
    /// For a client of the profile `v1`, `$room` has the position where the replay begins. A client that
    /// comes back ignores what it has already, as it ignores every repetition. Entries beyond the
    /// room's position are on their way here, and are left out.
    fn welcome(
        &self,
        member: &Arc<Member>,
        room: &str,
        position: Option<Position>,
        replay: Option<&Replay>,
    ) {
        if !self.has_history() {
            return;
        }
        let (name, is_v1) = (wire_name(room), member.profile.is_v1());
        let entries = match (replay, position) {
            (Some(replay), Some(at)) if at.epoch() == replay.until.epoch() => {
                let count = replay.entries.partition_point(|entry| entry.offset <= at.offset());
                &replay.entries[..count]
            }
            _ => &[],
        };
        if is_v1 {
            let first = entries.first().map(|entry| entry.offset - 1);
            let position = match (position, first) {
                (Some(at), Some(first)) => Some(Position::new(at.epoch(), first)),
                (position, _) => position,
            };
            self.push(member, &Frame::new(frames::room(name, true, position)));
        }
        for entry in entries {
            let frame = match (is_excluded(entry, member, None), is_v1) {
                (true, true) => frames::at(name, entry.offset),
                (true, false) => continue,
                (false, true) => frames::positioned(&entry.json, name, entry.offset),
                (false, false) => frames::text(&entry.json),
            };
            self.push(member, &Frame::new(frame));
        }
    }

    async fn subscribe(&self, room: &Arc<Room>) -> Result {
        let name = room.name();
        let Some(sink) = self.this() else { return Ok(()) };
        let broker = self.node().broker();
        broker.subscribe(self.channel(name), sink.clone()).await?;
        if name == EVERYONE {
            broker.subscribe(self.node_channel(), sink).await?;
        }
        // After the subscription, so that no message in between is missed.
        self.find_position(room).await
    }
}

/// A join under way, which keeps its room alive.
struct Joining<'a> {
    hub: &'a Hub,
    room: Arc<Room>,
}

impl<'a> Joining<'a> {
    fn begin(hub: &'a Hub, name: &str) -> Self {
        let room = hub.rooms().with_entry(name, |mut entry| {
            let room = entry.room();
            room.joining.fetch_add(1, Ordering::AcqRel);
            room
        });
        Self { hub, room }
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        self.hub.rooms().with_entry(self.room.name(), |entry| {
            self.room.joining.fetch_sub(1, Ordering::AcqRel);
            self.hub.forget_if_unused(entry, &self.room);
        });
    }
}
