//! Looks after all connections of a procedure: one task for all instead of a timer for each.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::liveness;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::outbound::Frame;
use crate::platform;
use crate::protocol::frames;
use crate::rooms::Hub;

/// How often clients learn where their rooms are in their history, in milliseconds.
const POSITIONS: u64 = 40_000;

/// Runs until the procedure is gone, or has no connection any more.
pub(super) async fn watch(hub: Weak<Hub>, ping: Duration, pong: Duration) {
    let tick = (ping.min(pong) / 8).clamp(Duration::from_millis(5), Duration::from_secs(1));
    let mut positions = 0;
    loop {
        platform::sleep(tick).await;
        let Some(hub) = hub.upgrade() else { return };
        let now = hub.node().millis();
        if now >= positions + POSITIONS {
            positions = now;
            hub.tell_positions();
        }
        liveness::sweep(&hub, now, millis(ping), millis(pong));
        sweep(&hub, now, millis(ping));
        if hub.connections() == 0 {
            hub.unclaim_first_connection();
            // One that came in between has found the claim taken.
            if hub.connections() == 0 || !hub.claim_first_connection() {
                return;
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn sweep(hub: &Arc<Hub>, now: u64, ping: u64) {
    let (mut silent, mut expired) = (Vec::new(), Vec::new());
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
        if member.profile.is_v1() && member.life.note_sent(member.out().appended(), now, ping) {
            silent.push(member.clone());
        }
        if member.life.has_expired(now) {
            expired.push(member.clone());
        }
    });
    // A page cannot see protocol pings.
    for member in silent {
        hub.push(&member, &Frame::new(frames::tick()));
    }
    for member in expired {
        let reason = CloseReason::fixed(ClosedBy::Server, 4401, "the credentials have expired");
        hub.close(&member, reason);
    }
}

/// How long after the end of its credentials a connection may still renew them, in milliseconds.
const RENEWAL: u64 = 25_000;

impl crate::rooms::Life {
    /// Notes how much was sent, and says whether nothing was for `ping` milliseconds. `sent` counts
    /// the frames sent so far.
    pub(super) fn note_sent(&self, sent: u32, now: u64, ping: u64) -> bool {
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
