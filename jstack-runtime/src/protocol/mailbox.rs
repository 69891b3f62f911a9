//! `Mailbox`: ordinary messages that arrive while a handler runs.
//!
//! The driver of a connection reads on while a handler runs, so that control frames and answers are
//! handled at once. Messages for handlers wait here, in order. When the mailbox is full, the driver
//! stops reading and TCP pushes back.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::codec::WireMessage;

/// The most messages that wait.
const MOST: usize = 16;
/// The most bytes that wait, including those that the driver has read and not decoded.
const MOST_BYTES: usize = 64 * 1024;

/// Messages between the driver of a connection and its handlers.
#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// The receiver, where it waits for a message.
    receiver: Option<Waker>,
    /// The driver, where it waits for room.
    driver: Option<Waker>,
    /// No more messages come.
    ended: bool,
    /// The receiver is gone: messages are dropped.
    abandoned: bool,
}

/// A message that outlives the read buffer.
pub(crate) enum Waiting {
    Text(Box<str>),
    Binary,
}

impl Waiting {
    fn of(message: &WireMessage<'_>) -> Self {
        match message {
            WireMessage::Text(text) => Self::Text((*text).into()),
            // Its content is never read.
            WireMessage::Binary(_) => Self::Binary,
        }
    }

    /// The message as the codec reads it.
    pub(crate) fn as_message(&self) -> WireMessage<'_> {
        match self {
            Self::Text(text) => WireMessage::Text(text),
            Self::Binary => WireMessage::Binary(&[]),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary => 0,
        }
    }
}

impl Mailbox {
    /// Whether another message has room beside the driver's `unread` bytes. If not, the driver is
    /// woken when there is.
    pub(crate) fn has_room(&self, unread: usize, cx: &mut Context<'_>) -> bool {
        let mut state = self.state.lock();
        let full = state.waiting.len() >= MOST
            || (!state.waiting.is_empty() && state.bytes + unread > MOST_BYTES);
        if full && !state.abandoned {
            state.driver = Some(cx.waker().clone());
            return false;
        }
        true
    }

    /// Adds a message and wakes the receiver; `false` if nobody waited for it.
    pub(crate) fn push(&self, message: &WireMessage<'_>) -> bool {
        let mut state = self.state.lock();
        if state.abandoned {
            return false;
        }
        let message = Waiting::of(message);
        state.bytes += message.len();
        state.waiting.push_back(message);
        let receiver = state.receiver.take();
        drop(state);
        receiver.map(Waker::wake).is_some()
    }

    /// Takes the next message, if one waits.
    pub(crate) fn pop(&self) -> Option<Waiting> {
        let mut state = self.state.lock();
        let message = state.waiting.pop_front()?;
        state.bytes -= message.len();
        if state.waiting.is_empty() {
            // While it is empty, it keeps no memory.
            state.waiting = VecDeque::new();
        }
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Some(message)
    }

    /// Waits for the next message; `None` once the connection has ended and nothing waits.
    pub(crate) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<Waiting>> {
        if let Some(message) = self.pop() {
            return Poll::Ready(Some(message));
        }
        let mut state = self.state.lock();
        // One may have come in between.
        if !state.waiting.is_empty() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.receiver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ends the mailbox on the driver's side. `drop_waiting` says whether waiting messages are
    /// dropped.
    pub(crate) fn end(&self, drop_waiting: bool) {
        let mut state = self.state.lock();
        state.ended = true;
        if drop_waiting {
            state.waiting = VecDeque::new();
            state.bytes = 0;
        }
        let receiver = state.receiver.take();
        drop(state);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    /// Ends the mailbox on the receiver's side.
    pub(crate) fn abandon(&self) {
        let mut state = self.state.lock();
        state.abandoned = true;
        state.waiting = VecDeque::new();
        state.bytes = 0;
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> WireMessage<'_> {
        WireMessage::Text(text)
    }

    fn cx() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn messages_come_out_in_order_and_the_box_is_bounded_in_number() {
        let mailbox = Mailbox::default();
        for n in 0..MOST {
            assert!(mailbox.has_room(0, &mut cx()));
            mailbox.push(&text(&n.to_string()));
        }
        assert!(!mailbox.has_room(0, &mut cx()));
        for n in 0..MOST {
            let Some(Waiting::Text(found)) = mailbox.pop() else { panic!("empty") };
            assert_eq!(*found, n.to_string());
        }
        assert!(mailbox.pop().is_none() && mailbox.has_room(0, &mut cx()));
    }

    #[test]
    fn the_box_is_bounded_in_bytes_those_that_are_unread_included() {
        let mailbox = Mailbox::default();
        assert!(mailbox.has_room(MOST_BYTES, &mut cx()), "an empty box takes one message");
        mailbox.push(&text(&"x".repeat(1000)));
        assert!(mailbox.has_room(MOST_BYTES - 1000, &mut cx()));
        assert!(!mailbox.has_room(MOST_BYTES - 999, &mut cx()));
    }

    #[test]
    fn what_waits_is_still_taken_after_the_end_and_nothing_after_it() {
        let mailbox = Mailbox::default();
        mailbox.push(&text("last"));
        mailbox.end(false);
        assert!(matches!(mailbox.poll_pop(&mut cx()), Poll::Ready(Some(_))));
        assert!(matches!(mailbox.poll_pop(&mut cx()), Poll::Ready(None)));
    }

    #[test]
    fn an_abandoned_box_takes_everything_and_keeps_nothing() {
        let mailbox = Mailbox::default();
        mailbox.push(&text("a"));
        mailbox.abandon();
        for _ in 0..100 {
            assert!(mailbox.has_room(0, &mut cx()));
            mailbox.push(&text("b"));
        }
        assert!(mailbox.pop().is_none());
    }
}
