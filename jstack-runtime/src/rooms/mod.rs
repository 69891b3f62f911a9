//! Rooms: their members in this process, and the fan-out to the members' queues.

mod broadcast;
mod classes;
mod close;
mod control;
mod delivery;
mod history;
mod hub;
mod join;
#[cfg(all(test, jstack_loom))]
mod loom;
#[cfg(all(test, jstack_loom))]
mod loom_history;
mod member;
mod name;
mod node;
mod presence;
mod publish;
mod questions;
mod registry;
mod remembered;
mod repair;
mod room;
#[cfg(test)]
mod tests;
mod unserved;

pub(crate) use classes::{Classes, EventClass};
pub(crate) use hub::{CLOSED, Hub};
pub(crate) use join::JoinOptions;
pub(crate) use member::{Life, Member};
#[cfg(any(feature = "fuzzing", not(target_family = "wasm")))]
pub(crate) use name::check as check_name;
pub(crate) use node::Node;
pub(crate) use presence::{CheckState, Identity};
