//! Who is in which room of this process, and the fan-out to their queues.

mod hub;
#[cfg(all(test, jstack_loom))]
mod loom;
mod member;
mod name;
mod outgoing;
mod process;
mod publish;
mod registry;
mod room;
#[cfg(test)]
mod tests;

pub(crate) use hub::Hub;
pub(crate) use member::{Life, Member};
#[cfg(feature = "fuzzing")]
pub(crate) use name::check;
pub(crate) use process::Process;
