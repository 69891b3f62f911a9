//! `Core`: the state of one socket, without I/O and without a task.
//!
//! ```text
//!               ┌────────── connect() ─────────────────────────────┐
//!               ▼                                                  │
//!  Dial ──▶ Dialing ──the stream, and `$welcome`──▶ Opening ──▶ Up │
//!   ▲          │                                               │   │
//!   │          ├──────────────── failed, or lost ──────────────┘   │
//!   │          ▼                                                   │
//!   └─────── Waiting            final, or close() ──────────────▶ Closed
//! ```
//!
//! Invariants: a frame is in `out` or in `outbox`, never in both. In `Opening`, what is emitted waits
//! in the outbox, so that what the application restores goes first. A request is in `requests` until
//! it ends. After `Closed` nothing waits.
//!
//! The engine carries out what this decides: it dials, writes `out`, and calls `tick` at `deadline`.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::closing::{End, judge};
use super::failure::{self, Refusal, millis};
use super::incoming::{Gap, GapReason, Meta, Position};
use super::inward::{AtFrame, Frame, GapFrame, RoomFrame, Welcome};
use super::outbox::{Fate, Outbox};
use super::room::{Effect, Room};
use super::status::{Profile, Status};
use crate::error::{Error, Result};
use crate::platform;

/// After how long a loss is worth showing, and a connection counts as good.
const LASTING: Duration = Duration::from_secs(5);
/// How often what waits for the network is looked at.
const DRAIN: Duration = Duration::from_millis(50);
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);
/// Messages that wait for `next`.
const INBOX: usize = 1024;
/// The client's own: a server that sends one is not believed.
const OWN_EVENTS: &[&str] = &["onConnect", "onDisconnect", "onError", "ping", "pong"];

/// What a socket may take and how long it waits.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) base_only: bool,
    pub(super) connect_timeout: Duration,
    pub(super) request_timeout: Duration,
    /// The longest delay before the first attempt to come back, and before any.
    pub(super) backoff: (Duration, Duration),
    /// Silence before a ping, or that is added to the server's own; and before it is given up.
    pub(super) heartbeat: (Duration, Duration),
    pub(super) queue: (usize, Duration),
    /// Tokens can be asked for.
    pub(super) renews: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_only: false,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            backoff: (Duration::from_millis(500), Duration::from_secs(20)),
            heartbeat: (Duration::from_secs(25), Duration::from_secs(15)),
            queue: (100, Duration::from_secs(30)),
            renews: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// To be dialled.
    Dial,
    /// An attempt runs, until this time.
    Dialing(Instant),
    /// The hooks of the application run.
    Opening,
    Up,
    /// The next attempt begins at this time.
    Waiting(Instant),
    Closed,
}

/// What waits for `next`.
pub(super) enum Item {
    Event { name: String, data: String, meta: Meta },
    Gap(Gap),
    Error { event: Option<String>, error: Error },
}

/// A question of the server's.
pub(super) struct Asked {
    pub(super) event: String,
    pub(super) data: String,
    pub(super) id: String,
}

enum Pending {
    Call {
        sent: bool,
        reply: oneshot::Sender<Result<String>>,
    },
    /// A room's past, until this time.
    Fetch {
        room: String,
        until: Instant,
    },
}

#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Core {
    options: Options,
    pub(super) phase: Phase,
    pub(super) status: watch::Sender<Status>,
    /// What the connection speaks: known from the handshake on.
    pub(super) v1: bool,
    /// The connection's id on the server.
    pub(super) id: Option<String>,
    /// Frames that go out next.
    pub(super) out: Vec<String>,
    /// Bytes that were handed to the network and are not sent yet.
    pub(super) sending: usize,
    pub(super) close_with: (u16, String),
    outbox: Outbox,
    requests: BTreeMap<String, Pending>,
    tag: u64,
    count: u64,
    rooms: BTreeMap<Option<String>, Room>,
    /// When rooms ask again for their past.
    again: BTreeMap<String, Instant>,
    inbox: VecDeque<Item>,
    /// How many were dropped because nobody called `next`, and since when.
    overflowed: Option<(u64, Instant)>,
    pub(super) asked: Vec<Asked>,
    /// The longest message that the server takes, in bytes.
    longest: usize,
    attempts: u32,
    /// How many attempts with the profile failed before they opened.
    missed: u32,
    /// The next attempt offers no subprotocol.
    pub(super) plain: bool,
    /// The server has spoken the profile before.
    spoken: bool,
    /// The server refused the last token, so the next one must be another.
    pub(super) refused: bool,
    cause: Option<Arc<Error>>,
    bye: Option<Refusal>,
    lost_at: Option<Instant>,
    away_since: Option<Instant>,
    heard_at: Instant,
    pinged_at: Option<Instant>,
    patience: Duration,
    /// Until when the connection must last to count as good.
    stable_at: Option<Instant>,
    pub(super) token_at: Option<Instant>,
    drain_at: Option<Instant>,
    /// No handle is left.
    pub(super) abandoned: bool,
}

