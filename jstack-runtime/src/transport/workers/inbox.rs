//! What came on each WebSocket and was not looked at yet. JavaScript puts it here.
//!
//! A socket does not push back: what a client sends is here as soon as it comes. So that a handler
//! which takes its time does not fill the memory, a client that sends too far ahead is closed.

#![allow(unreachable_pub, reason = "only public functions are exported to JavaScript")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::prelude::wasm_bindgen;

use crate::platform::workers::within;
use crate::platform::{HashMap, Instant};

/// Messages that may wait for a handler: more than `rate` and `burst` let pass in a handler's time.
const MOST: usize = 4096;
/// Bytes that may wait, beside one message of any length.
const MOST_BYTES: usize = 1024 * 1024;

/// One thing that happened on a socket.
pub(super) enum Happened {
    Text(String),
    /// A text that is longer than the application allows.
    TooLong,
    Binary,
    Close(u16, String),
    /// It broke off.
    Lost,
    /// The client sent more than may wait.
    TooFarAhead,
}

/// Something that happened, and when.
pub(super) struct Arrived {
    pub(super) at: Instant,
    pub(super) what: Happened,
}

#[derive(Default)]
struct Inbox {
    waiting: VecDeque<Arrived>,
    bytes: usize,
    waker: Option<Waker>,
    /// Nothing more is taken.
    full: bool,
}

thread_local! {
    /// By the socket's number. They cannot live in the connection, which must be `Send`.
    static INBOXES: RefCell<HashMap<u32, Inbox>> = RefCell::default();
}

/// Begins to keep what comes on a socket.
pub(super) fn open(socket: u32) {
    INBOXES.with_borrow_mut(|all| all.insert(socket, Inbox::default()));
}

/// Drops what came on a socket, and what will.
pub(super) fn close(socket: u32) {
    let inbox = INBOXES.with_borrow_mut(|all| all.remove(&socket));
    drop(inbox);
}

/// The next thing that happened on a socket.
pub(super) fn poll_next(socket: u32, cx: &mut Context<'_>) -> Poll<Option<Arrived>> {
    INBOXES.with_borrow_mut(|all| {
        let Some(inbox) = all.get_mut(&socket) else { return Poll::Ready(None) };
        let Some(arrived) = inbox.waiting.pop_front() else {
            inbox.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if let Happened::Text(text) = &arrived.what {
            inbox.bytes -= text.len();
        }
        if inbox.waiting.is_empty() {
            // It holds nothing while it is empty.
            inbox.waiting = VecDeque::new();
        }
        Poll::Ready(Some(arrived))
    })
}

/// How many bytes wait.
pub(super) fn waiting(socket: u32) -> usize {
    INBOXES.with_borrow(|all| all.get(&socket).map_or(0, |inbox| inbox.bytes))
}

fn put(socket: u32, what: Happened, at: Instant) {
    let waker = INBOXES.with_borrow_mut(|all| {
        let inbox = all.get_mut(&socket)?;
        if inbox.full {
            return None;
        }
        let ends = matches!(what, Happened::Close(..) | Happened::Lost);
        let what = if inbox.waiting.len() >= MOST || inbox.bytes > MOST_BYTES {
            inbox.full = true;
            if ends { what } else { Happened::TooFarAhead }
        } else {
            what
        };
        if let Happened::Text(text) = &what {
            inbox.bytes += text.len();
        }
        inbox.waiting.push_back(Arrived { at, what });
        inbox.waker.take()
    });
    if let Some(waker) = waker {
        within(|| waker.wake());
    }
}

/// A message came: its text, or `undefined` for bytes.
#[wasm_bindgen(js_name = jstackMessage)]
pub fn message(socket: u32, text: Option<String>, now: f64) {
    put(socket, text.map_or(Happened::Binary, Happened::Text), Instant::at(now));
}

/// A text came that is too long to be looked at.
#[wasm_bindgen(js_name = jstackTooLong)]
pub fn too_long(socket: u32, now: f64) {
    put(socket, Happened::TooLong, Instant::at(now));
}

/// The client closed the socket, or it broke off.
#[wasm_bindgen(js_name = jstackClosed)]
pub fn closed(socket: u32, code: u16, reason: String, now: f64) {
    // 1006 is what the runtime says of a connection that broke off.
    let what = if code == 1006 { Happened::Lost } else { Happened::Close(code, reason) };
    put(socket, what, Instant::at(now));
}
