//! Who is in one room, as this connection sees it.
//!
//! ```text
//!  stale ──joined, and somebody looks──▶ asked ──the list──▶ fresh ──a difference──▶ fresh
//!    ▲                                    ▲                    │
//!    │                                    └─ a number is missing: it is asked again
//!    └──── lost, left, or nobody looks: the list stays, and only the server says who left
//! ```
//!
//! Invariants: `number` is that of the last difference; without it differences are not applied. `early`
//! exists while the list is being fetched, and keeps the differences that come before it. What this
//! client says (`mine`) survives the connection, and is said again with each membership.
//!
//! It has no connection: what is to be done is an [`Effect`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::failure::{self, is_retryable};
use crate::client::inward::{PresenceAnswer, PresenceFrame};
use crate::error::Error;
use crate::protocol::member_view::MemberView;

/// What this client says is sent at most so often.
const PACE: Duration = Duration::from_millis(50);
/// When the list is asked for again after it failed.
const AGAIN: Duration = Duration::from_secs(1);
/// So many changes wait for one who watches. One who is slower reads the list again.
const MOST: usize = 1024;

/// What changed for one who watches.
#[derive(Clone)]
pub(in crate::client) enum Change {
    Listed,
    Joined(Arc<MemberView>),
    Updated(Arc<MemberView>),
    Left(Arc<MemberView>),
    Counted(usize),
    Stale,
}

/// What a presence wants to be done.
pub(super) enum Effect {
    /// Ask for the list.
    Ask,
    /// Nobody looks any more.
    Off,
    /// Say this about this client; `None` takes it back.
    Say(Option<String>),
    Report(Error),
}

#[derive(Default)]
pub(in crate::client) struct Presence {
    joined: bool,
    /// What waits for each one who watches, by a number of its own.
    watchers: BTreeMap<u64, VecDeque<Change>>,
    /// By key. Who did not change keeps the same `Arc`.
    people: BTreeMap<Box<str>, Arc<MemberView>>,
    me: Option<Box<str>>,
    count: usize,
    /// The list is as the server said it, or its differences are on their way.
    fresh: bool,
    number: Option<u64>,
    early: Option<Vec<PresenceFrame>>,
    /// Why there is no list: the server refused it.
    refused: Option<Error>,
    again_at: Option<Instant>,
    /// JSON.
    mine: Option<String>,
    said_at: Option<Instant>,
    say_at: Option<Instant>,
    effects: Vec<Effect>,
}

impl Presence {
    /// Of a room that this connection is in, or not yet.
    pub(super) fn new(joined: bool) -> Self {
        Self { joined, ..Self::default() }
    }

    /// What is to be done, in this order.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    // ---------------------------------------------------------------------------- those who watch

    pub(super) fn watch(&mut self, watcher: u64) {
        let mut waiting = VecDeque::new();
        if self.fresh {
            waiting.push_back(Change::Listed);
        }
        self.watchers.insert(watcher, waiting);
        if self.number.is_none() && self.early.is_none() {
            self.ask();
        }
    }

    pub(super) fn unwatch(&mut self, watcher: u64) {
        self.watchers.remove(&watcher);
        if !self.watchers.is_empty() {
            return;
        }
        self.forget();
        if self.joined {
            self.effects.push(Effect::Off);
        }
    }

    pub(super) fn next(&mut self, watcher: u64) -> Option<Change> {
        self.watchers.get_mut(&watcher)?.pop_front()
    }

    pub(super) fn has_changes(&self) -> bool {
        self.watchers.values().any(|waiting| !waiting.is_empty())
    }

    pub(in crate::client) fn members(&self) -> impl Iterator<Item = &Arc<MemberView>> {
        self.people.values()
    }

    pub(in crate::client) fn me(&self) -> Option<&str> {
        self.me.as_deref()
    }

    pub(in crate::client) fn count(&self) -> usize {
        self.count
    }

    pub(in crate::client) fn is_stale(&self) -> bool {
        !self.fresh
    }

    pub(in crate::client) fn refused(&self) -> Option<Error> {
        self.refused.as_ref().map(failure::copy)
    }

    // --------------------------------------------------------------------- what this client says

    /// The newest counts: what comes within 50 ms of the last is sent after them.
    pub(super) fn say(&mut self, state: Option<String>) {
        self.mine = state;
        let now = Instant::now();
        match self.said_at.map(|at| at + PACE) {
            Some(due) if due > now => self.say_at = Some(due),
            _ => self.say_now(now),
        }
    }

