//! The function form: `Receiver`, and the task around the function.
//!
//! The task polls the function and then the connection, so that a function that waits for something
//! else still answers pings and learns of the end. Messages for the function wait in the mailbox.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::handlers::IntoOutcome;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Result};
use crate::events::{EncodedReply, Events, Replier, ReplySink, named};
use crate::guard::caught;
use crate::markers::SocketProcedure;
use crate::outbound::Frame;
use crate::protocol::codec::{self, Inbound, RequestId};
use crate::protocol::frames;
use crate::protocol::mailbox::Mailbox;
use crate::rooms::{Hub, Member};
use crate::transport::Connection;

/// The events that one client sends, in order.
///
/// Up to 16 events or 64 KiB wait for the receiver; beyond that the client's messages wait in its own
/// network stack. Events that arrive after the receiver was dropped are discarded.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Message(String) }
/// #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// async fn echo(socket: Socket<echo::Procedure>, mut events: Receiver<echo::Procedure>) -> Result {
///     while let Some(event) = events.recv().await? {
///         match event {
///             Chat::Message(text) => socket.emit().message(&text).await?,
///         }
///     }
///     Ok(())
/// }
/// # fn main() {}
/// ```
pub struct Receiver<P: SocketProcedure> {
    shared: Shared,
    /// The request that the event returned last is, until it is answered.
    pending: Option<Pending>,
    procedure: PhantomData<fn() -> P>,
}

/// The state that the function's task shares with the receiver.
#[derive(Clone)]
struct Shared {
    mailbox: Arc<Mailbox>,
    hub: Arc<Hub>,
    member: Arc<Member>,
}

/// A request without its answer.
struct Pending {
    id: RequestId,
    event: &'static str,
    /// Whether the event declares a reply.
    wants_reply: bool,
}

impl Shared {
    fn send(&self, frame: Vec<u8>) {
        self.hub.push(&self.member, &Frame::new(frame));
    }

    fn send_error(&self, event: Option<&str>, request: Option<&str>, error: &Error) {
        self.send(match request {
            Some(id) => frames::err(error, id),
            None => frames::error(event, error),
        });
    }

    /// Answers a request that the function did not answer itself.
    fn settle(&self, pending: &Pending) {
        if !pending.wants_reply {
            return self.send(frames::ok(b"null", &pending.id));
        }
        let (procedure, event) = (self.hub.procedure(), pending.event);
        tracing::error!(procedure, event, "a request was not answered: call `events.reply()`");
        self.send_error(None, Some(&pending.id), &Error::internal("no reply"));
    }
}

impl<P: SocketProcedure> Receiver<P> {
    /// Waits for the next event; `None` once the connection has closed or is lost.
    ///
    /// A frame that does not decode is answered with the `error` event and skipped. If the event
    /// before it is a request that has no answer yet, it answers that first: with `null`, or with
    /// an error if the event declares a reply.
    ///
    /// Fails if the client broke the protocol or a limit, which has closed the connection. Cancel safe: in
    /// `select!`, no event is lost.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Tick(u32) }
    /// #[procedure(ws, incoming = Chat, outgoing = Chat)]
    /// async fn clock(socket: Socket<clock::Procedure>, mut events: Receiver<clock::Procedure>) -> Result {
    ///     let mut every_second = tokio::time::interval(std::time::Duration::from_secs(1));
    ///     let mut ticks = 0;
    ///     loop {
    ///         tokio::select! {
    ///             event = events.recv() => match event? {
    ///                 Some(Chat::Tick(start)) => ticks = start,
    ///                 None => return Ok(()),
    ///             },
    ///             _ = every_second.tick() => {
    ///                 ticks += 1;
    ///                 socket.emit().tick(&ticks).await?;
    ///             }
    ///         }
    ///     }
    /// }
    /// # fn main() {}
    /// ```
    pub async fn recv(&mut self) -> Result<Option<P::Incoming>> {
        if let Some(pending) = self.pending.take() {
            self.shared.settle(&pending);
        }
        let Shared { mailbox, hub, member } = &self.shared;
        let (depth, profile) = (hub.bounds().json_depth, member.profile);
        loop {
            let Some(waiting) = poll_fn(|cx| mailbox.poll_pop(cx)).await else {
                let limit = member.ending().filter(|reason| reason.by() == ClosedBy::Limit);
                return match limit {
                    Some(reason) => Err(Error::bad_request(reason.reason().to_owned())),
                    None => Ok(None),
                };
            };
            match codec::read::<P::Incoming>(&waiting.as_message(), depth, profile) {
                Inbound::Event { name, event, request } => {
                    if request.is_some() {
                        hub.meters().requests.increment(1);
                    }
                    self.pending = request.map(|id| Pending {
                        id,
                        event: name,
                        wants_reply: named::<P::Incoming>(name)
                            .is_some_and(|event| event.reply().is_some()),
                    });
                    return Ok(Some(event));
                }
                Inbound::Token { request, .. } => {
                    let error = Error::with_code(
                        http::StatusCode::NOT_IMPLEMENTED,
                        "unsupported",
                        "this procedure does not renew credentials",
                    );
                    self.shared.send_error(Some("$token"), request.as_deref(), &error);
                }
                Inbound::Fault { name, error, request } => {
                    hub.meters().invalid.increment(1);
                    self.shared.send_error(name.as_deref(), request.as_deref(), &error);
                }
            }
        }
    }

