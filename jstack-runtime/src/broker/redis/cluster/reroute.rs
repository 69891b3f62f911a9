//! Slots move: what is wanted, and what waits to be published, follows.

use std::collections::HashSet;
use std::sync::Arc;

use crate::broker::redis::entry::{Entry, Phase};
use crate::broker::redis::load::Load;
use crate::broker::redis::outbox::{Outbox, Queue, fail};
use crate::broker::redis::route::{Route, SLOTS};
use crate::broker::redis::table::{Shard, Table, unavailable};

/// Names of channels that are tried for one of a shard: it may have a single slot.
const TRIES: u32 = 1 << 20;

fn slots() -> impl Iterator<Item = u16> {
    (0..=u16::MAX).take(SLOTS)
}

impl Table {
    /// There are so many shards by now.
    pub(super) fn grow(&self, shards: usize) {
        let mut inner = self.inner.lock();
        while inner.shards.len() < shards {
            inner.shards.push(Shard::default());
        }
    }

    /// Follows a new route; what waits for one is asked for.
    pub(super) fn reroute(&self, route: &Route) {
        let mut inner = self.inner.lock();
        let was = std::mem::replace(&mut inner.route, route.clone());
        let marked: Vec<_> = inner.shards.iter_mut().flat_map(|s| s.marked.drain(..)).collect();
        for entry in marked {
            let mut state = entry.state.lock();
            state.queued = false;
            inner.mark(&entry, &mut state);
        }
        let entries: Vec<_> = inner.entries.iter().map(|entry| entry.0.clone()).collect();
        for entry in entries {
            let mut state = entry.state.lock();
            let (from, to) = (was.shard(entry.slot), route.shard(entry.slot));
            if from == to && state.phase != Phase::Off {
                continue;
            }
            if from != to && state.phase != Phase::Off {
                // Usually it has ended there by itself, or the server is gone.
                inner.shards[from].strays.push(entry.clone());
                inner.shards[from].changed.notify_one();
                state.is_off();
                state.asked = 0;
            }
            inner.mark(&entry, &mut state);
            if let Some(why) = &inner.shards[to].down {
                state.answer(|| Err(unavailable(why)));
            }
        }
        let carrying: HashSet<_> = slots().map(|slot| route.shard(slot)).collect();
        for (shard, at) in inner.shards.iter_mut().enumerate() {
            if !carrying.contains(&shard) {
                (at.down, at.trouble) = (None, None);
                at.changed.notify_one();
            }
        }
    }

    /// Asked on this connection, and to be asked again when the route was looked at.
    pub(super) fn put_off(entry: &Arc<Entry>, connection: u64) {
        let mut state = entry.state.lock();
        if state.phase == Phase::Asked && state.asked == connection {
            state.phase = Phase::Off;
        }
    }

    /// Asked on this connection, and to be asked again at once.
    pub(super) fn ask_again(&self, entry: &Arc<Entry>, connection: u64) {
        let mut inner = self.inner.lock();
        let mut state = entry.state.lock();
        if state.phase == Phase::Asked && state.asked == connection {
            state.phase = Phase::Off;
            inner.mark(entry, &mut state);
        }
    }
}

impl Outbox {
    /// There are so many shards by now.
    pub(super) fn grow(&self, shards: usize) {
        let mut inner = self.inner.lock();
        while inner.queues.len() < shards {
            inner.queues.push(Queue::default());
        }
    }

    /// Follows a new route. What waits goes to where its slot is now, behind what may still be
    /// on its way to where it was.
    pub(super) fn reroute(&self, route: &Route) {
        let mut failed = Vec::new();
        {
            let mut inner = self.inner.lock();
            let was = std::mem::replace(&mut inner.route, route.clone());
            let moves: HashSet<_> = slots()
                .map(|slot| (was.shard(slot), route.shard(slot)))
                .filter(|(from, to)| from != to)
                .collect();
            for &(from, to) in &moves {
                let mut after = inner.queues[from].after.clone();
                if inner.queues[from].is_flying() {
                    after.push((from, inner.queues[from].launched));
                }
                inner.queues[to].after.extend(after);
            }
            let leaving: HashSet<_> = moves.iter().map(|(from, _)| *from).collect();
            for from in leaving {
                let mut loads: Vec<Load> = Vec::new();
                loads.resize_with(inner.queues.len(), Load::default);
                std::mem::take(&mut inner.queues[from].waiting).each(|channel, payload, parcel| {
                    loads[route.shard(route.slot(channel))].push(channel, payload, parcel);
                });
                for (queue, load) in inner.queues.iter_mut().zip(loads) {
                    if !load.is_empty() {
                        queue.waiting = Load::merge(std::mem::take(&mut queue.waiting), load);
                        queue.wanted = true;
                    }
                }
            }
            let carrying: HashSet<_> = slots().map(|slot| route.shard(slot)).collect();
            for (shard, queue) in inner.queues.iter_mut().enumerate() {
                if !carrying.contains(&shard) {
                    queue.wanted = false;
                    (queue.down, queue.trouble) = (None, None);
                } else if queue.probe.is_empty()
                    || route.shard(route.slot(queue.probe.as_bytes())) != shard
                {
                    queue.probe = self.probe_in(route, shard);
                }
                queue.paused = None;
                if let Some(why) = &queue.down {
                    let waiting = std::mem::take(&mut queue.waiting);
                    failed.push((waiting, why.clone()));
                }
                queue.filled.notify_one();
            }
        }
        for (waiting, why) in failed {
            fail(waiting.into_parcels(), &why);
        }
    }

