//! Redis as the broker: many processes act as one.
//!
//! A process has two connections, whatever its number of sockets and rooms. One publishes, the
//! other listens. Both are supervised here. The client library would give up after a few attempts,
//! would not notice a silent peer, and would not report lost messages.
//!
//! ```text
//!  Broker::publish ──▶ publish/outbox ──▶ publish/publisher ──▶ PUBLISH ──┐
//!                                                                         ▼
//!                                                                       Redis
//!                                                                         │
//!  Sink::deliver  ◀── subscribe/inbox ◀── subscribe/listener  ◀── messages┘
//!                                            │   ▲
//!  Broker::subscribe ──▶ subscribe/table ────┘   └── confirmations
//! ```
//!
//! What travels is in `broker/format/`. The rooms, lowest floor first; each imports only from those
//! before it:
//!
//! - `route`: which server carries which channel. One server carries all of them as shard 0.
//! - `connect/`: addresses, and one attempt to connect.
//! - `dialect`: the commands of a stand-alone server; `cluster/dialect` has those of a cluster.
//! - `publish/`: what waits to be published, and the connection that publishes it.
//! - `history/`: the scripts that number and keep the messages of rooms with history.
//! - `subscribe/`: which channels are wanted, and the connection that subscribes to them.
//! - `cluster/`: a connection pair for each master, and the route that says which to use.

mod broker;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod connect;
mod connections;
mod counters;
mod dialect;
mod failure;
mod history;
mod name_check;
mod publish;
mod route;
mod subscribe;
mod timer;

pub use broker::Redis;
pub(crate) use broker::{DEADLINE, HEARTBEAT, LOW_TRAFFIC};
pub(crate) use failure::reason;
