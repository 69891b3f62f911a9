//! `Sender`: the side of a socket that emits, asks and closes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::answers::answerer;
use super::core::Phase;
use super::presence::Presence;
use super::room::Room;
use super::shared::{Captured, Shared};
use super::status::Status;
use super::token::TokenReason;
use crate::error::Result;
use crate::events::{Event, Events, Request, Target, To};
use crate::markers::{PresenceProcedure, SocketProcedure};

/// The side of a [`Socket`](super::Socket) that emits, asks and closes. Cheap to clone, and good in
/// any task.
///
/// ```no_run
/// use jstack_runtime::client::{Client, Sender};
/// use jstack_runtime::{Events, Result, SocketProcedure};
///
/// #[derive(Clone, Debug, Events)]
/// pub enum Note {
///     Say(String),
/// }
///
/// pub enum Chat {}
///
/// impl SocketProcedure for Chat {
///     type Incoming = Note;
///     type Outgoing = Note;
/// }
///
/// async fn speak(chat: Sender<Chat>) -> Result {
///     chat.emit().say("hello").await
/// }
///
/// # async fn example(client: Client) -> Result {
/// let mut socket = client.ws::<Chat>("post/chat").connect().await?;
/// tokio::spawn(speak(socket.sender()));
/// while let Some(incoming) = socket.next().await {
///     println!("{incoming:?}");
/// }
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
pub struct Sender<P: SocketProcedure> {
    pub(super) shared: Arc<Shared>,
    /// Closes the socket with the last of them.
    alive: Arc<Alive>,
    procedure: PhantomData<fn() -> P>,
}

struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.change(|core| {
            core.abandoned = true;
            core.close(1000, "");
        });
    }
}

