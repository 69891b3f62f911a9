//! The task that sends changes: all of them to watchers, and those of this process to the others.
//!
//! It sleeps until a change is noted or work is due. Only this task publishes, so that
//! its messages arrive in the order of their numbers.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::peers::BEAT;
use super::state::Presence;
use crate::broker::{Channel, Publication, Scope, Sink};
use crate::error::Result;
use crate::meters::PresenceMeters;
use crate::outbound::Frame;
use crate::platform;
use crate::protocol::presence::{
    Node, Page, PresenceMessage, What, difference, read_message, write_message,
};
use crate::rooms::hub::Hub;
use crate::sync::Notify;

/// Milliseconds between two messages with changes to other processes.
const FLUSH: u64 = 100;
/// Milliseconds between two checks of the other processes' leases.
const CHECK: u64 = 500;
/// Connections in one message.
const BATCH: usize = 200;
/// How long to wait for the other processes' first answers.
const SETTLE: Duration = Duration::from_millis(250);

/// Where messages of other processes arrive.
struct PeerSink(Weak<Hub>);

impl Sink for PeerSink {
    fn deliver(&self, message: &Publication<'_>) {
        let Some(hub) = self.0.upgrade() else { return };
        let Some(message) = read_message(message.json()) else {
            return tracing::error!(
                "a message of another process about its members cannot be read"
            );
        };
        hub.hear(message);
    }

    fn gap(&self, _: Channel<'_>, _: Option<u64>) {
        let Some(hub) = self.0.upgrade() else { return };
        let Some(presence) = hub.presence() else { return };
        let mut state = presence.state.lock();
        let effects = state.peers.lost(hub.node().millis());
        state.carry_out(effects);
        state.out.hello = true;
        presence.wake.notify_one();
    }
}

/// A message for all other processes, or for one.
struct Letter {
    to: Option<u64>,
    message: PresenceMessage,
}

impl Hub {
    /// Subscribes to the other processes, and starts the driver.
    ///
    /// Fails when the broker cannot subscribe; the next call tries again.
    pub(crate) async fn start_presence(&self) -> Result {
        let Some(presence) = self.presence() else { return Ok(()) };
        let Some(hub) = self.this() else { return Ok(()) };
        // No connection is in a room yet, and the broker is not chosen yet.
        if !self.node().is_configured() {
            return Ok(());
        }
        let start = || async {
            let broker = self.node().broker();
            if broker.is_shared() {
                let sink: Arc<dyn Sink> = Arc::new(PeerSink(Arc::downgrade(&hub)));
                let name = self.presence_channel();
                let channel = |scope| Channel { procedure: &name, scope };
                broker.subscribe(channel(Scope::Node(self.node().id)), sink.clone()).await?;
                broker.subscribe(channel(Scope::All), sink).await?;
                let mut state = presence.state.lock();
                (state.out.shared, state.out.hello) = (true, true);
            }
            platform::spawn(drive(Arc::downgrade(&hub), presence.wake.clone()));
            presence.wake.notify_one();
            Ok(())
        };
        presence.started.get_or_try_init(start).await.map(|&()| ())
    }

    /// As [`start`](Self::start), then waits for the other processes' first answers.
    pub(super) async fn settle_presence(&self) -> Result {
        self.start_presence().await?;
        if let Some(presence) = self.presence().filter(|_| self.node().broker().is_shared()) {
            let wait = || async {
                platform::sleep(SETTLE).await;
                Ok::<(), crate::error::Error>(())
            };
            presence.settled.get_or_try_init(wait).await?;
        }
        Ok(())
    }

    /// Announces that this process ends, and with it its connections.
    pub(crate) async fn end_presence(&self) {
        let Some(presence) = self.presence() else { return };
        let n = {
            let state = presence.state.lock();
            if !state.out.shared {
                return;
            }
            state.out.n
        };
        let bye = Letter { to: None, message: self.presence_message(n, What::Bye) };
        // Without this message they notice it a little later.
        let _ = platform::timeout(SETTLE, self.send(&bye)).await;
    }

    fn presence_channel(&self) -> String {
        format!("{}/$presence", self.procedure())
    }

    fn presence_message(&self, n: u64, what: What) -> PresenceMessage {
        PresenceMessage { node: Node(self.node().id), n, what }
    }

