//! A dashboard: values arrive by themselves, and the client says how often it wants to see them.
//!
//! The function form of a socket: one loop of your own, with `select!`, for everything that is not
//! an answer to an event. Its local variables are the state of the connection.
//!
//! `cargo run -p dashboard`; the socket is `ws://127.0.0.1:8080/api/post/dashboard`.

use std::time::Duration;

use jstack_runtime::prelude::*;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The load of the machine.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Load {
    percent: u8,
}

/// The events that clients send.
#[derive(Clone, Debug, Events)]
pub enum ToServer {
    /// Shows the load every so many milliseconds, at least 100.
    Every(u32),
    /// Stops showing it.
    Pause(()),
}

/// The events that clients receive.
#[derive(Clone, Debug, Events)]
pub enum ToClient {
    Load(Load),
    /// The load is above 90 %: this is never paused.
    Alarm(Load),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub async fn dashboard(
    socket: Socket<dashboard::Procedure>,
    mut events: Receiver<dashboard::Procedure>,
    State(mut load): State<watch::Receiver<Load>>,
) -> Result {
    let mut ticks = every(1000);
    let mut is_paused = false;
    loop {
        tokio::select! {
            event = events.recv() => match event? {
                Some(ToServer::Every(millis)) => {
                    is_paused = false;
                    ticks = every(millis.max(100));
                }
                Some(ToServer::Pause(())) => is_paused = true,
                None => return Ok(()), // The client is gone.
            },
            _ = ticks.tick(), if !is_paused => {
                let now = *load.borrow();
                socket.emit().load(&now).await?;
            }
            changed = load.changed() => {
                changed?;
                let now = *load.borrow_and_update();
                if now.percent > 90 {
                    socket.emit().alarm(&now).await?;
                }
            }
        }
    }
}

/// A tick at once, and then every so many milliseconds; those that are late are left out.
fn every(millis: u32) -> Interval {
    let mut ticks = interval(Duration::from_millis(millis.into()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn app(load: watch::Receiver<Load>) -> App {
    App::new().mount("post", router![dashboard]).with_state(load)
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    let (measured, load) = watch::channel(Load::default());
    tokio::spawn(async move {
        // A real program measures; this one pretends.
        for percent in (0..=100).step_by(5).cycle() {
            measured.send_replace(Load { percent });
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    app(load).run().await
}

#[cfg(test)]
mod tests;
