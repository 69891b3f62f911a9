//! The module's tasks: what an event of JavaScript wakes runs within the call for this event.
//!
//! ```text
//!   JavaScript calls ──▶ within(put) ──▶ wake ──▶ READY ──▶ run ──▶ JavaScript goes on
//!   anything else wakes ───────────────▶ wake ──▶ READY, and `soon` ──▶ jstackRun ──▶ run
//! ```
//!
//! A microtask for each message would cost more than all other crossings for it together.
//!
//! Invariants: a task is in `READY` at most once. It is taken out of its slot while it is polled, so
//! that it may spawn others and end itself. A slot has a generation, so that a waker of an earlier
//! task does not wake the next one.

#![allow(unreachable_pub, reason = "only public functions are exported to JavaScript")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use wasm_bindgen::prelude::wasm_bindgen;

use super::glue;

/// The most polls within one call, so that tasks that wake each other do not keep JavaScript out.
const MOST: usize = 1_024;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A place for one task after the other.
#[derive(Default)]
struct Slot {
    task: Option<Task>,
    generation: u64,
}

/// What wakes a task.
struct Signal {
    slot: usize,
    generation: u64,
    is_ready: AtomicBool,
}

thread_local! {
    static SLOTS: RefCell<Vec<Slot>> = const { RefCell::new(Vec::new()) };
    static FREE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static READY: RefCell<VecDeque<Arc<Signal>>> = const { RefCell::new(VecDeque::new()) };
    /// Whether somebody will run what is ready.
    static WILL_RUN: Cell<bool> = const { Cell::new(false) };
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_ready.swap(true, Ordering::Relaxed) {
            return;
        }
        READY.with_borrow_mut(|ready| ready.push_back(self.clone()));
        if !WILL_RUN.replace(true) {
            glue::soon();
        }
    }
}

/// Runs a future beside the others.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let slot = FREE.with_borrow_mut(Vec::pop).unwrap_or_else(|| {
        SLOTS.with_borrow_mut(|slots| {
            slots.push(Slot::default());
            slots.len() - 1
        })
    });
    let signal = SLOTS.with_borrow_mut(|slots| {
        let place = slots.get_mut(slot)?;
        let generation = place.generation;
        let signal = Arc::new(Signal { slot, generation, is_ready: AtomicBool::new(false) });
        place.task = Some(Box::pin(future));
        Some(signal)
    });
    if let Some(signal) = signal {
        signal.wake();
    }
}

/// Does what wakes tasks, and runs them at once.
pub(crate) fn within(wake: impl FnOnce()) {
    if WILL_RUN.replace(true) {
        // It is called by a task, or a run is due soon.
        return wake();
    }
    wake();
    run();
}

/// Runs what is ready.
#[wasm_bindgen(js_name = jstackRun)]
pub fn run() {
    for _ in 0..MOST {
        let Some(signal) = READY.with_borrow_mut(VecDeque::pop_front) else {
            WILL_RUN.set(false);
            return;
        };
        poll(&signal);
    }
    glue::soon();
}

fn poll(signal: &Arc<Signal>) {
    signal.is_ready.store(false, Ordering::Relaxed);
    let task = SLOTS.with_borrow_mut(|slots| {
        slots.get_mut(signal.slot).filter(|slot| slot.generation == signal.generation)?.task.take()
    });
    let Some(mut task) = task else { return };
    let waker = Waker::from(signal.clone());
    // The panic hook has logged it, and the task ends.
    let polled =
        catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut Context::from_waker(&waker))));
    if matches!(polled, Ok(Poll::Pending)) {
        return SLOTS.with_borrow_mut(|slots| {
            if let Some(slot) = slots.get_mut(signal.slot) {
                slot.task = Some(task);
            }
        });
    }
    SLOTS.with_borrow_mut(|slots| {
        if let Some(slot) = slots.get_mut(signal.slot) {
            slot.generation += 1;
        }
    });
    FREE.with_borrow_mut(|free| free.push(signal.slot));
    // Dropping it may wake and spawn others.
    drop(catch_unwind(AssertUnwindSafe(move || drop(task))));
}
