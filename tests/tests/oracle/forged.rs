//! The judge refuses what must not happen: each of these logs has one fault.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::clients::{Heard, Log, Published};
use crate::faults::LoggedGap;
use crate::verdict::{Verdict, judge};

const ROOM: &str = "r0";

/// Ten messages, all taken: number `n` is at offset `n`. Two v1 clients and a stock client in the
/// room heard them all.
struct Forged {
    published: BTreeMap<u64, Published>,
    logs: Vec<Log>,
    logged: Vec<LoggedGap>,
    began: Instant,
}

/// The stock client among the logs.
const STOCK: usize = 2;

impl Forged {
    fn new() -> Self {
        let began = Instant::now() + Duration::from_mins(1);
        let message = Published {
            rooms: vec![ROOM.to_owned()],
            except_room: None,
            except_client: None,
            taken: true,
        };
        let published = (1..=10).map(|n| (n, message.clone())).collect();
        let mut this = Self { published, logs: Vec::new(), logged: Vec::new(), began };
        for is_v1 in [true, true, false] {
            let heard = (1..=10).map(|n| this.said(is_v1, n, ("e", n))).collect();
            this.logs.push(Log { is_v1, process: 0, rooms: vec![ROOM.to_owned()], heard });
        }
        this
    }

    /// Ten seconds are between two messages.
    fn time(&self, n: u64) -> Instant {
        self.began + Duration::from_secs(10 * n)
    }

    fn said(&self, is_v1: bool, n: u64, (epoch, offset): (&str, u64)) -> Heard {
        Heard::Said {
            n,
            room: is_v1.then(|| ROOM.to_owned()),
            at: is_v1.then(|| (epoch.to_owned(), offset)),
            when: self.time(n),
        }
    }

    fn gap(&self, n: u64) -> Heard {
        Heard::Gap { room: Some(ROOM.to_owned()), reason: "broker", when: self.time(n) }
    }

    /// The process has logged a gap before message `n`.
    fn log_gap(mut self, process: usize, n: u64) -> Self {
        self.logged.push(LoggedGap { process, room: ROOM.to_owned(), at: self.time(n) });
        self
    }

    /// A client does not hear message `n`.
    fn without(mut self, client: usize, n: u64) -> Self {
        self.logs[client]
            .heard
            .retain(|heard| !matches!(heard, Heard::Said { n: of, .. } if *of == n));
        self
    }

    /// A client learns of a gap where message `n` would be.
    fn with_gap(mut self, client: usize, n: usize) -> Self {
        let gap = self.gap(n as u64);
        self.logs[client].heard.insert(n - 1, gap);
        self
    }

    fn judge(self) -> Verdict {
        judge(&self.published, 1, &self.logs, &self.logged)
    }
}

#[test]
fn what_is_whole_is_accepted() {
    let verdict = Forged::new().judge();
    assert_eq!((verdict.taken, verdict.heard, verdict.unheard), (10, 30, 0));
    assert_eq!((verdict.gaps, verdict.stock_gaps), (0, 0));
}

#[test]
fn a_hole_with_a_gap_is_accepted() {
    assert_eq!(Forged::new().without(1, 5).with_gap(1, 5).judge().gaps, 1);
}

#[test]
#[should_panic(expected = "client 1, r0: (\"e\", 4) to (\"e\", 6)")]
fn a_hole_without_a_gap_is_refused() {
    Forged::new().without(1, 5).judge();
}

#[test]
#[should_panic(expected = "client 1, r0: (\"e\", 4) to (\"e\", 6)")]
fn a_hole_with_a_gap_elsewhere_is_refused() {
    Forged::new().without(1, 5).without(1, 8).with_gap(1, 7).judge();
}

#[test]
#[should_panic(expected = "client 0, r0: (\"e\", 4) to (\"e\", 6)")]
fn a_hole_of_what_nobody_heard_is_refused() {
    Forged::new().without(0, 5).without(1, 5).without(STOCK, 5).judge();
}

#[test]
#[should_panic(expected = "10 in r0 was taken, and client 0 has no gap")]
fn an_end_that_nobody_heard_is_refused() {
    Forged::new().without(0, 10).without(1, 10).without(STOCK, 10).judge();
}

