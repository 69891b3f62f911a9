//! What a machine has: a clock, timers, tasks, chance.
//!
//! Portable modules name them here and never in `std` or tokio, whose clocks, timers and random
//! numbers compile for WebAssembly and then trap, or are the same in every process. Natively they
//! are those of `std` and tokio: the same code, without a wrapper.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
pub(crate) mod workers;

#[cfg(not(target_family = "wasm"))]
use native as machine;
#[cfg(target_family = "wasm")]
use workers as machine;

pub(crate) use machine::{
    HashMap, HashSet, Instant, RandomState, Sleep, poll_proceed, random, sleep, spawn, timeout,
    unconstrained, unix_millis, write_line,
};
#[cfg(all(feature = "server", not(target_family = "wasm")))]
pub(crate) use native::{block_on, runtime};
