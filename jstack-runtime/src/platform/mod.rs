//! What a machine has: a clock, timers, tasks, chance.
//!
//! Portable modules name these here and never in `std` or tokio, whose clocks, timers and random
//! numbers compile for WebAssembly and then trap, or are the same in every process. Natively they
//! are those of `std` and tokio: the same code, without a wrapper.

mod native;

pub(crate) use native::{
    HashMap, HashSet, Instant, RandomState, Sleep, block_on, poll_proceed, random, sleep, timeout,
    unconstrained,
};
