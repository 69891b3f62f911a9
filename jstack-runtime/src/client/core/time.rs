//! What is due, and when: silence, delays, rooms that ask again.

use tokio::time::Instant;

use super::presence::Presence;
use super::requests::room_of;
use super::room::Room;
use super::state::{Core, LASTING, Phase};
use crate::client::closing::End;
use crate::client::failure;
use crate::client::status::Status;

impl Core {
    /// When `tick` is to be called.
    pub(in crate::client) fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Dialing(until) | Phase::Waiting(until) => Some(until),
            Phase::Up => Some(
                self.pinged_at
                    .map_or(self.heard_at + self.patience, |at| at + self.options.heartbeat.1),
            ),
            _ => None,
        };
        let is_up = self.phase == Phase::Up;
        let shown = self.lost_at.filter(|_| self.is_worth_showing()).map(|at| at + LASTING);
        [phase, shown, self.stable_at, self.token_at.filter(|_| is_up), self.drain_at]
            .into_iter()
            .flatten()
            .chain(self.requests.deadline())
            .chain(self.again.values().copied())
            .chain(self.presences.values().filter_map(Presence::deadline))
            .min()
    }

    fn is_worth_showing(&self) -> bool {
        matches!(&*self.status.borrow(), Status::Reconnecting { lost: false, .. })
    }

    /// Does what is due. `true`: another token is to be asked for.
    pub(in crate::client) fn tick(&mut self) -> bool {
        let now = Instant::now();
        match self.phase {
            Phase::Dialing(until) if until <= now => {
                self.lost(End::of(failure::timeout("no connection came about in time")));
            }
            Phase::Waiting(until) if until <= now => {
                self.phase = Phase::Dial;
            }
            Phase::Up => self.watch_silence(now),
            _ => {}
        }
        if self.stable_at.is_some_and(|at| at <= now) {
            self.stable_at = None;
            self.attempts = 0;
            self.refused = false;
            self.lost_at = None;
        }
        if self.lost_at.is_some_and(|at| at + LASTING <= now) && self.is_worth_showing() {
            self.say();
        }
        if self.drain_at.is_some_and(|at| at <= now) {
            self.drain_at = None;
            self.flush();
        }
        self.tick_rooms(now);
        if self.is_up() && self.token_at.is_some_and(|at| at <= now) {
            self.token_at = None;
            return true;
        }
        false
    }

    /// In the profile `v1` the server speaks in time, so silence is the end; in the base profile it is
    /// asked first.
    fn watch_silence(&mut self, now: Instant) {
        if self.pinged_at.is_some_and(|at| self.heard_at >= at) {
            self.pinged_at = None;
        }
        let is_silent = match self.pinged_at {
            Some(at) => at + self.options.heartbeat.1 <= now,
            None => self.heard_at + self.patience <= now,
        };
        if !is_silent {
            return;
        }
        if self.v1 || self.pinged_at.is_some() {
            self.lost(End::of(failure::lost("the server is silent")));
        } else {
            self.pinged_at = Some(now);
            self.out.push("[\"ping\",null]".to_owned());
        }
    }

    fn tick_rooms(&mut self, now: Instant) {
        for id in self.requests.late(now) {
            self.settle(&id, Err(failure::timeout("the room's server did not answer in time")));
        }
        let due: Vec<_> =
            self.again.iter().filter(|(_, at)| **at <= now).map(|(room, _)| room.clone()).collect();
        for name in due {
            self.again.remove(&name);
            let key = room_of(&name);
            self.with_room(key.as_deref(), Room::fetch);
        }
        let due: Vec<_> = self
            .presences
            .iter()
            .filter(|(_, presence)| presence.deadline().is_some_and(|at| at <= now))
            .map(|(room, _)| room.clone())
            .collect();
        for room in due {
            self.with_presence(&room, |presence| presence.tick(now));
        }
    }
}