#[test]
fn an_end_that_nobody_heard_is_accepted_in_a_gap() {
    let forged = Forged::new().without(0, 10).without(1, 10).without(STOCK, 10);
    assert_eq!(forged.with_gap(0, 10).with_gap(1, 10).judge().unheard, 2);
}

#[test]
#[should_panic(expected = "client 1 heard 5 twice in r0")]
fn what_comes_twice_is_refused() {
    let mut forged = Forged::new();
    let again = forged.said(true, 5, ("e", 5));
    forged.logs[1].heard.push(again);
    forged.judge();
}

#[test]
#[should_panic(expected = "client 1, r0: (\"e\", 5) after (\"e\", 6)")]
fn another_order_is_refused() {
    let mut forged = Forged::new();
    forged.logs[1].heard.swap(4, 5);
    // A gap excuses what is missing, not the order.
    forged.with_gap(1, 5).with_gap(1, 7).log_gap(0, 5).judge();
}

#[test]
#[should_panic(expected = "two messages are at (\"e\", 5) in r0")]
fn two_messages_at_one_place_are_refused() {
    let mut forged = Forged::new();
    forged.logs[1].heard[4] = forged.said(true, 6, ("e", 5));
    forged.judge();
}

#[test]
#[should_panic(expected = "5 is at two places in r0")]
fn a_message_at_two_places_is_refused() {
    let mut forged = Forged::new();
    forged.logs[1].heard[4] = forged.said(true, 5, ("f", 5));
    forged.judge();
}

#[test]
#[should_panic(expected = "client 0, r0: an epoch without a gap")]
fn another_epoch_without_a_gap_is_refused() {
    let mut forged = Forged::new();
    for client in [0, 1] {
        forged.logs[client].heard[9] = forged.said(true, 10, ("f", 1));
    }
    forged.judge();
}

#[test]
#[should_panic(
    expected = "client 1, r0: a gap (broker) where nothing is missing before (\"e\", 5)"
)]
fn a_gap_where_nothing_is_missing_is_refused() {
    Forged::new().with_gap(1, 5).judge();
}

#[test]
fn a_gap_of_a_process_that_could_not_read_the_log_is_accepted() {
    assert_eq!(Forged::new().with_gap(1, 5).log_gap(0, 5).judge().gaps, 1);
}

#[test]
#[should_panic(expected = "5 in r0")]
fn what_its_sender_excluded_itself_from_is_refused() {
    let mut forged = Forged::new();
    forged.published.get_mut(&5).unwrap().except_client = Some(1);
    forged.judge();
}

#[test]
fn what_a_client_is_excluded_from_is_not_missing() {
    let mut forged = Forged::new().without(1, 5);
    forged.published.get_mut(&5).unwrap().except_client = Some(1);
    assert_eq!(forged.judge().gaps, 0);
}

#[test]
#[should_panic(expected = "stock client 2, r0: 5 is missing")]
fn a_hole_of_a_stock_client_is_refused() {
    Forged::new().without(STOCK, 5).judge();
}

#[test]
fn a_hole_of_a_stock_client_that_its_process_has_logged_is_accepted() {
    assert_eq!(Forged::new().without(STOCK, 5).log_gap(0, 5).judge().stock_gaps, 1);
}

#[test]
#[should_panic(expected = "stock client 2, r0: 5 is missing")]
fn a_hole_of_a_stock_client_that_another_process_has_logged_is_refused() {
    Forged::new().without(STOCK, 5).log_gap(1, 5).judge();
}

#[test]
#[should_panic(expected = "stock client 2, r0: 5 is missing")]
fn a_hole_of_a_stock_client_at_another_time_than_the_logged_gap_is_refused() {
    Forged::new().without(STOCK, 5).log_gap(0, 8).judge();
}

#[test]
#[should_panic(expected = "stock client 2 heard 5 twice")]
fn what_comes_twice_to_a_stock_client_is_refused() {
    let mut forged = Forged::new();
    let again = forged.said(false, 5, ("e", 5));
    forged.logs[STOCK].heard.push(again);
    forged.judge();
}

#[test]
#[should_panic(expected = "stock client 2, r0: (\"e\", 5) after (\"e\", 6)")]
fn another_order_of_a_stock_client_is_refused() {
    let mut forged = Forged::new();
    forged.logs[STOCK].heard.swap(4, 5);
    forged.log_gap(0, 5).judge();
}
