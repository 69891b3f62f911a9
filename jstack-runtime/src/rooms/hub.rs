//! The rooms of one procedure in this process.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::time::{Duration, Instant};

use super::member::{JoinRefused, Member};
use super::name::{self, EVERYONE};
use super::process::Process;
use super::room::Room;
use crate::broker::{Channel, Message, Scope, Sink};
use crate::closing::{CloseReason, ClosedBy};
use crate::config::{Limits, or_none};
use crate::error::{Error, Result};
use crate::frame::{self, ControlFrame};
use crate::meters::ProcedureMeters;
use crate::outbound::{Frame, Pushed, QueueLimits};
use crate::rate::Rate;
use crate::sync::{Mutex, RwLock};
use crate::target::{Published, Publisher, SocketId, Target, To};

/// Shards of the map of rooms, and of sockets; a power of two.
const SHARDS: usize = 32;

/// What a reader is told that has not kept up.
const TOO_SLOW: CloseReason = CloseReason::fixed(
    ClosedBy::Limit,
    1013,
    "you read too slowly: too many messages were waiting",
);

static TOO_SLOW_FRAME: LazyLock<ControlFrame> =
    LazyLock::new(|| frame::close(TOO_SLOW.code(), TOO_SLOW.reason()));

/// The rooms of one procedure, and its connections.
pub(crate) struct Hub {
    process: Arc<Process>,
    /// `post/chat`, once the procedure is mounted.
    procedure: OnceLock<Box<str>>,
    rooms: Box<[RwLock<Rooms>]>,
    sockets: Box<[Mutex<Sockets>]>,
    bounds: OnceLock<Bounds>,
    meters: OnceLock<ProcedureMeters>,
    /// Whether a connection has been here, which starts what looks after them.
    visited: AtomicBool,
    this: Weak<Self>,
}

/// The limits that every message asks for.
pub(crate) struct Bounds {
    queue: QueueLimits,
    pub(crate) rate: Rate,
    /// Ten times the rate: beyond it, the connection ends.
    pub(crate) flood: Rate,
    pub(crate) json_depth: u32,
    pub(crate) handler_timeout: Duration,
}

impl Bounds {
    fn new(limits: &Limits) -> Self {
        Self {
            queue: QueueLimits {
                bytes: or_none(limits.queue_bytes),
                frames: or_none(limits.queue_frames),
            },
            rate: Rate::new(limits.rate, limits.burst),
            flood: match limits.rate {
                0 | u32::MAX => Rate::new(0, 0),
                rate => Rate::new(rate.saturating_mul(10), limits.burst.saturating_mul(10)),
            },
            json_depth: limits.json_depth,
            handler_timeout: limits.handler_timeout,
        }
    }
}

/// Clients choose the names: the standard hash is keyed, so that none can be made to collide.
type Rooms = HashMap<Box<str>, Arc<Room>>;

/// Ids are ours, and scrambled.
type Sockets = HashMap<u64, Arc<Member>>;

fn shards<T: Default>() -> Box<[T]> {
    (0..SHARDS).map(|_| T::default()).collect()
}

thread_local! {
    /// Spare lists of connections with something to write.
    static DIRTY: Cell<Vec<Arc<Member>>> = const { Cell::new(Vec::new()) };
}