impl Core {
    pub(super) fn new(options: Options) -> Self {
        let (most, age) = options.queue;
        Self {
            phase: Phase::Dial,
            status: watch::Sender::new(Status::Connecting { attempt: 1 }),
            v1: false,
            id: None,
            out: Vec::new(),
            sending: 0,
            close_with: (1000, String::new()),
            outbox: Outbox::new(most, age),
            requests: BTreeMap::new(),
            tag: platform::random() % 36u64.pow(7),
            count: 0,
            rooms: BTreeMap::new(),
            again: BTreeMap::new(),
            inbox: VecDeque::new(),
            overflowed: None,
            asked: Vec::new(),
            longest: usize::MAX,
            attempts: 0,
            missed: 0,
            plain: false,
            spoken: false,
            refused: false,
            cause: None,
            bye: None,
            lost_at: None,
            away_since: None,
            heard_at: Instant::now(),
            pinged_at: None,
            patience: options.heartbeat.0,
            stable_at: None,
            token_at: None,
            drain_at: None,
            abandoned: false,
            options,
        }
    }

    pub(super) fn request_timeout(&self) -> Duration {
        self.options.request_timeout
    }

    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    // ------------------------------------------------------------------------------ the connection

    /// Begins an attempt; `true`: it offers the profile `v1`.
    pub(super) fn begin(&mut self) -> bool {
        self.phase = Phase::Dialing(Instant::now() + self.options.connect_timeout);
        self.bye = None;
        self.v1 = false;
        self.say();
        let plain = std::mem::take(&mut self.plain);
        !plain && !self.options.base_only
    }

    /// Connects at once where a delay runs, and opens again what was closed.
    pub(super) fn connect(&mut self) {
        match self.phase {
            Phase::Closed => {
                self.attempts = 0;
                self.lost_at = None;
                self.refused = false;
                self.cause = None;
            }
            Phase::Waiting(_) => {}
            _ => return,
        }
        self.phase = Phase::Dial;
        self.say();
    }

    /// Closes for good.
    pub(super) fn close(&mut self, code: u16, reason: &str) {
        if self.phase == Phase::Closed {
            return;
        }
        self.close_with = (code, reason.to_owned());
        let was_open = self.is_up();
        self.finish(code, None);
        self.down(&failure::closed(), was_open, false);
    }

    /// Drops the connection, if there is one, and dials again at once.
    pub(super) fn restart(&mut self) {
        self.close_with = (1000, String::new());
        if self.is_up() {
            let mut end = End::of(failure::lost("connecting again"));
            end.after = Some(Duration::ZERO);
            self.lost(end);
        }
        self.connect();
        if matches!(self.phase, Phase::Dialing(_)) {
            self.phase = Phase::Dial;
        }
    }

    /// The handshake is done.
    pub(super) fn shaken(&mut self, v1: bool) {
        self.heard_at = Instant::now();
        self.v1 = v1;
        if v1 {
            return;
        }
        if !self.options.base_only {
            let why = "the server, or a proxy before it, did not select jstack.v1";
            self.report(None, failure::unsupported(why));
        }
        self.opened(None);
    }

    fn opened(&mut self, welcome: Option<Welcome>) {
        let now = Instant::now();
        let (idle, more) = self.options.heartbeat;
        self.patience = match &welcome {
            Some(welcome) => welcome.ping.map_or(idle, millis) + more,
            None => idle,
        };
        self.heard_at = now;
        self.pinged_at = None;
        self.stable_at = Some(now + LASTING);
        self.spoken |= welcome.is_some();
        let history = welcome.as_ref().is_some_and(|welcome| welcome.history);
        if let Some(mut welcome) = welcome {
            self.outbox.classes = welcome.classes();
            self.longest = welcome.max.unwrap_or(usize::MAX);
            self.expires(welcome.ttl);
            self.id = Some(welcome.id);
        } else {
            self.id = None;
            self.outbox.classes.clear();
            self.longest = usize::MAX;
            let why = "this server answers no requests: it speaks the base profile";
            self.fail_requests(&failure::unsupported(why), false);
        }
        // Before anything that may follow the hole. Rooms with a history find out by themselves.
        if let Some(since) = self.away_since.take()
            && !history
        {
            let since = since.into_std();
            let gap = Gap { room: None, reason: GapReason::Offline, missed: None, since };
            self.put(Item::Gap(gap));
        }
        self.phase = Phase::Opening;
    }

