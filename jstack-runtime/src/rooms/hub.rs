//! The rooms of one procedure in this process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::time::Duration;

use super::classes::{Classes, EventClass};
use super::member::Member;
use super::name::{EVERYONE, wire_name};
use super::node::Node;
use super::presence::Presence;
use super::registry::{Entry, Registry};
use super::remembered::Remembered;
use super::room::Room;
use crate::broker::{Channel, Publication, Scope};
use crate::close_reason::{CloseReason, ClosedBy};
use crate::events::Delivery;
use crate::frame::{self, ControlFrame};
use crate::history::Keep;
use crate::limits::{Limits, or_none};
use crate::meters::ProcedureMeters;
use crate::outbound::{Frame, Pushed, QueueLimits, Sheddable, Writable as _, WriteFailure};
use crate::platform::HashMap;
use crate::protocol::frames::{self, Bye};
use crate::protocol::session::Rates;
use crate::rate::Rate;
use crate::socket_id::SocketId;
use crate::sync::Mutex;

/// Shards of the map of sockets; a power of two.
const SHARDS: usize = 32;

/// The message of an error about a connection that has ended.
pub(crate) const CLOSED: &str = "the connection has closed";

/// The close reason for a client that reads too slowly.
const TOO_SLOW: CloseReason = CloseReason::fixed(
    ClosedBy::Limit,
    1013,
    "you read too slowly: too many messages were waiting",
);

static TOO_SLOW_FRAME: LazyLock<ControlFrame> =
    LazyLock::new(|| frame::close(TOO_SLOW.code(), TOO_SLOW.reason()));

/// The same behind `$bye`, for the profile `v1`.
static TOO_SLOW_FRAME_V1: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let bye = Bye::of(&TOO_SLOW, None).map(|bye| frames::bye(&bye)).unwrap_or_default();
    [&bye[..], &TOO_SLOW_FRAME].concat()
});

/// The rooms of one procedure, and its connections.
pub(crate) struct Hub {
    node: Arc<Node>,
    /// `my_app::chat::Procedure`, for messages to developers.
    marker: &'static str,
    /// Whether it was logged that nobody serves the procedure.
    pub(super) warned: AtomicBool,
    /// `post/chat`, once the procedure is mounted.
    procedure: OnceLock<Box<str>>,
    rooms: Registry,
    sockets: Box<[Mutex<Sockets>]>,
    bounds: OnceLock<MessageLimits>,
    meters: OnceLock<ProcedureMeters>,
    classes: OnceLock<Classes>,
    keep: OnceLock<Keep>,
    /// Made with the first room; `None` inside where the broker keeps no histories.
    pub(super) remembered: OnceLock<Option<Remembered>>,
    /// Whether there was a connection; the first one starts the periodic tasks.
    visited: AtomicBool,
    /// The presence of the rooms, if the procedure has it.
    pub(super) presence: OnceLock<Arc<Presence>>,
    this: Weak<Self>,
}

/// Limits that are checked per message, precomputed.
pub(crate) struct MessageLimits {
    pub(super) queue: QueueLimits,
    pub(crate) rates: Rates,
    pub(crate) json_depth: u32,
    pub(crate) handler_timeout: Duration,
}

impl MessageLimits {
    fn new(limits: &Limits) -> Self {
        Self {
            queue: QueueLimits {
                bytes: or_none(limits.queue_bytes),
                frames: or_none(limits.queue_frames),
            },
            rates: Rates {
                messages: Rate::new(limits.rate, limits.burst),
                flood: match limits.rate {
                    Limits::NONE => Rate::new(Limits::NONE, 0),
                    rate => Rate::new(rate.saturating_mul(10), limits.burst.saturating_mul(10)),
                },
            },
            json_depth: limits.json_depth,
            handler_timeout: limits.handler_timeout,
        }
    }
}

/// A plain hash suffices: the server makes the ids, and they are scrambled.
type Sockets = HashMap<u64, Arc<Member>>;

impl Hub {
    pub(crate) fn new(node: Arc<Node>) -> Arc<Self> {
        Self::of(node, "the procedure")
    }

