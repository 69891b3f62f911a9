//! One room's place in its history.
//!
//! This is the one rule of recovery: the server says where the room is (`$room`, the offset of each
//! message, `$pos`), the client compares and asks for what it lacks, and what arrives meanwhile waits.
//! A reconnect, a lost frame and a hole between servers are all mended by it.
//!
//! ```text
//!  up to date ──a hole, or the server is ahead──▶ fetching ──the last page──▶ up to date
//!       ▲                                            │  ▲
//!       └──────────── it cannot be had: a gap ───────┘  └── a page, or a failed attempt
//! ```
//!
//! Invariants: `position` is the last offset that was handed over, and what is not above it is a
//! repeat. `held` exists exactly while the past is being fetched, and then nothing live is handed
//! over. What the log does not have any more is a gap, before what follows it.
//!
//! It has no clock and no connection: what is to be done is an [`Effect`].

use std::time::Duration;

use tokio::time::Instant;

use crate::client::failure::is_retryable;
use crate::client::incoming::{GapReason, Meta, Position};
use crate::client::inward::{HistoryAnswer, RoomFrame};
use crate::error::Error;

/// How many live messages wait. Those beyond are fetched with the rest of the past.
const HELD: usize = 500;
const ATTEMPTS: u32 = 5;

/// What a room wants to be done.
pub(super) enum Effect {
    Deliver {
        event: String,
        data: String,
        meta: Meta,
    },
    Gap {
        room: Option<String>,
        reason: GapReason,
        missed: Option<u64>,
        since: Instant,
    },
    Report(Error),
    /// Ask for what came after `after`, as the connection that was called `was`.
    Fetch {
        after: Position,
        was: Option<String>,
    },
    /// The same after a while.
    FetchLater(Duration),
}

/// A message as it came, with the room's epoch at that time: the frame itself does not name it.
struct Live {
    event: String,
    data: String,
    offset: u64,
    epoch: String,
}

pub(super) struct Room {
    /// As the server names it: `None` is everybody.
    name: Option<String>,
    pub(super) joined: bool,
    pub(super) position: Option<Position>,
    held: Option<Vec<Live>>,
    /// Where this fetch began.
    from: Option<Position>,
    attempt: u32,
    /// The newest place that the server has named.
    announced: Option<Position>,
    /// The connection's id when the position was last up to date: the server excluded messages for it.
    was: Option<String>,
    /// Since when messages may be missing.
    since: Instant,
    /// The connection's id.
    id: Option<String>,
    effects: Vec<Effect>,
}

impl Room {
    pub(super) fn new(name: Option<String>) -> Self {
        Self {
            name,
            joined: false,
            position: None,
            held: None,
            from: None,
            attempt: 0,
            announced: None,
            was: None,
            since: Instant::now(),
            id: None,
            effects: Vec::new(),
        }
    }

    /// What is to be done, in this order.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// `$room`, on the connection `id`.
    pub(super) fn joined_or_left(&mut self, frame: RoomFrame, id: Option<String>) {
        self.joined = frame.joined;
        self.id = id;
        if !frame.joined {
            // Left on purpose: a later join begins where the room is then.
            self.position = None;
            self.held = None;
        } else if let Some(epoch) = frame.e {
            self.compare(&Position::new(epoch, frame.o.unwrap_or(0)));
        }
    }

    /// The room is at `announced`: is anything missing?
    pub(super) fn compare(&mut self, announced: &Position) {
        self.announced = Some(announced.clone());
        if self.held.is_some() {
            return;
        }
        let position = self.position.get_or_insert_with(|| announced.clone());
        if position.epoch != announced.epoch || position.offset < announced.offset {
            self.recover(Vec::new());
        } else {
            self.up_to_date();
        }
    }

    /// A live message; an empty name where its offset was not for this connection.
    pub(super) fn take(&mut self, event: &str, data: &str, offset: u64) {
        let epoch = self.announced.as_ref().or(self.position.as_ref()).map(|at| at.epoch.clone());
        let (event, data) = (event.to_owned(), data.to_owned());
        self.take_live(Live { event, data, offset, epoch: epoch.unwrap_or_default() });
    }

    fn take_live(&mut self, live: Live) {
        if let Some(held) = &mut self.held {
            if held.len() < HELD {
                held.push(live);
            } else {
                self.announced = Some(Position::new(live.epoch, live.offset));
            }
            return;
        }
        match &self.position {
            None => self.deliver(live.event, live.data, None, false),
            // The log was ahead: of an epoch that is over there is already a gap.
            Some(position) if position.epoch != live.epoch => {}
            Some(position) if live.offset > position.offset + 1 => self.recover(vec![live]),
            Some(_) => self.pass(live, false),
        }
    }

    /// The connection is lost: what waited will be fetched.
    pub(super) fn down(&mut self) {
        self.held = None;
        self.announced = None;
        if self.joined {
            self.joined = false;
            self.since = Instant::now();
        }
    }

    /// The server has lost messages for good, and the room continues at `at`.
    pub(super) fn lost(&mut self, reason: GapReason, missed: Option<u64>, at: &Position) {
        self.announced = Some(at.clone());
        if self.held.is_some() {
            // The fetch under way says so as well.
            return;
        }
        match &self.position {
            Some(position) if position.epoch == at.epoch && position.offset == at.offset => {
                self.gap(reason, missed);
            }
            Some(position) if position.epoch == at.epoch && position.offset > at.offset => {}
            _ => self.skip(&at.epoch, at.offset, reason),
        }
    }

