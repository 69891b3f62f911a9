//! Events: their wire names, how they decode, and the targets that they are emitted to.

mod delivery;
mod event;
mod question;
mod replier;
mod reply;
mod set;
mod target;

pub use delivery::Delivery;
pub use event::{AnyEvent, Event};
pub use question::{Asked, NoQuestions, Question};
pub use replier::{NoReplies, Replier};
pub use reply::EncodedReply;
pub use set::Events;
pub use target::{EmitFuture, Target};

pub(crate) use question::Asker;
pub(crate) use replier::ReplySink;
pub(crate) use set::named;
pub(crate) use target::{Publisher, To};
