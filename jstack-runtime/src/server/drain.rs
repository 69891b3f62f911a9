//! The drain at a server's end: everybody is closed with a reason, and not all come back at once.
//!
//! Base clients come back a fixed time after their close, so their closes are spread. Clients of the
//! profile `v1` are all closed at the start, each with another time after which to come back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app_context::AppContext;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::platform;
use crate::rooms::{Hub, Member};

/// So few sockets are closed at once.
const FEW: usize = 100;
/// How often some are closed.
const TICK: Duration = Duration::from_millis(10);

const RESTART: CloseReason =
    CloseReason::fixed(ClosedBy::Shutdown, 1012, "the server is restarting");

/// Closes all sockets, evenly over `spread`, and those that still come.
pub(super) async fn close_all(context: &AppContext, spread: Duration) {
    let sockets = open_sockets(context);
    tracing::info!(sockets = sockets.len(), "shutting down");
    let (extended, sockets): (Vec<_>, Vec<_>) =
        sockets.into_iter().partition(|(_, member)| member.profile.is_v1());
    for (n, (hub, member)) in extended.iter().enumerate() {
        hub.close_after(member, RESTART, Some(share(spread, n, extended.len())));
    }
    if sockets.len() >= FEW && !spread.is_zero() {
        close_spread(&sockets, spread).await;
    } else {
        for (hub, member) in &sockets {
            hub.close(member, RESTART);
        }
    }
    drop(sockets);
    // Those whose request was under way when the end began.
    loop {
        tokio::time::sleep(TICK * 5).await;
        for (hub, member) in open_sockets(context) {
            hub.close_after(&member, RESTART, Some(share(spread, 0, 1)));
        }
    }
}

/// The delay in milliseconds after which client `n` of `count` reconnects. Each client has its own
/// slot in the spread.
fn share(spread: Duration, n: usize, count: usize) -> u64 {
    let spread = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
    let (n, count) = (n as u64, count.max(1) as u64);
    spread.saturating_mul(n) / count + platform::random() % (spread / count).max(1)
}

async fn close_spread(sockets: &[(Arc<Hub>, Arc<Member>)], spread: Duration) {
    let (start, count) = (Instant::now(), sockets.len());
    let mut closed = 0;
    let mut ticks = tokio::time::interval(TICK);
    while closed < count {
        ticks.tick().await;
        let part = (start.elapsed().as_secs_f64() / spread.as_secs_f64()).min(1.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of sockets"
        )]
        let due = ((count as f64 * part) as usize).clamp(closed, count);
        for (hub, member) in &sockets[closed..due] {
            hub.close(member, RESTART);
        }
        closed = due;
    }
}

/// Ends what has not ended by itself.
pub(super) fn kill_all(context: &AppContext) -> usize {
    let sockets = open_sockets(context);
    for (_, member) in &sockets {
        member.end(RESTART);
        crate::outbound::Outbound::kill(member.out());
    }
    sockets.len()
}

fn open_sockets(context: &AppContext) -> Vec<(Arc<Hub>, Arc<Member>)> {
    let mut sockets = Vec::new();
    for hub in context.hubs() {
        hub.for_each(|member| sockets.push((hub.clone(), member.clone())));
    }
    sockets
}
