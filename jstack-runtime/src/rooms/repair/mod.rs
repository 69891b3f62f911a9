//! Repair between processes: what a room missed is read from its log before anything later is
//! delivered.

mod merge;
mod place;
mod run;
#[cfg(test)]
mod tests;
mod waiting;

pub(super) use place::Place;
pub(super) use waiting::Arrival;
