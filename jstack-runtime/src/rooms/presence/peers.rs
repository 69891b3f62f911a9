//! The other processes, as far as this one has heard of them. No clock, task or I/O.
//!
//! Each process numbers its changes. A process that receives number 9 after 7 asks the other one
//! for all its connections. Changes that arrive meanwhile wait:
//!
//! ```text
//!             hello, beat or change of a stranger                  all pages
//!   unknown ─────────────────────────────────────▶ asked (early) ───────────▶ known (n)
//!      ▲                                              ▲                           │
//!      └──────── bye, or silent for LEASE ◀───────────┴───── a number is missing ─┘
//! ```
//!
//! A process is silent only while this one is heard itself: its own beats come back to it through
//! the broker. So while the broker is unreachable, or this process was paused, no process is
//! considered dead. Afterwards each has a whole lease to be heard again.

use crate::platform::HashMap;
use crate::protocol::presence::{Changes, Entry, Page, PresenceMessage, What};

/// Milliseconds between two beats.
pub(super) const BEAT: u64 = 5_000;
/// Milliseconds of silence after which a process is dead.
pub(super) const LEASE: u64 = 15_000;
/// If own beats come back further apart, messages were probably missed.
const HOLE: u64 = BEAT + 2_000;
/// Milliseconds after which a question without an answer is repeated.
const PATIENCE: u64 = 4_000;
/// The most changes that wait for an answer. Beyond it, all connections are asked for again.
const EARLY: usize = 256;

/// The other processes.
#[derive(Default)]
pub(super) struct Peers {
    nodes: HashMap<u64, Peer>,
    /// When an own beat last came back, and since when none is missing.
    heard: Option<u64>,
    since: u64,
}

#[derive(Default)]
struct Peer {
    /// The number of the last change that is applied; `None` before all its connections are known.
    n: Option<u64>,
    /// When it was last heard.
    heard: u64,
    /// When it was last asked.
    asked: Option<u64>,
    early: Vec<(u64, Changes)>,
    pages: Vec<Option<Vec<Entry>>>,
    /// The number to which the pages belong.
    pages_of: u64,
}

/// The reaction to a message.
#[derive(Debug)]
pub(super) enum Effect {
    /// Apply changes of a process.
    Apply(u64, Changes),
    /// Replace all connections of a process.
    Replace(u64, Vec<Entry>),
    /// Ask a process for its connections.
    Ask(u64),
    /// Send the connections of this process to another one.
    Answer(u64),
    /// Remove a process and its connections.
    Forget(u64),
}

impl Peers {
    /// Notes that an own message came back.
    pub(super) fn heard_myself(&mut self, now: u64) {
        if self.heard.is_none_or(|heard| now.saturating_sub(heard) > HOLE) {
            self.since = now;
        }
        self.heard = Some(now);
    }

    /// Takes a message of another process.
    pub(super) fn heard(&mut self, message: PresenceMessage, now: u64) -> Vec<Effect> {
        let node = message.node.0;
        if matches!(message.what, What::Bye) {
            self.nodes.remove(&node);
            return vec![Effect::Forget(node)];
        }
        let mut effects = Vec::new();
        let peer = self.nodes.entry(node).or_default();
        peer.heard = now;
        match message.what {
            What::Ask => effects.push(Effect::Answer(node)),
            What::Hello => {
                effects.push(Effect::Answer(node));
                peer.expect(message.n);
            }
            What::Beat => peer.expect(message.n),
            What::Changes(changes) => peer.change(node, message.n, changes, &mut effects),
            What::All(page) => peer.page(node, message.n, page, &mut effects),
            What::Bye => {}
        }
        if peer.n.is_none() && peer.asked.is_none_or(|asked| now.saturating_sub(asked) > PATIENCE) {
            peer.asked = Some(now);
            effects.push(Effect::Ask(node));
        }
        effects
    }

    /// Asks every process again, because messages may be missing.
    pub(super) fn lost(&mut self, now: u64) -> Vec<Effect> {
        let ask = |(node, peer): (&u64, &mut Peer)| {
            peer.forget_number();
            peer.asked = Some(now);
            Effect::Ask(*node)
        };
        self.nodes.iter_mut().map(ask).collect()
    }

    /// The processes whose leases are over.
    pub(super) fn expired(&mut self, now: u64) -> Vec<u64> {
        if self.heard.is_none_or(|heard| now.saturating_sub(heard) > HOLE) {
            return Vec::new();
        }
        let is_over = |peer: &Peer| now >= peer.heard.max(self.since) + LEASE;
        let over: Vec<_> =
            self.nodes.iter().filter(|(_, peer)| is_over(peer)).map(|(node, _)| *node).collect();
        for node in &over {
            self.nodes.remove(node);
        }
        over
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The number of processes whose connections are known.
    pub(super) fn known(&self) -> usize {
        self.nodes.values().filter(|peer| peer.n.is_some()).count()
    }
}

impl Peer {
    /// Its last change has the number `n`.
    fn expect(&mut self, n: u64) {
        if self.n.is_some_and(|known| known < n) {
            self.forget_number();
        }
    }