    fn say_now(&mut self, now: Instant) {
        self.said_at = Some(now);
        self.say_at = None;
        if self.joined {
            self.effects.push(Effect::Say(self.mine.clone()));
        }
    }

    // ----------------------------------------------------------------------------------- time

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.say_at, self.again_at].into_iter().flatten().min()
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if self.say_at.is_some_and(|at| at <= now) {
            self.say_now(now);
        }
        if self.again_at.is_some_and(|at| at <= now) {
            self.ask();
        }
    }

    // -------------------------------------------------------------------- what the server says

    /// `$room`: both the watching and what this client said end with the membership.
    pub(super) fn joined_or_left(&mut self, joined: bool) {
        if !joined {
            return self.down();
        }
        self.joined = true;
        if self.mine.is_some() {
            self.say_now(Instant::now());
        }
        self.ask();
    }

    /// The connection is lost. The list stays: only the server says who left.
    pub(super) fn down(&mut self) {
        self.joined = false;
        self.say_at = None;
        let was_fresh = self.fresh;
        self.forget();
        if was_fresh {
            self.announce(&Change::Stale);
        }
    }

    /// `$presence`.
    pub(super) fn difference(&mut self, frame: PresenceFrame) {
        match (self.number, &mut self.early) {
            (None, Some(early)) => early.push(frame),
            (Some(number), _) if frame.n > number + 1 => self.ask(),
            (Some(number), _) if frame.n > number => {
                self.number = Some(frame.n);
                self.replace(frame.set, frame.gone, frame.count, true);
            }
            _ => {}
        }
    }

    /// The list, or why there is none.
    pub(super) fn answered(&mut self, answer: Result<PresenceAnswer, Error>) {
        let Some(early) = self.early.take() else { return };
        match answer {
            Ok(PresenceAnswer { n, me, members, count }) => {
                // With the first list nobody joins: they were here before.
                let is_first = self.me.is_none() && self.people.is_empty();
                self.me = me;
                self.number = Some(n);
                let here: BTreeSet<&str> = members.iter().map(|member| &*member.key).collect();
                let gone = self.people.keys().filter(|key| !here.contains(&***key)).cloned();
                let gone = gone.collect();
                self.replace(members, gone, count, !is_first);
                if !self.fresh {
                    self.fresh = true;
                    self.announce(&Change::Listed);
                }
                for frame in early {
                    self.difference(frame);
                }
            }
            Err(error) if is_retryable(&error) => self.again_at = Some(Instant::now() + AGAIN),
            Err(error) => {
                self.refused = Some(failure::copy(&error));
                self.effects.push(Effect::Report(error));
            }
        }
    }

    // ----------------------------------------------------------------------------------- inside

    /// Asks for the list. Only members may, so it waits for `$room`.
    fn ask(&mut self) {
        self.again_at = None;
        if self.watchers.is_empty() || !self.joined {
            return;
        }
        self.early = Some(Vec::new());
        self.number = None;
        self.refused = None;
        self.effects.push(Effect::Ask);
    }

    fn forget(&mut self) {
        self.fresh = false;
        self.early = None;
        self.number = None;
        self.again_at = None;
        self.refused = None;
    }

    fn replace(&mut self, set: Vec<MemberView>, gone: Vec<Box<str>>, count: usize, is_news: bool) {
        let mut changes = Vec::new();
        for key in gone {
            changes.extend(self.people.remove(&key).map(Change::Left));
        }
        for member in set {
            let before = self.people.get(&member.key);
            if before.is_some_and(|before| before.is_same(&member)) {
                continue;
            }
            let is_new = before.is_none();
            let member = Arc::new(member);
            self.people.insert(member.key.clone(), member.clone());
            changes.push(if is_new { Change::Joined(member) } else { Change::Updated(member) });
        }
        if changes.is_empty() && count != self.count {
            changes.push(Change::Counted(count));
        }
        self.count = count;
        if is_news {
            for change in &changes {
                self.announce(change);
            }
        }
    }

    fn announce(&mut self, change: &Change) {
        for waiting in self.watchers.values_mut() {
            if waiting.len() < MOST {
                waiting.push_back(change.clone());
            } else {
                waiting.clear();
                waiting.push_back(Change::Listed);
            }
        }
    }
}
