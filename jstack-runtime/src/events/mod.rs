//! Events: their wire names, how they decode, and the targets that they are emitted to.

mod event;
mod target;

pub(crate) use event::named;
pub use event::{AnyEvent, Event, Events};
pub use target::{EmitFuture, Target};
pub(crate) use target::{Publisher, To};
