//! Repair between processes: what a room missed is read from its log before anything later is
//! delivered.

mod place;
mod run;
#[cfg(test)]
mod tests;

pub(super) use place::{Arrival, Place};
