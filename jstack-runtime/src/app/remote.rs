//! The commands `emit` and `listen`: other processes of the application, through the broker.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::builder::App;
use super::catalog::{Catalog, Emission};
use super::cli::{CommandError, Emit, Listen};
use crate::broker::{Broker as _, Channel, Memory, Publication, Scope, Sink};
use crate::error::{BoxError, Error};
use crate::observe;
use crate::protocol::close::CLOSE;

/// The most events that wait for a slow reader of the output.
const WAITING: usize = 10_000;

impl App {
    /// Emits one event to the servers that share the broker.
    pub(super) async fn emit_once(self, emit: &Emit) -> Result<(), BoxError> {
        let catalog = self.reach()?;
        let emission = Emission {
            procedure: &emit.procedure,
            room: emit.room.as_deref(),
            event: &emit.event,
            data: &emit.data,
            except: &[],
        };
        catalog.emit(emission).await.map_err(explain)
    }

    /// Prints the events that servers on the same broker send to everyone and to some rooms, until
    /// Ctrl-C.
    pub(super) async fn listen(self, listen: &Listen) -> Result<(), BoxError> {
        let catalog = self.reach()?;
        let (hub, _) = catalog.procedure(&listen.procedure).map_err(explain)?;
        let (lines, printed) = channel(WAITING);
        let sink = Arc::new(Printer { lines, lost: AtomicU64::new(0) });
        let rooms = listen.rooms.iter().map(|room| Scope::Room(room));
        for scope in std::iter::once(Scope::All).chain(rooms) {
            if let Scope::Room(room) = scope {
                crate::rooms::check_name(room).map_err(explain)?;
            }
            let channel = Channel { procedure: hub.procedure(), scope };
            hub.node().broker().subscribe(channel, sink.clone()).await.map_err(explain)?;
        }
        let rooms: Vec<_> = listen.rooms.iter().map(|room| format!(", room `{room}`")).collect();
        observe::to_stderr(&format_args!(
            "listening to `{}`{} (Ctrl-C ends)",
            hub.procedure(),
            rooms.concat()
        ));
        tokio::select! {
            done = print(printed, &sink) => done,
            end = tokio::signal::ctrl_c() => Ok(end?),
        }
    }

    /// The procedures, with the broker that code or the environment chooses.
    ///
    /// Fails for the embedded one: its messages never leave the process.
    fn reach(self) -> Result<Catalog, BoxError> {
        observe::speak();
        let base = self.common.base.clone();
        let catalog = self.catalog();
        let settings = self.common.settle()?.0;
        settings.warn();
        if catalog.context.node().broker().describe() == Memory::new().describe() {
            return Err(CommandError::new(format!(
                "the broker is embedded in each process, so nobody would hear this and nothing is heard: set \
                 REDIS_URL as the servers do, or let the server emit by `App::admin` and `POST {base}/_emit`"
            ))
            .into());
        }
        Ok(catalog)
    }
}

/// The text of an error for an operator, with its cause.
fn explain(error: Error) -> BoxError {
    match error.cause() {
        Some(cause) => CommandError::new(format!("{}: {cause}", error.message())).into(),
        None => error.into(),
    }
}

/// One event as it is printed.
#[derive(Serialize)]
struct Line<'a> {
    event: &'a str,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
}

struct Printer {
    lines: Sender<Vec<u8>>,
    lost: AtomicU64,
}

impl Sink for Printer {
    fn deliver(&self, message: &Publication<'_>) {
        let json = message.json();
        if json.starts_with(CLOSE) {
            return;
        }
        let Ok((event, data)) = serde_json::from_slice::<(&str, &RawValue)>(json) else {
            return observe::warning!("a message on this channel is not an event");
        };
        let room = match message.channel.scope {
            Scope::Room(room) => Some(room),
            Scope::All | Scope::Node(_) => None,
        };
        let Ok(mut line) = serde_json::to_vec(&Line { event, data, room }) else { return };
        line.push(b'\n');
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn gap(&self, channel: Channel<'_>, messages: Option<u64>) {
        observe::warning!(?channel, messages, "messages from other processes may be missing");
    }
}

async fn print(mut lines: Receiver<Vec<u8>>, printer: &Printer) -> Result<(), BoxError> {
    while let Some(line) = lines.recv().await {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(&line).and_then(|()| out.flush());
        match written {
            // As `head` does when it has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
        drop(out);
        let lost = printer.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            observe::warning!(lost, "events are missing here: the output is read too slowly");
        }
    }
    Ok(())
}
