//! Signs of life: a silent client is pinged, and one that does not answer is given up.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::close_reason::{CloseReason, ClosedBy};
use crate::frame::{self, Opcode};
use crate::outbound::Frame;
use crate::protocol::frames;
use crate::rooms::Hub;

/// Looks after all connections of a procedure, until the procedure is gone: one task for all
/// instead of a timer for each.
pub(super) async fn watch(hub: Weak<Hub>, ping: Duration, pong: Duration) {
    let tick = (ping.min(pong) / 8).clamp(Duration::from_millis(5), Duration::from_secs(1));
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut positions = 0;
    loop {
        ticks.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        let now = hub.node().millis();
        if now >= positions + POSITIONS {
            positions = now;
            hub.tell_positions();
        }
        sweep(&hub, millis(ping), millis(pong));
    }
}

/// How often clients learn where their rooms stand, in milliseconds.
const POSITIONS: u64 = 40_000;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn sweep(hub: &Arc<Hub>, ping: u64, pong: u64) {
    let now = hub.node().millis();
    let (mut quiet, mut dead, mut silent, mut expired) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let meters = hub.node().meters();
    if meters.timed {
        hub.for_each(|member| {
            let waiting = member.out().waiting();
            if waiting > 0 {
                #[allow(clippy::cast_precision_loss, reason = "a size for a histogram")]
                meters.queue_bytes.record(waiting as f64);
            }
        });
    }
    hub.for_each(|member| {
        match member.life.verdict(now, ping, pong) {
            Verdict::Alive => {}
            Verdict::Quiet => quiet.push(member.clone()),
            Verdict::Dead => dead.push(member.clone()),
        }
        if member.profile.is_v1() && member.life.note_sent(member.out().appended(), now, ping) {
            silent.push(member.clone());
        }
        if member.life.has_expired(now) {
            expired.push(member.clone());
        }
    });
    for member in quiet {
        let frame = frame::control(Opcode::Ping, &[]);
        hub.push(&member, &Frame::new(&*frame));
    }
    // A page cannot see protocol pings. Both go out in one write.
    for member in silent {
        hub.push(&member, &Frame::new(frames::tick()));
    }
    for member in expired {
        let reason = CloseReason::fixed(ClosedBy::Server, 4401, "the credentials have expired");
        hub.close(&member, reason);
    }
    for member in dead {
        // No close frame: there is nobody to read it.
        member.end(CloseReason::fixed(ClosedBy::Lost, 1006, "no answer to a ping"));
        crate::outbound::Outbound::kill(member.out());
    }
}

/// What is to be done about one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Alive,
    /// To be asked for a sign of life.
    Quiet,
    /// It did not give one in time.
    Dead,
}

impl crate::rooms::Life {
    /// Judges by the last bytes that arrived and the last ping, in milliseconds.
    fn verdict(&self, now: u64, ping: u64, pong: u64) -> Verdict {
        if !self.listening.load(Ordering::Relaxed) {
            // Its handler is busy: whatever the client says waits unread.
            return Verdict::Alive;
        }
        let seen = self.seen.load(Ordering::Relaxed);
        let pinged = self.pinged.load(Ordering::Relaxed);
        if pinged > seen {
            return if now.saturating_sub(pinged) > pong { Verdict::Dead } else { Verdict::Alive };
        }
        if now.saturating_sub(seen) < ping {
            return Verdict::Alive;
        }
        self.pinged.store(now.max(seen + 1), Ordering::Relaxed);
        Verdict::Quiet
    }
}

/// How long after the end of its credentials a connection may still renew them, in milliseconds.
const RENEWAL: u64 = 25_000;

impl crate::rooms::Life {
    /// Notes how much was sent, and says whether nothing was for `ping` milliseconds. `sent` counts
    /// the frames sent so far.
    fn note_sent(&self, sent: u32, now: u64, ping: u64) -> bool {
        if self.sent.swap(sent, Ordering::Relaxed) != sent {
            self.quiet_since.store(now, Ordering::Relaxed);
            return false;
        }
        let since = self.quiet_since.load(Ordering::Relaxed);
        now.saturating_sub(since) >= ping
    }

    /// Whether the credentials ended and were not renewed in time.
    fn has_expired(&self, now: u64) -> bool {
        let expires = self.expires.load(Ordering::Relaxed);
        expires != 0 && now > expires.saturating_add(RENEWAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Life;

    #[test]
    fn silence_is_pinged_once_and_then_given_up() {
        let life = Life::default();
        life.listening.store(true, Ordering::Relaxed);
        life.seen.store(1000, Ordering::Relaxed);
        let mut verdicts =
            (1000..=40_000).step_by(1000).map(|now| life.verdict(now, 25_000, 10_000));
        let first = verdicts.by_ref().position(|v| v == Verdict::Quiet);
        assert_eq!(first, Some(25));
        assert_eq!(verdicts.position(|v| v != Verdict::Alive), Some(10));
    }

    /// A connection that says nothing after its handshake counts from there, however long the
    /// process has been running.
    #[tokio::test]
    async fn a_silent_connection_is_pinged_after_the_interval_and_given_up_after_the_timeout() {
        use crate::rooms::Node;

        let node = Node::new();
        tokio::time::sleep(Duration::from_millis(30)).await;
        let hub = Hub::new(Arc::new(node));
        let member =
            hub.enter(None, crate::protocol::profile::Profile::Base).await.expect("a member");
        member.life.listening.store(true, Ordering::Relaxed);
        let born = hub.node().millis();
        // Nothing was sent to it yet: its silence counts from its handshake as well.
        assert!(!member.life.note_sent(0, born + 10, 20));
        assert!(member.life.note_sent(0, born + 20, 20));
        let verdict = |after: u64| member.life.verdict(born + after, 20, 10);
        assert_eq!(verdict(0), Verdict::Alive);
        assert_eq!(verdict(10), Verdict::Alive);
        assert_eq!(verdict(20), Verdict::Quiet);
        assert_eq!(verdict(30), Verdict::Alive);
        assert_eq!(verdict(31), Verdict::Dead);
    }

    #[test]
    fn an_answer_in_time_starts_anew_and_a_busy_handler_is_not_death() {
        let life = Life::default();
        life.listening.store(true, Ordering::Relaxed);
        assert_eq!(life.verdict(25_000, 25_000, 10_000), Verdict::Quiet);
        life.seen.store(26_000, Ordering::Relaxed);
        assert_eq!(life.verdict(50_000, 25_000, 10_000), Verdict::Alive);
        assert_eq!(life.verdict(51_000, 25_000, 10_000), Verdict::Quiet);
        life.listening.store(false, Ordering::Relaxed);
        assert_eq!(life.verdict(90_000, 25_000, 10_000), Verdict::Alive);
    }
}