    fn forget_number(&mut self) {
        self.n = None;
        self.asked = None;
        self.early.clear();
    }

    fn change(&mut self, node: u64, n: u64, changes: Changes, effects: &mut Vec<Effect>) {
        match self.n {
            Some(known) if n <= known => {}
            Some(known) if n == known + 1 => {
                self.n = Some(n);
                effects.push(Effect::Apply(node, changes));
            }
            _ => {
                if self.n.is_some() {
                    self.forget_number();
                }
                if self.early.len() == EARLY {
                    self.early.clear();
                }
                self.early.push((n, changes));
            }
        }
    }

    fn page(&mut self, node: u64, n: u64, page: Page, effects: &mut Vec<Effect>) {
        let (at, of) = (page.number as usize, page.of as usize);
        if self.n.is_some_and(|known| n < known) || at >= of {
            return;
        }
        if self.pages_of != n || self.pages.len() != of {
            (self.pages, self.pages_of) = ((0..of).map(|_| None).collect(), n);
        }
        if let Some(slot) = self.pages.get_mut(at) {
            *slot = Some(page.set);
        }
        if self.pages.iter().any(Option::is_none) {
            return;
        }
        let entries = std::mem::take(&mut self.pages).into_iter().flatten().flatten().collect();
        effects.push(Effect::Replace(node, entries));
        (self.n, self.asked) = (Some(n), None);
        for (n, changes) in std::mem::take(&mut self.early) {
            self.change(node, n, changes, effects);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::presence::Node;

    fn message(n: u64, what: What) -> PresenceMessage {
        PresenceMessage { node: Node(7), n, what }
    }

    fn all(n: u64, number: u32, of: u32) -> PresenceMessage {
        message(n, What::All(Page { number, of, set: Vec::new() }))
    }

    fn change(n: u64) -> PresenceMessage {
        message(n, What::Changes(Changes::default()))
    }

    fn names(effects: &[Effect]) -> Vec<&'static str> {
        let name = |effect: &Effect| match effect {
            Effect::Apply(..) => "apply",
            Effect::Replace(..) => "replace",
            Effect::Ask(_) => "ask",
            Effect::Answer(_) => "answer",
            Effect::Forget(_) => "forget",
        };
        effects.iter().map(name).collect()
    }

    #[test]
    fn a_stranger_is_asked_once_and_what_comes_early_waits_for_its_answer() {
        let mut peers = Peers::default();
        assert_eq!(names(&peers.heard(change(4), 0)), ["ask"]);
        assert!(peers.heard(change(5), 1).is_empty());
        assert!(peers.heard(all(3, 1, 2), 2).is_empty());
        assert_eq!(names(&peers.heard(all(3, 0, 2), 3)), ["replace", "apply", "apply"]);
        assert_eq!(names(&peers.heard(change(6), 4)), ["apply"]);
        assert!(peers.heard(change(6), 5).is_empty(), "a repeat");
    }

    #[test]
    fn a_missing_number_asks_again_also_when_a_beat_shows_it() {
        let mut peers = Peers::default();
        peers.heard(message(0, What::Hello), 0);
        peers.heard(all(0, 0, 1), 0);
        assert_eq!(names(&peers.heard(change(2), 1)), ["ask"]);
        assert_eq!(names(&peers.heard(all(1, 0, 1), 2)), ["replace", "apply"]);
        assert!(peers.heard(message(2, What::Beat), 3).is_empty());
        assert_eq!(names(&peers.heard(message(3, What::Beat), 4)), ["ask"]);
        // The answer is lost as well.
        assert!(peers.heard(message(3, What::Beat), 5).is_empty());
        assert_eq!(names(&peers.heard(message(3, What::Beat), 5 + PATIENCE)), ["ask"]);
    }

    #[test]
    fn a_process_is_dead_after_a_lease_of_silence_and_comes_back_with_all_it_has() {
        let mut peers = Peers::default();
        peers.heard(message(0, What::Hello), 0);
        for beat in 0..=3 {
            peers.heard_myself(beat * BEAT);
        }
        assert!(peers.expired(LEASE - 1).is_empty());
        assert_eq!(peers.expired(LEASE), [7]);
        assert!(peers.expired(LEASE).is_empty(), "once");
        assert_eq!(names(&peers.heard(message(9, What::Beat), LEASE + 1)), ["ask"]);
    }

    #[test]
    fn nobody_is_dead_while_the_broker_is_away_and_for_a_lease_after() {
        let mut peers = Peers::default();
        peers.heard(message(0, What::Hello), 0);
        peers.heard_myself(0);
        assert!(peers.expired(LEASE * 3).is_empty(), "not heard myself");
        let back = LEASE * 3;
        for beat in 0..=3 {
            peers.heard_myself(back + beat * BEAT);
            if beat < 3 {
                assert!(peers.expired(back + beat * BEAT).is_empty());
            }
        }
        assert_eq!(peers.expired(back + LEASE), [7]);
    }
}