    /// The first channel for our own signs of life that the shard carries.
    fn probe_in(&self, route: &Route, shard: usize) -> String {
        let on = self.probes_on();
        let names = (0..TRIES).map(|n| format!("{on}:{n}"));
        let mut of_shard = names.filter(|name| route.shard(route.slot(name.as_bytes())) == shard);
        of_shard.next().unwrap_or(on)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use parking_lot::Mutex;

    use super::*;
    use crate::broker::redis::outbox::Take;
    use crate::broker::{Channel, Message, Scope, Sink};

    const ROOM: Channel<'static> = Channel { procedure: "post/chat", scope: Scope::Room("r") };
    const NAME: &str = "jstack:post/chat:room:r";
    const SECOND: Duration = Duration::from_secs(1);

    /// All slots are one shard's.
    fn all(shard: u16) -> Route {
        Route::Slots(Arc::from(vec![shard; SLOTS]))
    }

    /// The gaps that were told of.
    #[derive(Default)]
    struct Gaps(Mutex<usize>);

    impl Sink for Gaps {
        fn deliver(&self, _: &Message<'_>) {}

        fn gap(&self, _: Channel<'_>, _: Option<u64>) {
            *self.0.lock() += 1;
        }
    }

    fn publish(outbox: &Outbox, text: &str) {
        let mut scratch = Vec::new();
        let message = Message::new(ROOM, text.as_bytes(), &mut scratch);
        drop(outbox.publish(&[message], "jstack", 1));
    }

    /// What may be sent to the server of the shard.
    fn take(outbox: &Outbox, shard: usize) -> Load {
        match outbox.take(shard, 0, &mut Load::default()) {
            Take::Load(load) => load,
            Take::Held(_) | Take::Nothing => Load::default(),
        }
    }

    fn texts(load: &Load) -> Vec<String> {
        load.messages().map(|(_, it)| String::from_utf8_lossy(&it[18..]).into_owned()).collect()
    }

    #[test]
    fn what_waits_follows_its_slot_behind_what_is_still_on_its_way() {
        let outbox = Outbox::new(Route::nowhere(), SECOND, "jstack::probe:1".to_owned());
        publish(&outbox, "1");
        outbox.grow(3);
        outbox.reroute(&all(1));
        publish(&outbox, "2");
        let flying = take(&outbox, 1);
        assert_eq!(texts(&flying), ["1", "2"]);
        publish(&outbox, "3");

        outbox.reroute(&all(2));
        publish(&outbox, "4");
        assert!(
            take(&outbox, 1).is_empty() && take(&outbox, 2).is_empty(),
            "1 and 2 may come back"
        );
        assert!(!outbox.is_wanted(1) && outbox.is_wanted(2));
        outbox.again(1, flying);
        assert!(take(&outbox, 2).is_empty(), "the flight has not come to an end");
        outbox.landed(1, 1);
        assert_eq!(texts(&take(&outbox, 2)), ["1", "2", "3", "4"]);
    }

    #[test]
    fn a_server_that_does_not_take_what_is_its_own_is_left_alone_until_the_route_changes() {
        let outbox = Outbox::new(Route::nowhere(), SECOND, "jstack::probe:1".to_owned());
        outbox.grow(3);
        outbox.reroute(&all(1));
        publish(&outbox, "1");
        let flying = take(&outbox, 1);
        outbox.again(1, flying);
        outbox.landed(1, 1);
        assert!(take(&outbox, 1).is_empty());
        assert!(outbox.due(1).is_some_and(|due| due < Instant::now() + SECOND / 2));
        outbox.reroute(&all(2));
        assert_eq!(texts(&take(&outbox, 2)), ["1"]);
    }

    #[test]
    fn each_shard_has_a_channel_for_signs_of_life_of_its_own() {
        let outbox = Outbox::new(Route::nowhere(), SECOND, "jstack::probe:1".to_owned());
        outbox.grow(4);
        let mut slots = vec![1; SLOTS];
        slots[SLOTS / 2..].fill(2);
        // A server may carry one slot alone.
        slots[0] = 3;
        let route = Route::Slots(slots.into());
        outbox.reroute(&route);
        for shard in 1..4 {
            let name = outbox.probe_name(shard);
            assert!(name.starts_with("jstack::probe:1:"), "{name}");
            assert_eq!(route.shard(route.slot(name.as_bytes())), shard);
        }
    }

    #[test]
    fn a_channel_is_asked_for_where_its_slot_is_and_ended_where_it_was() {
        let table = Table::new(Route::nowhere(), SECOND, SECOND);
        let gaps = Arc::new(Gaps::default());
        let waiting = table.subscribe(NAME.to_owned(), ROOM, gaps.clone());
        table.grow(3);
        table.reroute(&all(1));
        let names =
            |entries: &[Arc<Entry>]| entries.iter().map(|e| e.name.to_string()).collect::<Vec<_>>();

        let old = table.connected(1);
        assert_eq!(names(&table.work(1, old).begin), [NAME]);
        table.begun(NAME.as_bytes(), old);
        drop(waiting);
        let _again = table.subscribe(NAME.to_owned(), ROOM, gaps.clone());
        assert_eq!(table.check(1), Some(1));

        table.reroute(&all(2));
        let new = table.connected(2);
        assert_eq!(names(&table.work(1, old).end), [NAME]);
        assert_eq!(names(&table.work(2, new).begin), [NAME]);
        table.begun(NAME.as_bytes(), old);
        assert_eq!(table.check(2), None, "what the old server says does not count");
        table.begun(NAME.as_bytes(), new);
        table.ended(NAME.as_bytes(), old);
        assert_eq!((table.check(2), *gaps.0.lock()), (Some(1), 1));
    }
}
