//! Events: their wire names, how they decode, and the targets that they are emitted to.

mod delivery;
mod event;
mod question;
mod replier;
mod reply;
mod request;
mod set;
mod target;

pub use delivery::Delivery;
pub use event::{AnyEvent, Event};
pub use question::{Asked, NoQuestions, Question};
pub use replier::{NoReplies, Replier};
pub use reply::EncodedReply;
pub use request::{NoRequests, Request};
pub use set::Events;
pub use target::{EmitFuture, Target};

pub(crate) use event::Recode;
pub(crate) use question::Asker;
pub(crate) use replier::ReplySink;
#[cfg(feature = "client")]
pub(crate) use request::Requests;
pub(crate) use set::named;
pub(crate) use target::{EventPublisher, Except, To};