impl<P: SocketProcedure> Sender<P> {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { alive: Arc::new(Alive(shared.clone())), shared, procedure: PhantomData }
    }

    /// Emits to the server: one method for each event of the procedure's incoming set.
    ///
    /// `Ok` means that the event was sent, or is kept for the next connection; a volatile one that
    /// nobody could take is dropped, and that is `Ok` as well. Fails for a payload that breaks its
    /// rules, and with the codes `overflow` (too many wait), `too_large` and `closed`. It never waits:
    /// the event is on its way before the first `await`, which makes it cancel safe.
    ///
    /// What the server makes of it comes as [`Incoming::Error`](super::Incoming::Error), if it refuses.
    pub fn emit(&self) -> <P::Incoming as Events>::Emitter<'_> {
        P::Incoming::emitter(Target::new(&*self.shared, To::All))
    }

    /// Sends an event and waits for its reply: one method for each event that declares one.
    ///
    /// Each ends: with the reply, with the server's error and its issues, or with one of the codes
    /// `timeout`, `lost` (the connection was lost, and it may have been done), `closed`, and
    /// `unsupported` (a server of the base profile; at once). It waits for a connection within its time.
    ///
    /// Cancel safe in so far as a dropped request is forgotten: one that was not sent yet is not sent,
    /// and one that was sent may be done.
    pub fn request(&self) -> <P::Incoming as Events>::Requester<'_> {
        P::Incoming::requester(Request::new(&self.shared, None))
    }

    /// The same with a time of its own.
    pub fn request_within(&self, within: Duration) -> <P::Incoming as Events>::Requester<'_> {
        P::Incoming::requester(Request::new(&self.shared, Some(within)))
    }

    /// Sends any event and waits until its handler has succeeded, whether or not it has a reply.
    ///
    /// Fails as a [`request`](Self::request) does. Cancel safe as that is: what was sent may be done.
    pub async fn confirm(&self, event: &P::Incoming) -> Result {
        let captured = Captured::default();
        let emitter = P::Incoming::emitter(Target::new(&captured, To::All));
        event.emit(emitter).await?;
        let (event, open) = captured.open()?;
        self.shared.clone().ask(event, open, None).await.map(|_| ())
    }

    /// Answers a question of the server's from now on: `question` names it among the outgoing events,
    /// and `answer` gives the answer that it declares. Each question has one answerer: the newest.
    ///
    /// An `Err` with a status of 400 to 499 is sent to the server with its code and message. Of any
    /// other the server learns only that it failed, and [`Socket::next`](super::Socket::next) returns
    /// it. A question that nobody answers is refused with `unsupported`, at once.
    ///
    /// ```no_run
    /// # use jstack_runtime::prelude::*;
    /// # use jstack_runtime::client::Client;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum ToServer { Say(String) }
    /// #[derive(Clone, Debug, Events)]
    /// pub enum ToClient {
    ///     #[event(ask = bool)]
    ///     Confirm(String),
    /// }
    /// # #[procedure(ws, incoming = ToServer, outgoing = ToClient)]
    /// # pub mod chat { use super::*; #[on(Say)] async fn say(_: String) {} }
    ///
    /// # async fn example(client: Client) -> Result {
    /// let chat = client.ws::<chat::Procedure>("post/chat").connect().await?;
    /// chat.on_ask(|events| &events.confirm, |question| async move { Ok(question.len() < 100) });
    /// # Ok(())
    /// # }
    /// # fn main() {}
    /// ```
    pub fn on_ask<T, B, R, A, Q, F, Fut>(&self, question: Q, answer: F)
    where
        B: ?Sized,
        T: Send + 'static,
        A: Send + 'static,
        Q: FnOnce(&<P::Outgoing as Events>::Table) -> &Event<T, P::Outgoing, B, R, A>,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A>> + Send + 'static,
        B: 'static,
        R: 'static,
    {
        let table = <P::Outgoing as Events>::TABLE;
        let event = question(&table);
        let (name, answerer) = answerer(event, answer);
        self.shared.answer_by(name.to_owned(), answerer);
    }

    /// Where the socket is in its life.
    pub fn status(&self) -> Status {
        self.shared.core().status.borrow().clone()
    }

    /// Waits until the status changes, and returns it.
    ///
    /// Cancel safe. A change between two calls is missed; two that follow each other at once may be
    /// seen as one.
    pub async fn status_changed(&self) -> Status {
        let mut statuses = self.shared.core().status.subscribe();
        // The sender lives as long as this handle.
        let _ = statuses.changed().await;
        let status = statuses.borrow();
        status.clone()
    }

    /// The connection's id on the server, a new one after each reconnect; `None` while there is no
    /// connection, and with a server of the base profile.
    pub fn id(&self) -> Option<String> {
        self.shared.core().id.clone()
    }

    /// One room, as this connection sees it, in procedures with history.
    pub fn room(&self, name: impl Into<String>) -> Room<P> {
        Room::new(self.shared.clone(), name.into())
    }

    /// Who is in a room, in procedures with presence.
    ///
    /// See [`Presence`] for an example.
    pub fn presence(&self, room: impl Into<String>) -> Presence<P>
    where
        P: PresenceProcedure,
    {
        Presence::new(self.shared.clone(), room.into())
    }

    /// Connects at once where a delay runs, and opens again what was closed.
    pub fn reconnect(&self) {
        self.shared.change(super::core::Core::connect);
    }

    /// The user has changed: gives the server a new token, in place where it agrees, and with another
    /// connection otherwise. The token function is asked with
    /// [`Refused`](super::TokenReason::Refused).
    ///
    /// Cancel safe in so far as a dropped call may have given the new token, or not.
    pub async fn refresh(&self) {
        if self.shared.renew(TokenReason::Refused).await.unwrap_or(false) {
            return;
        }
        let closed_here = matches!(self.status(), Status::Closed { cause: None, .. });
        // The application may have closed it meanwhile.
        if !closed_here {
            self.shared.change(super::core::Core::restart);
        }
    }

    /// Closes for good: what was sent goes out first, requests fail with `closed`, what waits for a
    /// connection is dropped. [`reconnect`](Self::reconnect) opens again.
    ///
    /// Applications use the codes 1000 and 3000 to 4999.
    pub fn close(&self, code: u16, reason: &str) {
        if self.shared.core().phase != Phase::Closed {
            self.shared.change(|core| core.close(code, reason));
        }
    }
}

impl<P: SocketProcedure> Clone for Sender<P> {
    fn clone(&self) -> Self {
        let (shared, alive) = (self.shared.clone(), self.alive.clone());
        Self { shared, alive, procedure: PhantomData }
    }
}

impl<P: SocketProcedure> fmt::Debug for Sender<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("status", &self.status()).finish_non_exhaustive()
    }
}
