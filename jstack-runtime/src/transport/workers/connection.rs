//! The reading side of one connection: events of the runtime in, messages for handlers out.
//!
//! ```text
//!  event ─▶ inbox ─▶ Session ─▶ the handler that waits (poll_message)
//!                       │
//!                       ├─▶ Mailbox, while a handler runs (poll_ahead)
//!                       └─▶ answered or carried out at once
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use super::inbox::{self, Happened};
use crate::close_reason::{CloseReason, ClosedBy};
use crate::limits::or_none;
use crate::outbound::Frame;
use crate::platform::Instant;
use crate::protocol::codec::WireMessage;
use crate::protocol::mailbox::Mailbox;
use crate::protocol::session::{Input, Session, Step};
use crate::rooms::{Hub, Member};

/// A connection after its upgrade.
pub(crate) struct Connection {
    hub: Arc<Hub>,
    member: Arc<Member>,
    /// The runtime's number of its WebSocket.
    socket: u32,
    /// When it began, by both clocks: the runtime's and the process' nanoseconds.
    began: (Instant, u64),
    longest: usize,
    session: Session,
    /// Messages that came and are not counted yet.
    received: u64,
    /// Messages that came while a handler ran; made when it is first needed.
    mailbox: Option<Arc<Mailbox>>,
    /// Who is woken when the connection ends.
    waker: Option<Waker>,
    finished: bool,
}