    /// The hooks have run: what waited goes out.
    pub(super) fn up(&mut self) {
        if self.phase != Phase::Opening {
            return;
        }
        self.phase = Phase::Up;
        let profile = if self.v1 { Profile::V1 } else { Profile::Base };
        let since = Instant::now().into_std();
        self.status.send_replace(Status::Open { since, profile });
        self.flush();
    }

    /// How long the credentials are good: another token is asked for at four fifths.
    pub(super) fn expires(&mut self, ttl: Option<f64>) {
        let due = ttl
            .filter(|ttl| *ttl > 0.0 && self.options.renews)
            .map(|ttl| Instant::now() + millis(ttl * 0.8).max(Duration::from_secs(1)));
        self.token_at = due;
    }

    /// The stream has ended, with this close code.
    pub(super) fn ended(&mut self, code: u16, reason: &str) {
        let was_open = self.is_up();
        let bye = self.bye.take();
        let end = judge(code, reason, was_open, bye.as_ref(), self.v1);
        self.lost(end);
    }

    /// An attempt failed before its stream was a WebSocket; `offered`: with the profile.
    ///
    /// Some proxies refuse a subprotocol that they do not know. So after two attempts that failed, each
    /// such failure is followed at once by an attempt without. A server that has spoken the profile once
    /// is never tried without.
    pub(super) fn missed(&mut self, end: End, offered: bool) {
        if offered && !end.is_final && !end.unauthorized && !self.spoken {
            self.missed += 1;
            if self.missed > 1 {
                self.cause = Some(Arc::new(end.cause));
                self.plain = true;
                self.phase = Phase::Dial;
                return;
            }
        }
        self.lost(end);
    }

    /// The connection, or an attempt at one, is over.
    pub(super) fn lost(&mut self, mut end: End) {
        if self.phase == Phase::Closed {
            return;
        }
        let was_open = self.is_up();
        if end.unauthorized && self.options.renews && !self.refused {
            // Once: another refusal, of a new token, is final.
            self.refused = true;
            end.is_final = false;
            end.after.get_or_insert(Duration::ZERO);
        }
        if end.is_final {
            self.finish(end.code, Some(Arc::new(failure::copy(&end.cause))));
            self.down(&end.cause, was_open, false);
            return;
        }
        let now = Instant::now();
        let (first, longest) = self.options.backoff;
        let most = first.saturating_mul(2u32.saturating_pow(self.attempts)).min(longest);
        let delay = end.after.unwrap_or_else(|| jitter(most));
        self.attempts = self.attempts.saturating_add(1);
        if was_open {
            self.lost_at = Some(now);
        }
        self.phase = Phase::Waiting(now + delay);
        self.down(&end.cause, was_open, true);
        self.cause = Some(Arc::new(end.cause));
        self.say();
    }

    fn finish(&mut self, code: u16, cause: Option<Arc<Error>>) {
        self.phase = Phase::Closed;
        self.status.send_replace(Status::Closed { code, cause });
    }

    fn down(&mut self, cause: &Error, was_open: bool, will_retry: bool) {
        self.id = None;
        self.token_at = None;
        self.stable_at = None;
        self.drain_at = None;
        if will_retry {
            self.out.clear();
        }
        if was_open {
            self.away_since = Some(Instant::now());
        }
        let is_closed = cause.code() == "closed";
        if !is_closed {
            self.fail_requests(
                &failure::lost("the connection was lost; it may have been done"),
                true,
            );
        }
        self.requests.retain(|_, pending| matches!(pending, Pending::Call { .. }));
        self.again.clear();
        for room in self.rooms.values_mut() {
            room.down();
        }
        if !will_retry {
            self.fail_requests(cause, false);
            self.outbox.clear();
        }
    }

