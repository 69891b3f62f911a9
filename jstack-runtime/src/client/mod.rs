//! The Rust client: sockets that come back, and calls of `get` and `post` procedures.
//!
//! It is typed by what the server is written in: the enums of events and the markers of procedures.
//! It speaks the profile `v1`, and the base profile with servers that know only that.
//!
//! ```no_run
//! use jstack_runtime::client::{Client, Incoming};
//! use jstack_runtime::prelude::*;
//!
//! #[derive(Clone, Debug, Events)]
//! pub enum ToServer {
//!     Say(String),
//! }
//!
//! #[derive(Clone, Debug, Events)]
//! pub enum ToClient {
//!     Said(String),
//! }
//!
//! #[procedure(ws, incoming = ToServer, outgoing = ToClient)]
//! pub mod chat {
//!     use super::*;
//!
//!     #[on(Say)]
//!     async fn say(io: Io, text: String) -> Result {
//!         io.all().said(&text).await
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result {
//! let client = Client::new("http://127.0.0.1:8080/api")?.bearer("a token");
//! let mut chat = client.ws::<chat::Procedure>("post/chat").connect().await?;
//! chat.emit().say("hello").await?;
//! while let Some(incoming) = chat.next().await {
//!     match incoming {
//!         Incoming::Event(ToClient::Said(text), _) => println!("{text}"),
//!         Incoming::Gap(gap) => println!("messages are missing since {:?}", gap.since),
//!         Incoming::Error { event, error, .. } => println!("{event:?}: {error}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **It comes back**, endlessly, with delays of `random(0, min(20 s, 500 ms · 2ⁿ))`. Only a refusal
//!   that another attempt cannot change ends it: see [`Status::Closed`].
//! - **Nothing is lost in silence.** What may be missing is an [`Incoming::Gap`], before what follows it.
//! - **Each request ends**: by its reply, by a typed error, or by its timeout.
//! - **What is emitted while it is away** is kept: 100 events, for 30 seconds. Volatile events are
//!   dropped, and of a `latest` event the newest is kept.
//!
//! Each socket has a task of its own on the current tokio runtime. No method blocks.

mod address;
mod answers;
mod call;
#[allow(clippy::module_inception, reason = "`Client` is where everything begins")]
mod client;
mod closing;
mod core;
mod dial;
mod engine;
mod failure;
mod headers;
mod incoming;
mod input;
mod inward;
mod network;
mod output;
mod pool;
mod presence;
mod room;
mod sender;
mod shared;
mod socket;
mod status;
#[cfg(feature = "client-tls")]
mod tls;
mod token;
mod wire;

pub use call::Call;
pub use client::Client;
pub use incoming::{Gap, GapReason, Incoming, Meta, Position};
pub use presence::{Presence, PresenceChange, Watch};
pub use room::{Past, PastPage, Room};
pub use sender::Sender;
pub use socket::{Dial, Socket};
pub use status::{Profile, Status};
pub use token::TokenReason;

pub(crate) use network::{Connecting, Connector, Stream};
