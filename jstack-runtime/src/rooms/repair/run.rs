//! A repair: from the first sign that messages are missing until the room follows again.
//!
//! Messages of a room with history have positions without holes. A hole, another epoch, or a gap that
//! the broker reports (after a reconnect, or when it dropped messages) shows that messages are
//! missing. The log has them: a message is stored before it is published.
//!
//! ```text
//!                 a hole, another epoch, or a gap of the broker
//!   ┌───────────┐ ─────────────────────────────────────────────▶ ┌───────────┐ ◀─┐ the next read,
//!   │ following │                                                │ repairing │   │ or another
//!   └───────────┘ ◀───────────────────────────────────────────── └───────────┘ ──┘ attempt
//!      │     ▲          nothing waits any more, or the log          │    ▲
//!      └─────┘          cannot be read: a gap                       └────┘
//!   a message is delivered                                 a message waits
//!
//!   log:      4 5 6 7 ┐
//!                     ├─ merge ─▶ 4 5 6 7 8   in order, each once; what neither has is a gap
//!   waiting:    5 . 8 ┘
//! ```
//!
//! States: a room is *following* while [`Place`](super::place::Place) has no repair. While it is
//! *repairing*, one task runs, and everything that arrives for the room waits: messages without a
//! position and closes as well, so that the order of the room is kept.
//!
//! Invariants:
//!
//! - The position is that of the last message that was delivered, or behind the last gap. It changes
//!   under the lock of the members, in the same step as the delivery. A member that joins during a
//!   repair therefore gets exactly what is after the position it reads in `$room`.
//! - A read answers what had come before it began. What came later, and is not next, needs another
//!   read: each read settles at least what waited when it began.
//! - What waits and one read are each bounded by half of the limits of a queue (`queue_frames`,
//!   `queue_bytes`). If too much waits, it is dropped and read from the log again. If the log has too
//!   much, the last messages are delivered, and those before them are a gap.
//! - Every repair ends: when nothing waits, when nobody is in the room, or when the log could not be
//!   read for [`PATIENCE`]. `Underway` ends it if its task is dropped.
//!
//! Clients of the profile `v1` learn of a gap by `$gap` with the position behind it. Of messages that
//! the log still has they are not notified: they see the hole and ask `$history` at their own pace.
//!
//! Lock order: the hub's shard, a room's members, the room's place, a member's rooms. The task takes
//! no lock of the hub, and no lock while it reads.

use std::sync::Arc;
use std::time::Duration;

use super::merge::{Gap, GapCause, Step};
use super::waiting::Waiting;
use crate::broker::Publication;
use crate::error::Result;
use crate::history::{Page, PageLimit, Position};
use crate::observe;
use crate::outbound::Frame;
use crate::platform::{self, Instant};
use crate::protocol::close::CLOSE;
use crate::protocol::frames;
use crate::rooms::hub::{Hub, push};
use crate::rooms::member::Member;
use crate::rooms::name::wire_name;
use crate::rooms::room::Room;

/// How long a repair tries to read the log.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first and the longest pause between two attempts.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// A repair that ends with its task.
struct Underway(Arc<Room>);

impl Drop for Underway {
    fn drop(&mut self) {
        let dropped = self.0.place().abandon();
        if dropped > 0 {
            observe::warning!(room = self.0.name(), dropped, "a repair has ended early");
        }
    }
}

/// What the log has after the position of a room.
struct Missed {
    page: Page,
    /// The first offset that the log has after it; the page may begin later.
    kept_from: u64,
}

impl Hub {
    /// Begins the repair of a room, which the caller has marked as repairing.
    pub(in crate::rooms) fn begin_repair(&self, room: &Arc<Room>) {
        let underway = Underway(room.clone());
        let Some(hub) = self.this() else { return };
        platform::spawn(async move { hub.repair(underway).await });
    }

    async fn repair(&self, underway: Underway) {
        let room = &underway.0;
        loop {
            match self.read_missed(room).await {
                Ok(Some(missed)) => self.deliver_missed(room, Some(&missed)),
                // Nobody is here any more.
                Ok(None) => return,
                Err(error) => {
                    observe::warning!(room = room.name(), %error, "the history of a room cannot be read");
                    self.deliver_missed(room, None);
                }
            }
            let _members = room.members();
            if room.place().finish() {
                return;
            }
        }
    }