    /// The status of a connection that is on its way.
    fn say(&mut self) {
        let status = match (self.lost_at, &self.cause) {
            (Some(since), Some(cause)) => Status::Reconnecting {
                attempt: self.attempts,
                retry_at: match self.phase {
                    Phase::Waiting(at) => Some(at.into_std()),
                    _ => None,
                },
                since: since.into_std(),
                lost: since.elapsed() >= LASTING,
                cause: cause.clone(),
            },
            _ => Status::Connecting { attempt: self.attempts + 1 },
        };
        self.status.send_replace(status);
    }

    /// Why the last attempt failed.
    pub(super) fn cause(&self) -> Option<Arc<Error>> {
        self.cause.clone()
    }

    // ---------------------------------------------------------------------------------------- time

    /// When `tick` is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
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
        let fetches = self.requests.values().filter_map(|pending| match pending {
            Pending::Fetch { until, .. } => Some(*until),
            Pending::Call { .. } => None,
        });
        [phase, shown, self.stable_at, self.token_at.filter(|_| is_up), self.drain_at]
            .into_iter()
            .flatten()
            .chain(fetches)
            .chain(self.again.values().copied())
            .min()
    }

    fn is_worth_showing(&self) -> bool {
        matches!(&*self.status.borrow(), Status::Reconnecting { lost: false, .. })
    }

    /// Does what is due. `true`: another token is to be asked for.
    pub(super) fn tick(&mut self) -> bool {
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
        let late =
            |pending: &Pending| matches!(pending, Pending::Fetch { until, .. } if *until <= now);
        let late: Vec<String> =
            self.requests.iter().filter(|(_, p)| late(p)).map(|(id, _)| id.clone()).collect();
        for id in late {
            self.settle(&id, Err(failure::timeout("the room's past did not come in time")));
        }
        let due: Vec<_> =
            self.again.iter().filter(|(_, at)| **at <= now).map(|(room, _)| room.clone()).collect();
        for name in due {
            self.again.remove(&name);
            let key = room_of(&name);
            self.with_room(key.as_deref(), Room::fetch);
        }
    }

    // --------------------------------------------------------------------------------- from the server

    /// Anything came.
    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    pub(super) fn receive(&mut self, text: &str) {
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
            self.put(Item::Event { name, data, meta: Meta::default() });
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
                self.with_room(frame.r.clone().as_deref(), |room| room.joined_or_left(frame, id));
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

    fn settle(&mut self, id: &str, answer: Result<String>) {
        match self.requests.remove(id) {
            Some(Pending::Call { reply, .. }) => _ = reply.send(answer),
            Some(Pending::Fetch { room, .. }) => {
                let answer = answer.and_then(|json| {
                    serde_json::from_str(&json).map_err(|error| {
                        failure::malformed(format!("the room's past cannot be read: {error}"))
                    })
                });
                self.with_room(room_of(&room).as_deref(), |room| room.answered(answer));
            }
            // A late answer, or nobody's.
            None => {}
        }
    }

    fn fail_requests(&mut self, cause: &Error, only_sent: bool) {
        let ended: Vec<String> = self
            .requests
            .iter()
            .filter(
                |(_, pending)| matches!(pending, Pending::Call { sent, .. } if *sent || !only_sent),
            )
            .map(|(id, _)| id.clone())
            .collect();
        for id in ended {
            self.outbox.remove(&id);
            if let Some(Pending::Call { reply, .. }) = self.requests.remove(&id) {
                let _ = reply.send(Err(failure::copy(cause)));
            }
        }
    }

    /// Lets a room do something, and carries out what it wants.
    fn with_room(&mut self, key: Option<&str>, act: impl FnOnce(&mut Room)) {
        let name = key.map(str::to_owned);
        let room = self.rooms.entry(name.clone()).or_insert_with(|| Room::new(name));
        act(room);
        for effect in room.effects() {
            match effect {
                Effect::Deliver { event, data, meta } => {
                    self.put(Item::Event { name: event, data, meta });
                }
                Effect::Gap { room, reason, missed, since } => {
                    let since = since.into_std();
                    self.put(Item::Gap(Gap { room, reason, missed, since }));
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
        // An older question of the room's is nobody's any more.
        self.requests.retain(|_, p| !matches!(p, Pending::Fetch { room, .. } if *room == name));
        let id = self.new_id();
        let range = Range { r: room, after: (&after.epoch, after.offset), was };
        let frame = ("$history", range, Id { i: &id });
        // Texts and numbers always encode.
        self.out.push(serde_json::to_string(&frame).unwrap_or_default());
        let until = Instant::now() + FETCH_TIMEOUT;
        self.requests.insert(id, Pending::Fetch { room: name, until });
    }

    /// What is known of a room.
    pub(super) fn room(&self, name: &str) -> (bool, Option<Position>) {
        let room = self.rooms.get(&Some(name.to_owned()));
        room.map_or((false, None), |room| (room.joined, room.position.clone()))
    }

    // ---------------------------------------------------------------------------------- to the server

    /// Sends an event or keeps it. `Ok` also for a volatile one that is dropped: that is what it is for.
    pub(super) fn emit(&mut self, event: &str, text: String) -> Result {
        self.check(event, &text)?;
        self.add(event, text, None)
    }

    fn add(&mut self, event: &str, text: String, id: Option<String>) -> Result {
        let sending = self.is_up().then_some(self.sending);
        match self.outbox.add(event, text, id, sending)? {
            Fate::Send(text) => self.out.push(text),
            Fate::Kept if self.is_up() => self.drain_at = Some(Instant::now() + DRAIN),
            Fate::Kept | Fate::Dropped => {}
        }
        Ok(())
    }

    /// Begins a request: its id, and where its answer comes. `open` is its frame without the bracket
    /// that closes it.
    pub(super) fn request(
        &mut self,
        event: &str,
        mut open: String,
    ) -> Result<(String, oneshot::Receiver<Result<String>>)> {
        let id = self.new_id();
        open.push(',');
        open.push_str(&serde_json::to_string(&Id { i: &id }).unwrap_or_default());
        open.push(']');
        self.check(event, &open)?;
        let sent = self.is_up();
        if sent && !self.v1 {
            let why = "this server answers no requests: it speaks the base profile";
            return Err(failure::unsupported(why));
        }
        self.add(event, open, Some(id.clone()))?;
        let (reply, answer) = oneshot::channel();
        self.requests.insert(id.clone(), Pending::Call { sent, reply });
        Ok((id, answer))
    }

    /// Forgets a request, whose answer is ignored from now on.
    pub(super) fn forget(&mut self, id: &str) {
        self.requests.remove(id);
        self.outbox.remove(id);
    }

    /// Why it cannot be sent, not even later.
    fn check(&self, event: &str, text: &str) -> Result {
        if self.phase == Phase::Closed {
            return Err(failure::closed());
        }
        if text.len() > self.longest {
            return Err(failure::too_large(event, self.longest));
        }
        Ok(())
    }

    fn flush(&mut self) {
        if !self.is_up() {
            return;
        }
        while let Some(next) = self.outbox.next(self.sending) {
            match next {
                Ok(kept) => {
                    if let Some(Pending::Call { sent, .. }) =
                        kept.id.as_ref().and_then(|id| self.requests.get_mut(id))
                    {
                        *sent = true;
                    }
                    self.out.push(kept.text);
                }
                Err((event, error)) => self.report(Some(event), error),
            }
        }
        if !self.outbox.is_empty() {
            self.drain_at = Some(Instant::now() + DRAIN);
        }
    }

    fn new_id(&mut self) -> String {
        self.count += 1;
        format!("{:x}-{:x}", self.tag, self.count)
    }

    // ------------------------------------------------------------------------------ to the application

    pub(super) fn report(&mut self, event: Option<String>, error: Error) {
        self.put(Item::Error { event, error });
    }

    fn put(&mut self, item: Item) {
        if self.inbox.len() >= INBOX {
            self.inbox.pop_front();
            self.overflowed.get_or_insert((0, Instant::now())).0 += 1;
        }
        self.inbox.push_back(item);
    }

    /// The next thing that the application hears.
    pub(super) fn pop(&mut self) -> Option<Item> {
        if let Some((missed, since)) = self.overflowed.take() {
            let (reason, since) = (GapReason::Overload, since.into_std());
            return Some(Item::Gap(Gap { room: None, reason, missed: Some(missed), since }));
        }
        self.inbox.pop_front()
    }

    pub(super) fn has_items(&self) -> bool {
        !self.inbox.is_empty()
    }
}

/// The third element of a frame that asks or answers.
#[derive(serde::Serialize)]
struct Id<'a> {
    i: &'a str,
}

/// The key of a room by its name, which is empty for everybody.
fn room_of(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

/// A random part of `most`.
fn jitter(most: Duration) -> Duration {
    #[allow(clippy::cast_precision_loss, reason = "a share of a delay")]
    let share = (platform::random() >> 11) as f64 / (1u64 << 53) as f64;
    most.mul_f64(share)
}
