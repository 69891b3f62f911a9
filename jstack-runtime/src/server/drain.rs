//! The end of a server: everyone is told, nobody is lost, and not all come back at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::closing::{CloseReason, ClosedBy};
use crate::rooms::{Hub, Member};
use crate::site::Site;

/// So few sockets are closed at once.
const FEW: usize = 100;
/// How often some are closed.
const TICK: Duration = Duration::from_millis(10);

const RESTART: CloseReason =
    CloseReason::fixed(ClosedBy::Shutdown, 1012, "the server is restarting");

/// Closes all sockets, evenly over `spread`, and those that still come.
pub(super) async fn close_all(site: &Site, spread: Duration) {
    let sockets = open_sockets(site);
    tracing::info!(sockets = sockets.len(), "shutting down");
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
        for (hub, member) in open_sockets(site) {
            hub.close(&member, RESTART);
        }
    }
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
pub(super) fn kill_all(site: &Site) -> usize {
    let sockets = open_sockets(site);
    for (_, member) in &sockets {
        member.end(RESTART);
        crate::outbound::Outbound::kill(member.out());
    }
    sockets.len()
}

fn open_sockets(site: &Site) -> Vec<(Arc<Hub>, Arc<Member>)> {
    let mut sockets = Vec::new();
    for hub in site.hubs() {
        hub.for_each(|member| sockets.push((hub.clone(), member.clone())));
    }
    sockets
}
