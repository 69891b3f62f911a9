//! Publishing: messages wait in the outbox until the publishing connection sends them.

mod coalesce;
mod in_flight;
mod outbox;
mod pending;
mod publisher;
mod queue;
mod queues;

pub(super) use outbox::Outbox;
pub(super) use publisher::Publisher;
