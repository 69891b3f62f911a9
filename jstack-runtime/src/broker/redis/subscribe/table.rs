//! The table of subscriptions, as the rest of the broker uses it.
//!
//! The state is in `subscriptions.rs`; here are the futures that wait for it and the task that ends
//! what nobody wants any more. Lock order: the table, then an entry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::entry::{Entry, Subscriber, is_same};
use super::subscriptions::{Added, Subscriptions};
use crate::broker::redis::failure::unavailable;
use crate::broker::redis::route::Route;
use crate::broker::redis::timer::sleep_until_opt;
use crate::broker::{Channel, Sink, Subscribe};

/// Every channel that somebody wants, or wanted a moment ago.
pub(crate) struct Table {
    subscriptions: Mutex<Subscriptions>,
    /// Notified when something may have to be ended earlier than announced.
    idled: Notify,
    /// Notified when Redis ended what it was not asked to end.
    pub(crate) ended_unasked: Notify,
    /// How long a channel that nobody wants is kept.
    linger: Duration,
    /// How long a join may take.
    deadline: Duration,
}

impl Table {
    pub(crate) fn new(route: Route, linger: Duration, deadline: Duration) -> Arc<Self> {
        Arc::new(Self {
            subscriptions: Mutex::new(Subscriptions::new(route)),
            idled: Notify::new(),
            ended_unasked: Notify::new(),
            linger,
            deadline,
        })
    }

    /// The state. Entries' locks are taken after this one.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Subscriptions> {
        self.subscriptions.lock()
    }

    /// Subscribes `sink` to a channel. Dropping the future takes that back.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        name: String,
        channel: Channel<'_>,
        sink: Arc<dyn Sink>,
    ) -> Subscribe {
        let added = self.lock().add(name, channel, sink);
        let (entry, call, live) = match added {
            Added::Live => return Box::pin(std::future::ready(Ok(()))),
            Added::Down(why) => return Box::pin(std::future::ready(Err(unavailable(&why)))),
            Added::Pending { entry, call, live } => (entry, call, live),
        };
        let pending = PendingJoin { table: self.clone(), entry, call, live: false };
        let deadline = self.deadline;
        Box::pin(async move {
            // The whole of it moves in here, not one field.
            let mut pending = pending;
            let outcome = match tokio::time::timeout(deadline, live).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(unavailable("the broker was shut down")),
                Err(_) => Err(unavailable("no subscription within the deadline")),
            };
            pending.live = outcome.is_ok();
            outcome
        })
    }

    /// Ends the subscription of `sink`.
    pub(crate) fn unsubscribe(&self, name: &str, sink: &dyn Sink) {
        if let Some(entry) = self.find(name.as_bytes()) {
            self.leave(&entry, |subscriber| is_same(&*subscriber.sink, sink));
        }
    }

    fn leave(&self, entry: &Arc<Entry>, leaves: impl Fn(&Subscriber) -> bool) {
        if self.lock().leave(entry, leaves, self.linger) {
            self.idled.notify_one();
        }
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<Arc<Entry>> {
        self.lock().find(name)
    }

    /// The trouble of a listening connection, if one has any.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.lock().trouble()
    }

    /// Redis has confirmed a subscription.
    pub(crate) fn begun(&self, name: &[u8], connection: u64) {
        let missed = self.lock().begun(name, connection);
        if let Some((entry, subscribers)) = missed {
            entry.report_gap(&subscribers, None);
        }
    }

    /// Redis does not send a channel any more.
    pub(crate) fn ended(&self, name: &[u8], connection: u64) {
        if self.lock().ended(name, connection) {
            self.ended_unasked.notify_one();
        }
    }

    /// Marks what nobody has wanted for long enough. Never returns.
    pub(crate) async fn sweep(self: Arc<Self>) {
        loop {
            let due = self.lock().mark_idle(Instant::now());
            tokio::select! {
                () = self.idled.notified() => {}
                () = sleep_until_opt(due) => {}
            }
        }
    }
}

/// A join that waits for Redis; its caller may drop it at any moment.
struct PendingJoin {
    table: Arc<Table>,
    entry: Arc<Entry>,
    call: u64,
    live: bool,
}

impl Drop for PendingJoin {
    fn drop(&mut self) {
        if !self.live {
            let call = self.call;
            self.table.leave(&self.entry, |subscriber| subscriber.call == call);
        }
    }
}
