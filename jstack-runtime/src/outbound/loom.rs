//! A model check of the hand-over from publishers to the flusher, in all orders of the threads.
//!
//! `RUSTFLAGS="--cfg jstack_loom" cargo test -p jstack-runtime --lib loom --release`

use std::sync::{Arc, Mutex as StdMutex};

use loom::future::block_on;
use loom::sync::Arc as LoomArc;
use loom::thread;

use super::flusher::DirtyList;
use super::socket::Socket;
use super::{Flushed, Frame, Outbound, Pushed, QueueLimits};

const LIMITS: QueueLimits = QueueLimits { bytes: 1000, frames: 100 };
const CLOSING: &[u8] = b"\x88\x00";

struct Connection(Outbound);

impl AsRef<Outbound> for Connection {
    fn as_ref(&self) -> &Outbound {
        &self.0
    }
}

/// One connection, its flusher's list, and the bytes written to its socket.
#[derive(Clone)]
struct Rig {
    list: LoomArc<DirtyList<Connection>>,
    connection: Arc<Connection>,
    written: Arc<StdMutex<Vec<u8>>>,
}

/// A distinguishable frame of three bytes.
fn frame(name: u8) -> [u8; 3] {
    [0x81, 1, name]
}

impl Rig {
    fn new(at_once: usize) -> Self {
        let written = Arc::new(StdMutex::default());
        let out = Outbound::new();
        assert_eq!(out.attach_tcp(Socket { written: written.clone(), at_once }), Pushed::Queued);
        let connection = Arc::new(Connection(out));
        Self { list: LoomArc::new(DirtyList::new()), connection, written }
    }

    /// Pushes as a publisher does; `false` if the queue was closed.
    fn push(&self, name: u8) -> bool {
        let pushed = self.connection.0.push(&Frame::new(&frame(name)[..]), LIMITS, || CLOSING);
        if pushed == Pushed::Dirty {
            self.list.mark(self.connection.clone());
        }
        pushed != Pushed::Closed
    }

    fn close(&self) {
        if self.connection.0.close(CLOSING) == Some(Pushed::Dirty) {
            self.list.mark(self.connection.clone());
        }
    }

    /// Flushes as the flushing task does, until `bytes` are written. After a lost wake-up it would
    /// wait for ever, which loom reports.
    fn flush_until(&self, bytes: usize) {
        let mut work = Vec::new();
        while self.written().len() < bytes {
            block_on(self.list.next(&mut work));
            for connection in work.drain(..) {
                while connection.0.flush() == Flushed::Blocked {
                    thread::yield_now();
                }
            }
        }
    }

    fn written(&self) -> Vec<u8> {
        self.written.lock().expect("not poisoned").clone()
    }
}

/// The names of the frames in `bytes`, all of which must be whole. A close frame is `!`.
fn names(mut bytes: &[u8]) -> Vec<u8> {
    let mut names = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<2>() {
        if head == CLOSING {
            names.push(b'!');
            bytes = rest;
        } else {
            assert_eq!(head, b"\x81\x01");
            names.push(rest[0]);
            bytes = &rest[1..];
        }
    }
    assert!(bytes.is_empty());
    names
}

#[test]
fn loom_what_two_publishers_push_is_written_once_and_in_their_order() {
    loom::model(|| {
        let rig = Rig::new(100);
        let publishers = [&b"ab"[..], b"x"].map(|frames| {
            let rig = rig.clone();
            thread::spawn(move || frames.iter().for_each(|name| assert!(rig.push(*name))))
        });
        rig.flush_until(9);
        for publisher in publishers {
            publisher.join().expect("no panic");
        }
        let names = names(&rig.written());
        for order in [&b"ab"[..], b"x"] {
            let theirs: Vec<u8> = names.iter().copied().filter(|n| order.contains(n)).collect();
            assert_eq!(theirs, order, "{names:?}");
        }
        assert!(rig.connection.0.is_empty());
    });
}

#[test]
fn loom_what_is_pushed_while_the_socket_is_full_is_flushed_too() {
    loom::model(|| {
        let rig = Rig::new(2);
        let publisher = thread::spawn({
            let rig = rig.clone();
            move || b"abc".map(|name| assert!(rig.push(name)))
        });
        rig.flush_until(9);
        publisher.join().expect("no panic");
        assert_eq!(names(&rig.written()), b"abc");
    });
}

#[test]
fn loom_what_was_pushed_before_a_close_goes_out_and_nothing_after_it() {
    loom::model(|| {
        let rig = Rig::new(100);
        let publisher = thread::spawn({
            let rig = rig.clone();
            move || b"ab".map(|name| rig.push(name))
        });
        let closer = thread::spawn({
            let rig = rig.clone();
            move || rig.close()
        });
        // The close frame is always written, the others perhaps.
        rig.flush_until(2);
        let taken = publisher.join().expect("no panic");
        closer.join().expect("no panic");
        let expected = 2 + 3 * taken.iter().filter(|taken| **taken).count();
        rig.flush_until(expected);
        let sent: Vec<u8> =
            b"ab".iter().zip(taken).filter(|(_, taken)| *taken).map(|(n, _)| *n).collect();
        assert_eq!(names(&rig.written()), [&sent[..], b"!"].concat());
    });
}

#[test]
fn loom_nothing_waits_in_a_queue_that_was_killed() {
    loom::model(|| {
        let rig = Rig::new(100);
        let publisher = thread::spawn({
            let rig = rig.clone();
            move || b"ab".map(|name| rig.push(name))
        });
        rig.connection.0.kill();
        publisher.join().expect("no panic");
        assert!(rig.connection.0.is_empty());
        assert_eq!(rig.connection.0.flush(), Flushed::Failed);
        assert!(rig.written().is_empty());
        assert!(!rig.push(b'c'));
    });
}
