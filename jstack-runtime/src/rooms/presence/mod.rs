//! Presence: who is in the rooms of a procedure, in every process.

mod driver;
mod model;
mod peers;
mod personal;
mod service;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use personal::Identity;
pub(super) use personal::Personal;
pub(crate) use state::{CheckState, Presence};