impl Hub {
    pub(crate) fn new(process: Arc<Process>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            process,
            procedure: OnceLock::new(),
            rooms: shards(),
            sockets: shards(),
            bounds: OnceLock::new(),
            meters: OnceLock::new(),
            visited: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    /// Gives the procedure its name between processes; the first mount counts.
    pub(crate) fn name(&self, procedure: &str) {
        let _ = self.procedure.set(procedure.into());
    }

    pub(crate) fn procedure(&self) -> &str {
        self.procedure.get().map_or("", |name| name)
    }

    pub(crate) fn process(&self) -> &Arc<Process> {
        &self.process
    }

    pub(crate) fn meters(&self) -> &ProcedureMeters {
        self.meters.get_or_init(|| ProcedureMeters::new(self.procedure()))
    }

    /// `true` once, for the first connection.
    pub(crate) fn first_connection(&self) -> bool {
        !self.visited.load(Ordering::Relaxed) && !self.visited.swap(true, Ordering::AcqRel)
    }

    /// The limits in the form in which every message asks for them.
    #[inline]
    pub(crate) fn bounds(&self) -> &Bounds {
        self.bounds.get_or_init(|| Bounds::new(self.process.limits()))
    }

    fn channel<'a>(&'a self, room: &'a str) -> Channel<'a> {
        let scope = if room == EVERYONE { Scope::All } else { Scope::Room(room) };
        Channel { procedure: self.procedure(), scope }
    }

    fn node(&self) -> Channel<'_> {
        Channel { procedure: self.procedure(), scope: Scope::Node(self.process.node) }
    }

    #[inline]
    fn room_shard(&self, name: &str) -> &RwLock<Rooms> {
        // Only chooses a lock, so a cheap hash will do; the maps keep a keyed one.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        &self.rooms[(hash >> 32) as usize % SHARDS]
    }

    fn socket_shard(&self, id: SocketId) -> &Mutex<Sockets> {
        &self.sockets[(id.local >> 32) as usize % SHARDS]
    }

    /// Lets a new connection in: it can be reached and is in the room of everyone.
    pub(crate) async fn enter(&self, deflate: Option<u8>) -> Result<Arc<Member>> {
        let list = self.process.flusher().assign();
        let member = Arc::new(Member::new(self.process.next_id(), list, deflate));
        self.socket_shard(member.id).lock().insert(member.id.local, member.clone());
        match self.join_room(&member, EVERYONE).await {
            Ok(()) => Ok(member),
            Err(error) => {
                self.leave_all(&member);
                Err(error)
            }
        }
    }

    /// Takes a connection out of all its rooms for good.
    pub(crate) fn leave_all(&self, member: &Arc<Member>) {
        let rooms: Vec<_> = {
            let mut rooms = member.rooms.lock();
            rooms.left = true;
            rooms.list.iter().map(|m| m.room.clone()).collect()
        };
        for room in rooms {
            self.leave_room(member, &room);
        }
        self.socket_shard(member.id).lock().remove(&member.id.local);
    }