    /// Answers the event that [`recv`](Self::recv) returned last.
    ///
    /// The replier has a method for each event that declares `reply`. The reply is checked and sent at once;
    /// `.await` it for the outcome. If the client only emitted the event, the reply is dropped, which is not an
    /// error. It fails for another event, for one that has its answer already, and for a reply that breaks its
    /// rules: the client then reads an internal error.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[derive(Clone, Debug, Events)]
    /// pub enum Ask {
    ///     #[event(reply = u32)]
    ///     Length(String),
    /// }
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Tell { Nothing(()) }
    ///
    /// #[procedure(ws, incoming = Ask, outgoing = Tell)]
    /// async fn measure(mut events: Receiver<measure::Procedure>) -> Result {
    ///     while let Some(Ask::Length(text)) = events.recv().await? {
    ///         events.reply().length(&(text.len() as u32)).await?;
    ///     }
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    pub fn reply(&mut self) -> <P::Incoming as Events>::Replier<'_> {
        P::Incoming::replier(Replier::new(self))
    }

    /// The reason why the connection ended; `None` while it is open.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Message(String) }
    /// #[procedure(ws, incoming = Chat, outgoing = Chat)]
    /// async fn listen(mut events: Receiver<listen::Procedure>) -> Result {
    ///     while events.recv().await?.is_some() {}
    ///     if let Some(reason) = events.close_reason() {
    ///         tracing::info!(%reason, "left");
    ///     }
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.shared.member.ending().cloned()
    }
}

impl<P: SocketProcedure> ReplySink for Receiver<P> {
    fn reply(&mut self, event: &'static str, reply: Result<EncodedReply>) -> Result {
        let Some(pending) = self.pending.take_if(|pending| pending.event == event) else {
            return match &self.pending {
                Some(other) => Err(Error::internal(format!(
                    "the event to answer is `{}`, not `{event}`",
                    other.event
                ))),
                // The client does not want an answer.
                None => Ok(()),
            };
        };
        match reply {
            Ok(reply) => {
                self.shared.send(frames::ok(reply.as_json(), &pending.id));
                Ok(())
            }
            Err(error) => {
                self.shared.send_error(None, Some(&pending.id), &error);
                Err(error)
            }
        }
    }
}

impl<P: SocketProcedure> Drop for Receiver<P> {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.shared.settle(&pending);
        }
        self.shared.mailbox.abandon();
    }
}

impl<P: SocketProcedure> fmt::Debug for Receiver<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("closed", &self.close_reason()).finish_non_exhaustive()
    }
}

/// Runs the function form from the upgrade to the end: returning closes.
pub(crate) async fn run<P: SocketProcedure, F, Fut>(connection: Option<Connection>, function: F)
where
    F: FnOnce(Receiver<P>) -> Fut,
    Fut: Future<Output: IntoOutcome<()>>,
{
    let Some(mut connection) = connection else { return };
    let (hub, member) = (connection.hub().clone(), connection.member().clone());
    hub.introduce(&member, None);
    let mailbox = connection.share_mailbox();
    let shared = Shared { mailbox, hub: hub.clone(), member: member.clone() };
    let receiver = Receiver { shared, pending: None, procedure: PhantomData };
    let mut function = pin!(caught(async move { function(receiver).await.outcome() }));
    let ended = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = function.as_mut().poll(cx) {
                return Poll::Ready(ended);
            }
            // Where the function waits for what has just come, it goes on at once.
            if !connection.poll_ahead(cx) {
                return Poll::Pending;
            }
        }
    })
    .await;
    let (code, said) = match ended {
        Ok(Ok(())) => (1000, ""),
        Ok(Err(error)) => {
            hub.meters().failed.function.increment(1);
            error.log(hub.procedure());
            if member.ending().is_none() {
                hub.push(&member, &Frame::new(frames::error(None, &error)));
            }
            (1011, "the procedure failed")
        }
        Err(_) => {
            hub.meters().failed.function.increment(1);
            (1011, "the procedure failed")
        }
    };
    let by = if code == 1000 { ClosedBy::Server } else { ClosedBy::Failure };
    hub.close(&member, CloseReason::fixed(by, code, said));
    connection.finish().await;
}