    fn send(&self, letter: &Letter) -> crate::broker::Publish {
        let scope = letter.to.map_or(Scope::All, Scope::Node);
        let (mut json, mut scratch) = (Vec::new(), Vec::new());
        write_message(&letter.message, &mut json);
        let name = self.presence_channel();
        let message = Publication::new(Channel { procedure: &name, scope }, &json, &mut scratch);
        self.node().broker().publish(&[message], &PeerSink(self.weak()))
    }

    fn hear(&self, message: PresenceMessage) {
        let Some(presence) = self.presence() else { return };
        let now = self.node().millis();
        let mut state = presence.state.lock();
        if message.node.0 == self.node().id {
            return state.peers.heard_myself(now);
        }
        let effects = state.peers.heard(message, now);
        state.carry_out(effects);
        presence.wake.notify_one();
    }

    /// Does the work that is due. Returns in how many milliseconds work is due again.
    fn presence_turn(&self, presence: &Presence) -> Option<u64> {
        let now = self.node().millis();
        let meters = presence.meters.get_or_init(|| PresenceMeters::new(self.procedure()));
        let mut state = presence.state.lock();
        for node in state.peers.expired(now) {
            meters.expired.increment(1);
            tracing::info!(
                procedure = self.procedure(),
                node = String::from(Node(node)),
                "a process is silent: its members leave"
            );
            state.model.forget_node(node);
        }
        meters.report(state.model.members(), state.peers.known());
        let (differences, mut next) = state.model.differences(now);
        for change in differences {
            let out = difference(&change.room, change.n, &change.set, &change.gone, change.count);
            let frame = Frame::new(out);
            meters.differences.increment(change.watchers.len() as u64);
            for watcher in &change.watchers {
                self.push(watcher, &frame);
            }
        }
        meters.asked.increment(state.out.asks.len() as u64);
        let mut letters = Vec::new();
        if state.out.shared {
            self.write_letters(&mut state, now, &mut letters);
            let mut due = state.out.beat;
            if !state.peers.is_empty() {
                due = due.min(now + CHECK);
            }
            if !state.out.changed.is_empty() {
                due = due.min(state.out.flush);
            }
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        drop(state);
        for letter in &letters {
            let sent = self.send(letter);
            platform::spawn(async move {
                // The receiver notices a missing number and asks for all connections.
                if let Err(error) = sent.await {
                    tracing::debug!(code = error.code(), "other processes do not hear of members");
                }
            });
        }
        next.map(|next| next.saturating_sub(now))
    }

    fn write_letters(&self, state: &mut super::state::State, now: u64, letters: &mut Vec<Letter>) {
        let node = self.node().id;
        if std::mem::take(&mut state.out.hello) {
            letters.push(Letter {
                to: None,
                message: self.presence_message(state.out.n, What::Hello),
            });
            state.out.beat = now + BEAT;
        }
        if now >= state.out.beat {
            letters
                .push(Letter { to: None, message: self.presence_message(state.out.n, What::Beat) });
            state.out.beat = now + BEAT;
        }
        for asked in std::mem::take(&mut state.out.asks) {
            letters.push(Letter {
                to: Some(asked),
                message: self.presence_message(state.out.n, What::Ask),
            });
        }
        let answers = std::mem::take(&mut state.out.answers);
        if !answers.is_empty() {
            let entries = state.model.entries_of(node);
            let of = u32::try_from(entries.len().div_ceil(BATCH).max(1)).unwrap_or(u32::MAX);
            for to in answers {
                for number in 0..of {
                    let set = entries.iter().skip(number as usize * BATCH).take(BATCH);
                    let page = Page { number, of, set: set.cloned().collect() };
                    let message = self.presence_message(state.out.n, What::All(page));
                    letters.push(Letter { to: Some(to), message });
                }
            }
        }
        if now >= state.out.flush {
            while let Some(changes) = state.take_changes(node, BATCH) {
                state.out.n += 1;
                state.out.flush = now + FLUSH;
                letters.push(Letter {
                    to: None,
                    message: self.presence_message(state.out.n, What::Changes(changes)),
                });
            }
        }
    }
}

/// Runs until the hub is gone.
async fn drive(hub: Weak<Hub>, wake: Arc<Notify>) {
    loop {
        let due = {
            let Some(hub) = hub.upgrade() else { return };
            let Some(presence) = hub.presence() else { return };
            hub.presence_turn(presence)
        };
        match due {
            Some(due) => {
                let due = Duration::from_millis(due.max(1));
                let _ = platform::timeout(due, wake.notified()).await;
            }
            None => wake.notified().await,
        }
    }
}
