//! Rooms with a history: their positions, and what clients and handlers read of them.
//!
//! A room's position is where the last message that was delivered here is in its log. It changes
//! under the lock of the room's members only, so that a member that joins under the same lock knows
//! exactly what it has missed:
//!
//! ```text
//!   subscribe ─▶ top of the log ─▶ lock: add the member, `$room` with the position ─▶ messages
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::hub::Hub;
use super::member::Member;
use super::name::EVERYONE;
use super::remembered::{MISSED, Remembered};
use super::room::Room;
use crate::error::{Error, Result};
use crate::history::{Entry, Page, PageLimit, Position};
use crate::outbound::Frame;
use crate::platform;
use crate::protocol::control::HistoryAsk;
use crate::protocol::frames;
use crate::socket_id::SocketId;

/// The longest page back, in messages.
const BACK: u32 = 200;
/// Reads of one connection that may be under way.
const IN_FLIGHT: u8 = 4;
impl Hub {
    /// The history of the rooms, where the procedure keeps one.
    ///
    /// Fails if the broker does not keep histories.
    pub(super) fn remembered(&self) -> Result<Option<&Remembered>> {
        let Some(keep) = self.keep() else { return Ok(None) };
        if !self.node().is_configured() {
            return Err(Error::internal("the history of rooms can be used once the server runs"));
        }
        let made = self.remembered.get_or_init(|| {
            let history = self.node().broker().history()?;
            Some(Remembered::new(history, keep))
        });
        match made {
            Some(remembered) => Ok(Some(remembered)),
            None => Err(Error::internal(
                "this procedure keeps a history, and its broker does not: `Broker::history` is `None`",
            )),
        }
    }

    /// Whether rooms have a history.
    pub(crate) fn has_history(&self) -> bool {
        self.keep().is_some()
    }

    pub(super) fn must_remember(&self) -> Result<&Remembered> {
        self.remembered()?.ok_or_else(|| {
            Error::internal(
                "the procedure is not mounted here, or it keeps no history: write \
                 `#[procedure(ws, …, history(100, \"5m\"))]`",
            )
        })
    }

    /// The position of a room, if it has local members.
    pub(super) fn position(&self, room: &str) -> Option<Position> {
        self.rooms().with_room(room, |room| room.position()).flatten()
    }

    /// Reads the position of a room that has just been subscribed to.
    pub(super) async fn find_position(&self, room: &Arc<Room>) -> Result {
        if let Some(remembered) = self.remembered()? {
            let top = remembered.top(self.channel(room.name())).await?;
            let _members = room.members();
            if room.place().start_at(top) {
                self.begin_repair(room);
            }
        }
        Ok(())
    }

    /// Answers a client's `$history`.
    pub(super) fn answer_history(&self, member: &Arc<Member>, ask: HistoryAsk, id: &str) {
        let refuse = |error: &Error| {
            self.push(member, &Frame::new(frames::err(error, id)));
        };
        let room = ask.r.as_deref().unwrap_or(EVERYONE);
        if !self.has_history() {
            let message = "rooms of this procedure have no history";
            let status = http::StatusCode::NOT_IMPLEMENTED;
            return refuse(&Error::with_code(status, "unsupported", message));
        }
        if !member.is_in(room) {
            return refuse(&Error::forbidden("you are not in that room"));
        }
        if ask.after.is_none() && ask.limit.is_some_and(|limit| limit == 0 || limit > BACK) {
            let issue = crate::error::Issue::new("limit", format!("write 1 to {BACK}"));
            return refuse(&Error::invalid(vec![issue]));
        }
        let Some(hub) = self.this() else { return };
        if member.reading.fetch_add(1, Ordering::AcqRel) >= IN_FLIGHT {
            member.reading.fetch_sub(1, Ordering::AcqRel);
            return refuse(&Error::too_many_requests(
                "too many reads of the history are under way",
            ));
        }
        let (member, id) = (member.clone(), id.to_owned());
        platform::spawn(async move {
            let frame = match hub.read_for(&member, &ask).await {
                Ok((page, was)) => {
                    frames::history(&page, &id, |entry| is_excluded(entry, &member, was))
                }
                Err(error) => frames::err(&error, &id),
            };
            member.reading.fetch_sub(1, Ordering::AcqRel);
            hub.push(&member, &Frame::new(frame));
        });
    }

    async fn read_for(
        &self,
        member: &Member,
        ask: &HistoryAsk,
    ) -> Result<(Arc<Page>, Option<SocketId>)> {
        let room = ask.r.as_deref().unwrap_or(EVERYONE);
        let remembered = self.must_remember()?;
        let page = if let Some(after) = ask.after {
            let at = self.position(room);
            remembered.missed(self.channel(room), at, after, self.node().millis()).await?
        } else {
            let items = ask.limit.unwrap_or(BACK) as usize;
            let limit = PageLimit { items, bytes: MISSED.bytes };
            let before = ask.before.map(crate::protocol::control::Before::offset);
            Arc::new(remembered.before(self.channel(room), before, limit).await?)
        };
        // Only members may ask, also those who have left meanwhile.
        if !member.is_in(room) {
            return Err(Error::forbidden("you are not in that room"));
        }
        Ok((page, ask.was.as_deref().and_then(|was| was.parse().ok())))
    }

    /// The last messages of a room, for handlers.
    pub(crate) async fn last(&self, room: &str, count: u32) -> Result<Page> {
        super::name::check(room)?;
        let limit = PageLimit { items: count as usize, bytes: usize::MAX };
        if count == 0 {
            let top = self.must_remember()?.top(self.channel(room)).await?;
            return Ok(Page { top, entries: Vec::new(), more: false, gap: None });
        }
        self.must_remember()?.before(self.channel(room), None, limit).await
    }

    /// The messages of a room after a position, for handlers.
    pub(crate) async fn since(&self, room: &str, after: Position) -> Result<Page> {
        super::name::check(room)?;
        let limit = PageLimit { items: usize::MAX, bytes: usize::MAX };
        self.must_remember()?.after(self.channel(room), after, limit).await
    }

    /// Removes a room's messages from its history.
    pub(crate) async fn forget_history(&self, room: &str) -> Result {
        super::name::check(room)?;
        self.must_remember()?.clear(self.channel(room)).await
    }

    /// Tells clients of the profile `v1` where their rooms stand, if these have moved since the last
    /// time: who has lost the last message of a room learns it so.
    pub(crate) fn tell_positions(&self) {
        if !self.has_history() {
            return;
        }
        self.for_each(|member| {
            if !member.profile.is_v1() {
                return;
            }
            let moved = member.moved_rooms();
            if !moved.is_empty() {
                let rooms = moved.iter().map(|(room, at)| (&**room, *at));
                self.push(member, &Frame::new(frames::pos(rooms)));
            }
        });
    }
}

/// Whether an entry was not for a client, whose former id is `was`.
pub(super) fn is_excluded(entry: &Entry, member: &Member, was: Option<SocketId>) -> bool {
    entry.except.iter().any(|id| *id == member.id || Some(*id) == was)
        || entry.except_rooms.iter().any(|room| member.is_in(room))
}
