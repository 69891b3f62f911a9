//! Upstash's REST API as the broker: an application on Cloudflare Workers shares its rooms with
//! servers that use the same database.
//!
//! ```text
//!  Broker::publish ──▶ publisher ──▶ POST /pipeline ────────────▶ Upstash
//!  Sink::deliver ◀──── listener ◀── POST /subscribe/<channel> ◀── a stream of events
//! ```
//!
//! Channels and payloads are those of the Redis broker (`broker/format/`). The API carries text, so
//! that payloads are written in their form of text, and servers must do the same.

#[cfg(all(feature = "upstash", target_family = "wasm"))]
mod api;
#[cfg(all(feature = "upstash", target_family = "wasm"))]
mod broker;
#[cfg(all(feature = "upstash", target_family = "wasm"))]
mod entry;
mod events;
#[cfg(all(feature = "upstash", target_family = "wasm"))]
mod inner;
#[cfg(all(feature = "upstash", target_family = "wasm"))]
mod listener;
#[cfg(all(feature = "upstash", target_family = "wasm"))]
mod outbox;
#[cfg(all(feature = "upstash", target_family = "wasm"))]
mod publisher;
#[cfg(all(feature = "upstash", target_family = "wasm"))]
mod reports;

#[cfg(all(feature = "upstash", target_family = "wasm"))]
pub(crate) use broker::{DEADLINE, Rest};
