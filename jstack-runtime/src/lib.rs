//! Typed real-time endpoints on axum.

mod activity;
mod admission;
mod app;
mod broker;
mod call;
mod closing;
mod config;
#[cfg(feature = "redis")]
mod emitter;
mod error;
mod events;
mod frame;
mod http;
mod macros;
mod meters;
mod outbound;
mod payload;
pub mod prelude;
mod procedure;
mod rate;
mod rooms;
mod router;
mod schema;
mod server;
mod site;
mod sync;
mod target;
mod untrusted;
mod ws;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub use app::App;
#[cfg(feature = "redis")]
pub use broker::Redis;
pub use broker::{Broker, Channel, Memory, Message, Publish, Scope, Sink, Subscribe};
pub use call::Call;
pub use closing::{CloseReason, ClosedBy};
pub use config::Limits;
#[cfg(feature = "redis")]
pub use emitter::Emitter;
pub use error::{BoxError, Error, Issue, Result};
pub use events::{AnyEvent, Event, Events};
#[doc(hidden)]
pub use http::sent::{inputs as __inputs, optional_inputs as __optional_inputs};
pub use http::{Answer, OriginError, Origins, Raw, Reply, RequestExtractor, SuperJson};
#[doc = include_str!("docs/events.md")]
pub use jstack_macros::Events;
#[doc = include_str!("docs/payload.md")]
pub use jstack_macros::Payload;
#[doc = include_str!("docs/procedure.md")]
pub use jstack_macros::procedure;
#[doc(hidden)]
pub use macros::{answers as __answers, results as __results, rules as __rules};
pub use payload::{Data, EventPayload, InputPayload, Issues, Payload};
pub use procedure::{Info, Kind, Procedure, Running, Serve};
pub use router::Router;
pub use schema::{
    Contract, ContractError, EventContract, InputContract, OutputContract, ProcedureContract,
};
pub use target::{ParseSocketIdError, Sending, SocketId, Target};
pub use ws::{CloneExtractor, Handlers, Io, Left, Outcome, Receiver, Socket, SocketExtractor, Ws};

pub mod raw {
    //! WebSockets without events: text and bytes, for protocols of one's own.
    //!
    //! They have the same engine, limits and liveness as procedures, and none of the contract.
    //! Prefer `#[procedure(ws, …)]` wherever the messages are yours to define.
    pub use crate::ws::raw::{Message, Socket, Sockets};
}

/// A [`Router`] of procedures by their names: functions and modules that carry `#[procedure]`.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// mod posts {
///     use jstack_runtime::prelude::*;
///
///     #[procedure(get)]
///     pub async fn count() -> u32 { 3 }
/// }
///
/// fn router() -> Router { router![posts::count] }
/// ```
#[macro_export]
macro_rules! router {
    ($($first:ident $(:: $rest:ident)*),* $(,)?) => {
        $crate::Router::new()$(.procedure($first $(:: $rest)* ::Procedure))*
    };
    ($(:: $first:ident $(:: $rest:ident)*),* $(,)?) => {
        $crate::Router::new()$(.procedure(:: $first $(:: $rest)* ::Procedure))*
    };
}

/// What expansions need and nobody else does; it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use garde;

    use crate::Result;
    pub use crate::http::answer::OutputInfo;
    pub use crate::http::sent::Sent;
    pub use crate::payload::{Checked, Fast, GardeRules, NoRules, Rules, Unsure};
    use crate::ws::{CloneExtractor, Outcome};

    /// A handler's outcome.
    pub fn outcome<O: Outcome<()>>(outcome: O) -> Result {
        outcome.outcome()
    }

    /// A clone of an extractor for one event.
    pub fn kept<T: CloneExtractor>(extractor: &T) -> T {
        extractor.kept()
    }
}
