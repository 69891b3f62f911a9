//! The state of one socket, without I/O and without a task: see [`Core`].

mod connection;
mod inbox;
mod options;
mod outbox;
mod people;
mod presence;
mod receiving;
mod reporting;
mod requests;
mod room;
mod sending;
mod state;
#[cfg(test)]
mod tests;
mod time;

pub(super) use inbox::Item;
pub(super) use options::Options;
pub(super) use presence::{Change, Presence};
pub(super) use requests::Asked;
pub(super) use state::{Core, Phase};