    /// The rooms of the procedure whose marker has this name.
    pub(crate) fn of(node: Arc<Node>, marker: &'static str) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            node,
            marker,
            warned: AtomicBool::new(false),
            procedure: OnceLock::new(),
            rooms: Registry::new(),
            sockets: (0..SHARDS).map(|_| Mutex::default()).collect(),
            bounds: OnceLock::new(),
            meters: OnceLock::new(),
            classes: OnceLock::new(),
            keep: OnceLock::new(),
            remembered: OnceLock::new(),
            visited: AtomicBool::new(false),
            presence: OnceLock::new(),
            this: this.clone(),
        })
    }

    /// Gives the procedure its name between processes; the first mount counts.
    pub(crate) fn name(&self, procedure: &str) {
        let _ = self.procedure.set(procedure.into());
    }

    /// Gives the procedure the classes of its events; the first mount counts.
    pub(crate) fn set_classes(&self, classes: Classes) {
        let _ = self.classes.set(classes);
    }

    /// Sets the bounds of each room's history; the first mount counts.
    pub(crate) fn set_keep(&self, keep: Keep) {
        let _ = self.keep.set(keep);
    }

    pub(super) fn keep(&self) -> Option<Keep> {
        self.keep.get().copied()
    }

    pub(super) fn rooms(&self) -> &Registry {
        &self.rooms
    }

    pub(crate) fn classes(&self) -> &Classes {
        self.classes.get_or_init(Classes::default)
    }

    /// Whether the procedure is mounted in an application that is built.
    pub(super) fn is_served(&self) -> bool {
        self.procedure.get().is_some() && self.node.is_configured()
    }

    pub(super) fn marker(&self) -> &'static str {
        self.marker
    }

    pub(crate) fn procedure(&self) -> &str {
        self.procedure.get().map_or("", |name| name)
    }

    /// A strong reference to itself, for tasks.
    pub(super) fn this(&self) -> Option<Arc<Self>> {
        self.this.upgrade()
    }

    /// A weak reference to itself, for owners that must not keep it alive.
    pub(super) fn weak(&self) -> Weak<Self> {
        self.this.clone()
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn meters(&self) -> &ProcedureMeters {
        self.meters.get_or_init(|| ProcedureMeters::new(self.procedure()))
    }

    /// `true` once, for the first connection, who starts what looks after all of them.
    pub(crate) fn claim_first_connection(&self) -> bool {
        !self.visited.load(Ordering::Relaxed) && !self.visited.swap(true, Ordering::AcqRel)
    }

    /// Lets the next connection be the first again.
    pub(crate) fn unclaim_first_connection(&self) {
        self.visited.store(false, Ordering::Release);
    }

    /// The limits that are checked per message, precomputed.
    #[inline]
    pub(crate) fn bounds(&self) -> &MessageLimits {
        static DEFAULTS: LazyLock<MessageLimits> =
            LazyLock::new(|| MessageLimits::new(&Limits::default()));
        match self.bounds.get() {
            Some(bounds) => bounds,
            // Limits that are read before the application is built are not cached.
            None if !self.node.is_configured() => &DEFAULTS,
            None => self.bounds.get_or_init(|| MessageLimits::new(self.node.limits())),
        }
    }

    pub(super) fn channel<'a>(&'a self, room: &'a str) -> Channel<'a> {
        let scope = if room == EVERYONE { Scope::All } else { Scope::Room(room) };
        Channel { procedure: self.procedure(), scope }
    }

    pub(super) fn node_channel(&self) -> Channel<'_> {
        Channel { procedure: self.procedure(), scope: Scope::Node(self.node.id) }
    }

    pub(super) fn socket_shard(&self, id: SocketId) -> &Mutex<Sockets> {
        &self.sockets[(id.local >> 32) as usize % SHARDS]
    }

    /// Takes a connection out of all its rooms for good.
    pub(crate) fn leave_all(&self, member: &Arc<Member>) {
        self.note_end(member);
        let rooms: Vec<_> = {
            let mut rooms = member.rooms.lock();
            rooms.closed = true;
            rooms.list.iter().map(|m| m.room.clone()).collect()
        };
        for room in rooms {
            self.leave_room(member, &room);
        }
        self.socket_shard(member.id).lock().remove(&member.id.local);
    }

    /// Leaves a room; without effect if the connection is not in it.
    pub(crate) fn leave(&self, member: &Arc<Member>, name: &str) {
        let room = self.rooms.with_room(name, Arc::clone);
        let Some(room) = room.filter(|room| !room.is_everyone()) else { return };
        let was_in = member.is_in(name);
        self.leave_room(member, &room);
        self.note_leave(member, name);
        if was_in && self.has_history() && member.profile.is_v1() {
            self.push(member, &Frame::new(frames::room(wire_name(name), false, None)));
        }
    }

    fn leave_room(&self, member: &Arc<Member>, room: &Arc<Room>) {
        self.rooms.with_entry(room.name(), |entry| {
            room.remove(member);
            self.forget_if_unused(entry, room);
        });
    }

    /// Drops an empty room. It is done under the shard's lock, so that the broker sees the end of this
    /// room before the beginning of the next one with its name.
    pub(super) fn forget_if_unused(&self, mut entry: Entry<'_>, room: &Arc<Room>) {
        if !room.is_unused() || !entry.remove(room) || !room.live.initialized() {
            return;
        }
        let broker = self.node.broker();
        broker.unsubscribe(self.channel(room.name()), self);
        if room.is_everyone() {
            broker.unsubscribe(self.node_channel(), self);
        }
    }

    /// Appends to one connection's queue; `false` if the connection has ended or ends by it.
    pub(crate) fn push(&self, member: &Arc<Member>, frame: &Frame<'_>) -> bool {
        let pushed = push(member, frame, self.bounds().queue);
        self.schedule_flush(member, pushed);
        matches!(pushed, Pushed::Queued | Pushed::Dirty)
    }

    /// Schedules a flush of this queue, unless one is already scheduled.
    pub(crate) fn schedule_flush(&self, member: &Arc<Member>, pushed: Pushed) {
        if matches!(pushed, Pushed::Dirty | Pushed::Overflow) {
            self.node.flusher().mark(member.clone());
        }
    }

    /// Appends an event to one connection's queue, as its class says; `false` if the connection
    /// has ended or ends by it.
    pub(crate) fn push_event(&self, member: &Arc<Member>, frame: &Frame<'_>, json: &[u8]) -> bool {
        let Some(class) = self.classes().of(json) else { return self.push(member, frame) };
        let pushed = self.push_class(member, frame, class, &|| class.key(json));
        self.schedule_flush(member, pushed);
        !matches!(pushed, Pushed::Overflow | Pushed::Closed | Pushed::Failed)
    }

    pub(super) fn push_class(
        &self,
        member: &Member,
        frame: &Frame<'_>,
        class: &EventClass,
        key: &dyn Fn() -> Box<[u8]>,
    ) -> Pushed {
        let limits = self.bounds().queue;
        let shed = match class.delivery {
            Delivery::Reliable => return push(member, frame, limits),
            Delivery::Volatile => Sheddable::Volatile,
            Delivery::Latest(_) => Sheddable::Latest(key),
        };
        let pushed = member.out().push_sheddable(frame, limits, closing_for(member), &shed);
        match pushed {
            Pushed::Shed(count) => {
                self.node.meters().shed(class.delivery == Delivery::Volatile).increment(count);
            }
            Pushed::Overflow => end_slow_reader(member),
            Pushed::Failed => member.cut_off(WriteFailure::Lost),
            Pushed::Dirty | Pushed::Queued | Pushed::Closed => {}
        }
        pushed
    }

    pub(super) fn member(&self, id: SocketId) -> Option<Arc<Member>> {
        self.socket_shard(id).lock().get(&id.local).cloned()
    }

    /// The members of a room here, at this moment.
    pub(super) fn members_of(&self, room: &str) -> Vec<Arc<Member>> {
        self.rooms.with_room(room, |room| room.members().clone()).unwrap_or_default()
    }

    /// Every connection, for the sweeps.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Member>)) {
        for shard in &self.sockets {
            shard.lock().values().for_each(&mut visit);
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.sockets.iter().map(|shard| shard.lock().len()).sum()
    }

    #[cfg(test)]
    pub(super) fn rooms_held(&self) -> usize {
        self.rooms.len()
    }
}

/// Appends to one connection's queue without scheduling a flush.
#[inline]
pub(super) fn push(member: &Member, frame: &Frame<'_>, limits: QueueLimits) -> Pushed {
    let pushed = member.out().push(frame, limits, closing_for(member));
    match pushed {
        Pushed::Overflow => end_slow_reader(member),
        Pushed::Failed => member.cut_off(WriteFailure::Lost),
        Pushed::Dirty | Pushed::Queued | Pushed::Closed | Pushed::Shed(_) => {}
    }
    pushed
}

/// The last frames for a client that reads too slowly.
fn closing_for(member: &Member) -> fn() -> &'static [u8] {
    if member.profile.is_v1() { || &TOO_SLOW_FRAME_V1 } else { || &*TOO_SLOW_FRAME }
}

#[cold]
fn end_slow_reader(member: &Member) {
    member.end(TOO_SLOW);
    tracing::debug!(socket = %member.id, "closing a reader that does not keep up");
}

pub(super) fn left_out(member: &Member, message: &Publication<'_>) -> bool {
    message.except.contains(&member.id)
        || message.except_rooms.iter().any(|room| member.is_in(room))
}
