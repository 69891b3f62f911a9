//! The end of a server: everyone is told, nobody is lost, and not all come back at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app_context::AppContext;
use crate::close_reason::{CloseReason, ClosedBy};
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