    pub(super) fn gap(&mut self, reason: GapReason, missed: Option<u64>) {
        let (room, since) = (self.name.clone(), self.since);
        self.effects.push(Effect::Gap { room, reason, missed, since });
    }

    fn recover(&mut self, held: Vec<Live>) {
        self.held = Some(held);
        self.from.clone_from(&self.position);
        self.attempt = 1;
        self.fetch();
    }

    /// Asks for the next page, if one is wanted.
    pub(super) fn fetch(&mut self) {
        if self.held.is_none() {
            return;
        }
        let after = self.position.clone().unwrap_or_else(|| Position::new("", 0));
        let was = self.was.clone().filter(|was| Some(was) != self.id.as_ref());
        self.effects.push(Effect::Fetch { after, was });
    }

    /// A page of the past, or why there is none.
    pub(super) fn answered(&mut self, answer: Result<HistoryAnswer, Error>) {
        if self.held.is_none() {
            return;
        }
        match answer {
            Ok(answer) => {
                if self.apply(answer) {
                    self.fetch();
                } else {
                    self.recovered();
                }
            }
            Err(error) if is_retryable(&error) && self.attempt < ATTEMPTS => {
                self.attempt += 1;
                let wait = Duration::from_millis(200 << self.attempt);
                self.effects.push(Effect::FetchLater(wait));
            }
            Err(error) => {
                // It cannot be had: what waits goes on after it.
                self.effects.push(Effect::Report(error));
                let from = self.from.clone().unwrap_or_else(|| Position::new("", 0));
                let Position { epoch, offset } = self.announced.clone().unwrap_or(from);
                let held = self.held.as_deref().unwrap_or_default();
                let next = held.iter().find(|live| live.epoch == epoch);
                let offset = next.map_or(offset, |next| next.offset.saturating_sub(1));
                self.skip(&epoch, offset, GapReason::Broker);
                self.recovered();
            }
        }
    }

    /// Hands over one page. Returns whether another follows.
    fn apply(&mut self, answer: HistoryAnswer) -> bool {
        let HistoryAnswer { e, o, items, more, gap } = answer;
        let before = self.position.clone();
        let first = items.first().map_or(o + 1, |item| item.2);
        let is_reset = before.as_ref().is_none_or(|before| before.epoch != e);
        let gap =
            if is_reset { Some(GapReason::Reset) } else { gap.as_deref().map(GapReason::named) };
        if let Some(reason) = gap {
            self.skip(&e, first.saturating_sub(1), reason);
        }
        for item in items {
            let (event, data) = (item.0, item.1.get().to_owned());
            self.pass(Live { event, data, offset: item.2, epoch: e.clone() }, true);
        }
        if more && self.position != before {
            return true;
        }
        if o > self.position.as_ref().map_or(0, |at| at.offset) {
            self.skip(&e, o, GapReason::Expired);
        }
        false
    }

    /// All pages are there: what waited follows.
    fn recovered(&mut self) {
        let (announced, from) = (self.announced.clone(), self.from.take());
        let held = self.held.take().unwrap_or_default();
        self.up_to_date();
        for live in held {
            self.take_live(live);
        }
        // Is there more? A server that knew no more than before is not asked again before it says
        // something new, and what it had said about an epoch that is over says nothing now.
        let epoch = |at: &Option<Position>| at.as_ref().map(|at| at.epoch.clone());
        let is_over =
            epoch(&announced) == epoch(&from) && epoch(&announced) != epoch(&self.position);
        if let Some(announced) = announced
            && self.held.is_none()
            && from != self.position
            && !is_over
        {
            self.compare(&announced);
        }
    }

    fn pass(&mut self, live: Live, replayed: bool) {
        let Live { event, data, offset, epoch } = live;
        let before = self.position.as_ref().map_or(0, |at| at.offset);
        if offset <= before {
            return;
        }
        if offset > before + 1 {
            // The log has a hole.
            self.skip(&epoch, offset - 1, GapReason::Expired);
        }
        let at = Position::new(epoch, offset);
        self.position = Some(at.clone());
        self.since = Instant::now();
        if !event.is_empty() {
            self.deliver(event, data, Some(at), replayed);
        }
    }

    fn deliver(&mut self, event: String, data: String, at: Option<Position>, replayed: bool) {
        let meta = Meta { room: self.name.clone(), at, replayed };
        self.effects.push(Effect::Deliver { event, data, meta });
    }

    /// What is up to `offset` cannot be had.
    fn skip(&mut self, epoch: &str, offset: u64, reason: GapReason) {
        let before = self.position.clone().unwrap_or_else(|| Position::new("", 0));
        let missed = if before.epoch == epoch {
            let Some(missed) = offset.checked_sub(before.offset) else { return };
            Some(missed)
        } else {
            None
        };
        self.position = Some(Position::new(epoch, offset));
        self.gap(reason, missed);
    }

    fn up_to_date(&mut self) {
        self.was.clone_from(&self.id);
        self.since = Instant::now();
    }
}