impl Connection {
    pub(super) fn new(hub: Arc<Hub>, member: Arc<Member>, socket: u32) -> Self {
        hub.meters().opened.increment(1);
        hub.meters().sockets.increment(1);
        inbox::open(socket);
        Self {
            socket,
            began: (Instant::now(), hub.node().nanos()),
            longest: or_none(hub.node().limits().message_bytes),
            session: Session::new(member.profile),
            received: 0,
            mailbox: None,
            waker: None,
            hub,
            member,
            finished: false,
        }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// Polls for the next ordinary message and converts it with `read`; `None` once the connection
    /// ends. What waits in the mailbox comes first.
    pub(crate) fn poll_message<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(WireMessage<'_>) -> T,
    ) -> Poll<Option<T>> {
        if let Some(mailbox) = &self.mailbox {
            // A client that is gone has still said what waits; a close by the server drops it.
            let dropped = self
                .member
                .ending()
                .is_some_and(|reason| !matches!(reason.by(), ClosedBy::Client | ClosedBy::Lost));
            if let Some(waiting) = mailbox.pop().filter(|_| !dropped) {
                return Poll::Ready(Some(read(waiting.as_message())));
            }
        }
        self.poll_arrived(cx, |message| Some(read(message)))
    }

    /// Takes what comes while a handler runs: pings and answers are handled at once, and ordinary
    /// messages go into the mailbox until it is full. `true` if a receiver waited for one.
    ///
    /// The task is woken when more comes, or when there is room in the mailbox again.
    pub(crate) fn poll_ahead(&mut self, cx: &mut Context<'_>) -> bool {
        let mailbox = self.mailbox.get_or_insert_default().clone();
        let mut woken = false;
        loop {
            if !mailbox.has_room(inbox::waiting(self.socket), cx) {
                self.watch_end(cx);
                self.member.life.listening.store(false, Ordering::Relaxed);
                break;
            }
            match self.poll_arrived(cx, |message| Some(mailbox.push(&message))) {
                Poll::Ready(Some(waited)) => woken |= waited,
                Poll::Ready(None) => {
                    let lost = self.member.ending().is_none_or(|reason| {
                        matches!(reason.by(), ClosedBy::Client | ClosedBy::Lost)
                    });
                    mailbox.end(!lost);
                    break;
                }
                Poll::Pending => break,
            }
        }
        woken
    }

    /// The mailbox between this connection and a receiver of its messages.
    pub(crate) fn share_mailbox(&mut self) -> Arc<Mailbox> {
        self.mailbox.get_or_insert_default().clone()
    }

    /// There is no large buffer to give back.
    #[allow(clippy::unused_self, reason = "the native one has a buffer")]
    pub(crate) fn release_buffer(&mut self) {}

    /// Takes what happened until a message is passed to `take` and it returns something; `None`
    /// once the connection ends.
    fn poll_arrived<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(WireMessage<'_>) -> Option<T>,
    ) -> Poll<Option<T>> {
        loop {
            self.watch_end(cx);
            if self.member.ending().is_some() {
                return Poll::Ready(None);
            }
            let arrived = match inbox::poll_next(self.socket, cx) {
                Poll::Pending => {
                    self.member.life.listening.store(true, Ordering::Relaxed);
                    if self.received > 0 {
                        let received = std::mem::take(&mut self.received);
                        self.hub.meters().received.increment(received);
                    }
                    return Poll::Pending;
                }
                Poll::Ready(arrived) => arrived,
            };
            let Some(arrived) = arrived else { return Poll::Ready(None) };
            let now = self.nanos(arrived.at);
            self.member.heard(now / 1_000_000);
            let input = match &arrived.what {
                Happened::Text(text) if text.len() <= self.longest => Input::Text(text),
                Happened::Binary => Input::Binary(&[]),
                Happened::Close(1005, _) => Input::Close(None),
                Happened::Close(code, reason) => Input::Close(Some((*code, reason))),
                Happened::Text(_) | Happened::TooLong => {
                    self.close(TOO_LONG);
                    return Poll::Ready(None);
                }
                Happened::TooFarAhead => {
                    self.close(TOO_FAR_AHEAD);
                    return Poll::Ready(None);
                }
                Happened::Lost => {
                    self.member.end(CloseReason::fixed(ClosedBy::Lost, 1006, ""));
                    return Poll::Ready(None);
                }
            };
            match self.session.handle(input, self.hub.bounds().rates, now) {
                Step::Message(message) => {
                    tracing::debug!(length = message.len(), "message");
                    self.received += 1;
                    if let Some(taken) = take(message) {
                        return Poll::Ready(Some(taken));
                    }
                }
                Step::Send(frame) => {
                    self.hub.push(&self.member, &Frame::new(frame));
                }
                Step::Control(control) => self.hub.control(&self.member, control),
                Step::Refused { reply, closing } => {
                    self.hub.node().meters().refused.rate.increment(1);
                    if let Some(frame) = reply {
                        self.hub.push(&self.member, &Frame::new(frame));
                    }
                    if let Some(reason) = closing {
                        self.close(reason);
                        return Poll::Ready(None);
                    }
                }
                Step::Close(reason) => {
                    self.close(reason);
                    return Poll::Ready(None);
                }
                Step::Idle => {}
            }
        }
    }

    /// A moment in the process' nanoseconds.
    fn nanos(&self, moment: Instant) -> u64 {
        let since = moment.duration_since(self.began.0).as_nanos();
        self.began.1.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// Wakes the task when the connection ends.
    fn watch_end(&mut self, cx: &mut Context<'_>) {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.member.wake_on_end(cx.waker());
            self.waker = Some(cx.waker().clone());
        }
    }

    /// The last of a connection: it leaves its rooms. The runtime sends what waits, and closes.
    #[allow(clippy::unused_async, reason = "the native one waits")]
    pub(crate) async fn finish(mut self) {
        self.finished = true;
        let reason = self.reason();
        tracing::debug!(socket = %self.member.id, %reason, "connection closed");
        self.let_go();
    }

    fn let_go(&self) {
        self.hub.leave_all(&self.member);
        self.member.out().kill();
        inbox::close(self.socket);
    }
}

const TOO_LONG: CloseReason =
    CloseReason::fixed(ClosedBy::Limit, 1009, "message is longer than this server accepts");
const TOO_FAR_AHEAD: CloseReason = CloseReason::fixed(
    ClosedBy::Limit,
    1008,
    "too many messages wait: you send faster than they are handled",
);

impl Drop for Connection {
    /// Also when a handler's session panics while it is dropped, nothing stays behind.
    fn drop(&mut self) {
        let meters = self.hub.meters();
        meters.sockets.decrement(1);
        meters.received.increment(self.received);
        self.hub.node().meters().closed(&self.reason());
        if !self.finished {
            self.let_go();
        }
    }
}