    /// Joins a room, which is heard from the moment in which this returns.
    pub(crate) async fn join(&self, member: &Arc<Member>, room: &str) -> Result {
        name::check(room)?;
        if member.is_in(room) {
            return Ok(());
        }
        let limits = self.process.limits();
        let rate = Rate::new(limits.joins_per_second, limits.joins_per_second);
        match member.may_join(rate, self.process.nanos(), or_none(limits.rooms_per_socket)) {
            Ok(()) => self.join_room(member, room).await,
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

    async fn join_room(&self, member: &Arc<Member>, name: &str) -> Result {
        let joining = Joining::begin(self, name);
        let room = &joining.room;
        if !room.live.initialized() {
            room.live.get_or_try_init(|| self.subscribe(name)).await?;
        }
        if room.add(member) { Ok(()) } else { Err(Error::gone("the connection has closed")) }
    }

    async fn subscribe(&self, room: &str) -> Result {
        let Some(sink) = self.this.upgrade() else { return Ok(()) };
        let broker = self.process.broker();
        broker.subscribe(self.channel(room), sink.clone()).await?;
        if room == EVERYONE {
            broker.subscribe(self.node(), sink).await?;
        }
        Ok(())
    }

    /// Leaves a room; leaving one that it is not in does nothing.
    pub(crate) fn leave(&self, member: &Arc<Member>, name: &str) {
        let room = self.room_shard(name).read().get(name).cloned();
        if let Some(room) = room.filter(|room| !room.is_everyone()) {
            self.leave_room(member, &room);
        }
    }

    fn leave_room(&self, member: &Arc<Member>, room: &Arc<Room>) {
        let mut shard = self.room_shard(room.name()).write();
        room.remove(member);
        self.forget_if_unused(&mut shard, room);
    }

    /// Drops a room that nobody is in. Under the shard's lock, so that the broker hears of the
    /// end of this one before the beginning of the next.
    fn forget_if_unused(&self, shard: &mut Rooms, room: &Arc<Room>) {
        if !room.is_unused() || !shard.get(room.name()).is_some_and(|r| Arc::ptr_eq(r, room)) {
            return;
        }
        shard.remove(room.name());
        if shard.is_empty() {
            shard.shrink_to_fit();
        }
        if room.live.initialized() {
            let broker = self.process.broker();
            broker.unsubscribe(self.channel(room.name()), self);
            if room.is_everyone() {
                broker.unsubscribe(self.node(), self);
            }
        }
    }

    /// Appends to one connection's queue.
    pub(crate) fn push(&self, member: &Arc<Member>, frame: &Frame<'_>) {
        if self.push_quietly(member, frame) == Pushed::Dirty {
            self.process.flusher().mark(member.list, member.clone());
        }
    }

    fn push_quietly(&self, member: &Arc<Member>, frame: &Frame<'_>) -> Pushed {
        let pushed = member.out().push(frame, self.bounds().queue, &TOO_SLOW_FRAME);
        if pushed == Pushed::Overflow {
            member.end(TOO_SLOW);
            tracing::debug!(socket = %member.id, "closing a reader that does not keep up");
            return Pushed::Dirty;
        }
        pushed
    }

    /// Ends a connection with a close frame.
    pub(crate) fn close(&self, member: &Arc<Member>, reason: CloseReason) {
        if member.close(reason) == Some(Pushed::Dirty) {
            self.process.flusher().mark(member.list, member.clone());
        }
    }

    /// Tells the flusher of what was queued before the upgrade.
    pub(crate) fn attached(&self, member: &Arc<Member>, pushed: Pushed) {
        if pushed == Pushed::Dirty {
            self.process.flusher().mark(member.list, member.clone());
        }
    }

    fn deliver_to_room(&self, name: &str, message: &Message<'_>) {
        // Shared, so that rooms of one shard are delivered to side by side; joins wait.
        let shard = self.room_shard(name).read();
        let Some(room) = shard.get(name) else { return };
        let out = Outgoing::new(message);
        let mut dirty = DIRTY.take();
        let mut sent = 0;
        {
            let members = room.members();
            let everyone = message.except.is_empty() && message.except_rooms.is_empty();
            for member in members.iter().filter(|member| everyone || !left_out(member, message)) {
                if self.push_quietly(member, out.frame_for(member)) == Pushed::Dirty {
                    dirty.push(member.clone());
                }
                sent += 1;
            }
        }
        self.meters().sent.increment(sent);
        self.process.flusher().mark_all(&mut dirty, |member| member.list);
        DIRTY.set(dirty);
    }

    fn deliver_to_socket(&self, id: SocketId, message: &Message<'_>) {
        let member = self.socket_shard(id).lock().get(&id.local).cloned();
        if let Some(member) = member.filter(|member| !left_out(member, message)) {
            self.push(&member, Outgoing::new(message).frame_for(&member));
            self.meters().sent.increment(1);
        }
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
        self.rooms.iter().map(|shard| shard.read().len()).sum()
    }
}

fn left_out(member: &Member, message: &Message<'_>) -> bool {
    message.except.contains(&member.id)
        || message.except_rooms.iter().any(|room| member.is_in(room))
}

/// One message's frame, plain and, once somebody wants it so, compressed.
struct Outgoing<'a> {
    plain: Frame<'a>,
    #[cfg(feature = "deflate")]
    json: &'a [u8],
    /// `None` where compressing does not pay.
    #[cfg(feature = "deflate")]
    compressed: std::cell::OnceCell<Option<Frame<'a>>>,
}

impl<'a> Outgoing<'a> {
    fn new(message: &Message<'a>) -> Self {
        Self {
            plain: Frame::new(message.frame()),
            #[cfg(feature = "deflate")]
            json: message.json(),
            #[cfg(feature = "deflate")]
            compressed: std::cell::OnceCell::new(),
        }
    }

