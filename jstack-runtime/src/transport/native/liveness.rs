//! Signs of life: a silent client is pinged, and one that does not answer is given up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::close_reason::{CloseReason, ClosedBy};
use crate::frame::{self, Opcode};
use crate::outbound::Frame;
use crate::rooms::Hub;

/// Pings connections that are silent, and gives up those that did not answer.
pub(in crate::transport) fn sweep(hub: &Arc<Hub>, now: u64, ping: u64, pong: u64) {
    let (mut quiet, mut dead) = (Vec::new(), Vec::new());
    hub.for_each(|member| match member.life.verdict(now, ping, pong) {
        Verdict::Alive => {}
        Verdict::Quiet => quiet.push(member.clone()),
        Verdict::Dead => dead.push(member.clone()),
    });
    for member in quiet {
        let frame = frame::control(Opcode::Ping, &[]);
        hub.push(&member, &Frame::new(&*frame));
    }
    for member in dead {
        // No close frame: the client would not read it.
        member.end(CloseReason::fixed(ClosedBy::Lost, 1006, "no answer to a ping"));
        member.out().kill();
    }
}

/// The verdict on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Alive,
    /// Send a ping.
    Quiet,
    /// The ping was not answered in time.
    Dead,
}

impl crate::rooms::Life {
    /// Judges by the last bytes that arrived and the last ping, in milliseconds.
    fn verdict(&self, now: u64, ping: u64, pong: u64) -> Verdict {
        if !self.listening.load(Ordering::Relaxed) {
            // Its handler is busy: the client's bytes wait unread.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