    /// Reads what the room has missed, as soon as the log can be read. `None` once nobody is in the
    /// room.
    async fn read_missed(&self, room: &Room) -> Result<Option<Missed>> {
        let (until, [mut pause, longest]) = (Instant::now() + PATIENCE, PAUSES);
        loop {
            match self.try_read_missed(room).await {
                Err(_) if Instant::now() < until => {
                    platform::sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_read_missed(&self, room: &Room) -> Result<Option<Missed>> {
        let (remembered, channel) = (self.must_remember()?, self.channel(room.name()));
        let _permit = remembered.permit_repair().await;
        let after = {
            let members = room.members();
            if members.is_empty() {
                return Ok(None);
            }
            room.place().begin_read()
        };
        let Some(after) = after else { return Ok(None) };
        let queue = self.bounds().queue;
        let limit = PageLimit { items: (queue.frames / 2).max(1), bytes: queue.bytes / 2 };
        loop {
            let page = remembered.after(channel, after, limit).await?;
            let first = page.entries.first().map(|entry| entry.offset);
            let kept_from = first.unwrap_or(page.top.offset().saturating_add(1));
            if !page.more {
                return Ok(Some(Missed { page, kept_from }));
            }
            // Too many for the queues: the last ones count.
            let mut last = remembered.before(channel, None, limit).await?;
            if last.top.epoch() == page.top.epoch() {
                last.entries.retain(|entry| entry.offset >= kept_from);
                return Ok(Some(Missed { page: last, kept_from }));
            }
        }
    }

    /// Delivers what was missed, merged with what waits; or what waits alone, with a gap.
    fn deliver_missed(&self, room: &Room, missed: Option<&Missed>) {
        let mut members = room.members();
        let steps = match missed {
            Some(Missed { page, kept_from }) => room.place().merge(page, *kept_from),
            None => room.place().give_up(),
        };
        let entries = missed.map_or(&[][..], |missed| &missed.page.entries);
        let (mut repaired, mut scratch) = (0, Vec::new());
        for (step, at) in steps {
            room.place().move_to(Some(at));
            match step {
                Step::Gap(gap) => self.report_lost(room, &members, gap, at),
                Step::Entry(n) => {
                    let Some(entry) = entries.get(n) else { continue };
                    let message = entry.message(self.channel(room.name()), at, &mut scratch);
                    self.deliver_to_members(room, &members, &message);
                    repaired += 1;
                }
                Step::Waiting(waiting) => {
                    let message = self.message_of(room, &waiting, &mut scratch);
                    if waiting.json.starts_with(CLOSE) {
                        // A close takes the lock itself. What arrives meanwhile waits.
                        drop(members);
                        self.close_selected(&message);
                        members = room.members();
                    } else {
                        self.deliver_to_members(room, &members, &message);
                    }
                }
            }
        }
        self.node().meters().repaired.increment(repaired);
    }

    fn message_of<'a>(
        &'a self,
        room: &'a Room,
        waiting: &'a Waiting,
        scratch: &'a mut Vec<u8>,
    ) -> Publication<'a> {
        let mut message = Publication::new(self.channel(room.name()), &waiting.json, scratch);
        message.position = waiting.position;
        message.except = &waiting.except;
        message.except_rooms = &waiting.except_rooms;
        message
    }

    /// Reports messages without a position that could not wait any longer.
    pub(in crate::rooms) fn report_dropped(&self, room: &Room, members: &[Arc<Member>], lost: u64) {
        let Some(at) = room.position() else { return };
        let gap = Gap { missed: Some(lost), why: GapCause::Unread, is_reset: false };
        self.report_lost(room, members, gap, at);
    }

    /// Reports messages that are not delivered. The room is at `at` behind them.
    fn report_lost(&self, room: &Room, members: &[Arc<Member>], gap: Gap, at: Position) {
        let Gap { missed, why, is_reset } = gap;
        self.node().meters().gaps.increment(1);
        observe::warning!(
            room = room.name(),
            missed,
            ?why,
            is_reset,
            "messages of a room are lost"
        );
        let name = wire_name(room.name());
        let gap = match why {
            GapCause::Lost => Some(frames::gap(name, "broker", missed, Some(at))),
            GapCause::Unread if !is_reset => Some(frames::gap(name, "broker", missed, None)),
            // They see it themselves, and ask.
            GapCause::Unread | GapCause::TooMany => None,
        };
        let room = is_reset.then(|| frames::room(name, true, Some(at)));
        for frame in gap.into_iter().chain(room).map(Frame::new) {
            for member in members.iter().filter(|member| member.profile.is_v1()) {
                let pushed = push(member, &frame, self.bounds().queue);
                self.schedule_flush(member, pushed);
            }
        }
    }
}