    #[cfg(not(feature = "deflate"))]
    fn frame_for(&self, _: &Member) -> &Frame<'a> {
        &self.plain
    }

    #[cfg(feature = "deflate")]
    fn frame_for(&self, member: &Member) -> &Frame<'a> {
        if !member.deflate.is_some_and(|window| frame::fits(window, self.json.len())) {
            return &self.plain;
        }
        let compress = || frame::deflate::text_frame(self.json).map(Frame::new);
        self.compressed.get_or_init(compress).as_ref().unwrap_or(&self.plain)
    }
}

/// A join under way, which keeps its room alive.
struct Joining<'a> {
    hub: &'a Hub,
    room: Arc<Room>,
}

impl<'a> Joining<'a> {
    fn begin(hub: &'a Hub, name: &str) -> Self {
        let mut shard = hub.room_shard(name).write();
        let room = match shard.get(name) {
            Some(room) => room.clone(),
            None => shard.entry(name.into()).or_insert_with(|| Arc::new(Room::new(name))).clone(),
        };
        room.joining.fetch_add(1, Ordering::AcqRel);
        Self { hub, room }
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        let mut shard = self.hub.room_shard(self.room.name()).write();
        self.room.joining.fetch_sub(1, Ordering::AcqRel);
        self.hub.forget_if_unused(&mut shard, &self.room);
    }
}

impl Sink for Hub {
    fn deliver(&self, message: &Message<'_>) {
        match (message.channel.scope, message.only) {
            (Scope::All, _) => self.deliver_to_room(EVERYONE, message),
            (Scope::Room(name), _) => self.deliver_to_room(name, message),
            (Scope::Node(_), Some(id)) => self.deliver_to_socket(id, message),
            (Scope::Node(_), None) => {}
        }
    }

    fn gap(&self, channel: Channel<'_>, messages: Option<u64>) {
        self.process.meters().gaps.increment(1);
        tracing::warn!(?channel, messages, "messages from other processes may be missing");
    }
}

impl Publisher for Hub {
    fn publish(&self, target: &Target<'_>, buffer: &mut Vec<u8>) -> Published {
        let meters = self.process.meters();
        if !meters.timed {
            return self.publish_now(target, buffer);
        }
        let (started, seconds) = (Instant::now(), meters.publish_seconds.clone());
        match self.publish_now(target, buffer) {
            done @ Published::Done(_) => {
                seconds.record(started.elapsed());
                done
            }
            waits => Published::Wait(Box::pin(async move {
                let result = waits.await;
                seconds.record(started.elapsed());
                result
            })),
        }
    }
}

impl Hub {
    fn publish_now(&self, target: &Target<'_>, buffer: &mut [u8]) -> Published {
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
        let broker = self.process.broker();
        let mut message = Message::framed(self.channel(EVERYONE), buffer);
        message.except = sockets;
        message.except_rooms = except_rooms;
        match &target.to {
            To::All => broker.publish(&[message], self).0,
            To::Room(room) => {
                message.channel = self.channel(room);
                broker.publish(&[message], self).0
            }
            To::Rooms(rooms) => {
                // Who is in an earlier room has it already.
                let but: Vec<Cow<'_, str>> =
                    rooms.iter().chain(except_rooms).map(|room| Cow::Borrowed(&**room)).collect();
                let (earlier, named) = but.split_at(rooms.len());
                let excepts: Vec<Vec<Cow<'_, str>>> =
                    (0..rooms.len()).map(|n| [&earlier[..n], named].concat()).collect();
                let messages: Vec<Message<'_>> = rooms
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
                broker.publish(&messages, self).0
            }
            To::Socket(id) if id.node == self.process.node => {
                self.deliver_to_socket(*id, &message);
                Published::Done(Ok(()))
            }
            To::Socket(id) => {
                message.channel.scope = Scope::Node(id.node);
                message.only = Some(*id);
                broker.publish(&[message], self).0
            }
        }
    }
}
