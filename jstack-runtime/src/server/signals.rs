//! SIGTERM and Ctrl-C, and the end of a process that does not end by itself.
//!
//! A separate thread with its own runtime waits for them: handlers that block all workers must not
//! keep the process from noticing a signal. The thread goes on after the first signal:
//!
//! ```text
//! first signal ──► drain begins ──┬── drained ────────────────────► the thread ends
//!                                 ├── second signal ► at once ──┐
//!                                 └── `drain_deadline` ─────────┴── AFTERMATH ► exit(1)
//! ```

use std::io;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::observe;

/// How long a process may take to end after its drain was cut off. This is for the code after
/// `serve` in `main`, and for handlers that are about to yield.
const AFTERMATH: Duration = Duration::from_secs(5);

/// The signals of this process, for as long as it serves.
pub(crate) struct Signals {
    count: watch::Receiver<u8>,
    /// The thread ends when this is dropped.
    drained: oneshot::Sender<()>,
}

impl Signals {
    /// Begins to listen. When this returns, a signal no longer ends the process by itself.
    ///
    /// Fails if the system gives no thread, or no descriptors for it.
    pub(crate) async fn listen(drain_deadline: Duration) -> io::Result<Self> {
        let (counted, count) = watch::channel(0);
        let (drained, end) = oneshot::channel();
        let (ready, listening) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("jstack-signals".to_owned()).spawn(move || {
            runtime.block_on(watch_over(ready, &counted, end, drain_deadline));
        })?;
        let gone = |_| io::Error::other("the thread for signals has ended");
        listening.await.map_err(gone)??;
        Ok(Self { count, drained })
    }

    /// Ends with the signal that is the `nth`, counted from one.
    pub(crate) fn nth(&self, nth: u8) -> impl Future<Output = ()> + use<> {
        let mut count = self.count.clone();
        async move {
            if count.wait_for(|count| *count >= nth).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The drain was cut off: whatever still runs, the process ends soon.
    pub(crate) fn cut_off(self) {
        std::mem::forget(self.drained);
    }
}

async fn watch_over(
    ready: oneshot::Sender<io::Result<()>>,
    counted: &watch::Sender<u8>,
    drained: oneshot::Receiver<()>,
    drain_deadline: Duration,
) {
    let mut signals = match Both::new() {
        Ok(signals) => signals,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let _ = ready.send(Ok(()));
    let watched = async {
        signals.next().await;
        counted.send_replace(1);
        let deadline = Instant::now() + drain_deadline;
        if tokio::time::timeout_at(deadline, signals.next()).await.is_ok() {
            counted.send_replace(2);
        }
        tokio::time::sleep(AFTERMATH).await;
        observe::error!(
            "the process does not end: is there a handler that blocks its thread? It is ended now"
        );
        #[allow(clippy::exit, reason = "nothing else ends a thread that blocks")]
        std::process::exit(1);
    };
    tokio::select! {
        _ = drained => {}
        () = watched => {}
    }
}

/// Both signals that ask a process to end.
#[cfg(unix)]
struct Both {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Both {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! { _ = self.interrupt.recv() => {}, _ = self.terminate.recv() => {} }
    }
}

/// Ctrl-C alone.
#[cfg(not(unix))]
struct Both;

#[cfg(not(unix))]
impl Both {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
