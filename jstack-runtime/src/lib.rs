#![doc = include_str!("docs/crate.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    target_family = "wasm",
    allow(
        dead_code,
        unused_imports,
        reason = "the platform frames, limits and ends connections: what only a server needs for that is unused"
    )
)]
#[cfg(all(
    target_family = "wasm",
    any(feature = "client", feature = "redis", feature = "tls", feature = "fuzzing")
))]
compile_error!(
    "the features `client`, `redis`, `tls` and `fuzzing` need an operating system: leave them out on WebAssembly"
);

mod app;
mod app_context;
pub mod broker;
#[cfg(feature = "client")]
pub mod client;
mod close_reason;
mod codegen;
pub mod contract;
#[cfg(feature = "redis")]
mod emitter;
mod entry;
mod error;
mod events;
mod frame;
mod guard;
pub mod history;
mod http;
mod limits;
mod meters;
mod nearest;
mod net;
mod observe;
mod outbound;
mod payload;
mod platform;
pub mod prelude;
mod procedure;
mod protocol;
mod rate;
mod request_context;
mod rooms;
mod router;
#[cfg(not(target_family = "wasm"))]
mod server;
mod socket_id;
mod sync;
mod transport;
mod untrusted;
#[cfg(target_family = "wasm")]
pub mod workers;
mod ws;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub use app::App;
#[cfg(feature = "client")]
pub use app::TestServer;
/// The axum of this crate, with the extractors, responses and routers that procedures need.
///
/// A program that names axum by this path needs no `axum` in its `Cargo.toml`, and cannot have
/// another version of it.
///
/// ```
/// use jstack_runtime::axum::extract::Path;
/// use jstack_runtime::axum::routing::get;
///
/// async fn greet(Path(name): Path<String>) -> String {
///     format!("hello {name}")
/// }
///
/// let app = jstack_runtime::App::new()
///     .merge(jstack_runtime::axum::Router::new().route("/hello/{name}", get(greet)));
/// # let _: jstack_runtime::App = app;
/// ```
#[doc(no_inline)]
pub use axum;
pub use broker::Memory;
#[cfg(feature = "redis")]
pub use broker::Redis;
pub use close_reason::{CloseReason, ClosedBy};
#[cfg(feature = "redis")]
pub use emitter::Emitter;
pub use error::{BoxError, Error, Failure, Issue, Result};
pub use events::{Asked, EmitFuture, Events};
pub use http::{Bearer, ClientAddress, OriginError, Origins, Raw, SuperJson};
#[doc = include_str!("docs/events.md")]
pub use jstack_macros::Events;
#[doc = include_str!("docs/payload.md")]
pub use jstack_macros::Payload;
#[doc = include_str!("docs/main.md")]
pub use jstack_macros::main;
#[doc = include_str!("docs/procedure.md")]
pub use jstack_macros::procedure;
pub use limits::Limits;
pub use payload::{Issues, Payload};
pub use router::Router;
pub use socket_id::{ParseSocketIdError, SocketId};
pub use ws::{
    Io, Join, Member, Past, PresenceProcedure, Present, Receiver, RoomHistory, RoomPresence,
    Socket, SocketPresence, SocketProcedure,
};

#[cfg(not(target_family = "wasm"))]
pub mod raw {
    //! WebSockets without events: text and bytes, for other protocols.
    //!
    //! They have the same framing, limits and liveness as procedures, and no contract. Prefer
    //! `#[procedure(ws, …)]` wherever you define the messages.
    //!
    //! ```
    //! use axum::extract::{Request, State};
    //! use jstack_runtime::{Limits, raw::Sockets};
    //!
    //! async fn echo(State(sockets): State<Sockets>, request: Request) -> axum::response::Response {
    //!     let echo = async |mut socket: jstack_runtime::raw::Socket| {
    //!         while let Some(message) = socket.recv().await {
    //!             socket.send(&message);
    //!         }
    //!     };
    //!     sockets.upgrade(request, echo).await
    //! }
    //!
    //! let app: jstack_runtime::App = jstack_runtime::App::new().merge(
    //!     axum::Router::new()
    //!         .route("/echo", axum::routing::any(echo))
    //!         .with_state(Sockets::new(Limits::default())),
    //! );
    //! ```
    pub use crate::transport::raw::{Message, Socket, Sockets};
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
///
/// `#[cfg(…)]` before a name leaves the procedure out if the condition is false:
/// `router![count, #[cfg(feature = "admin")] admin::clear]`.
#[macro_export]
macro_rules! router {
    // Every part of an entry may be missing, so that the one after a last comma is empty.
    ($($(#[$attr:meta])* $(:: $($global:ident)::+)? $($($local:ident)::+)?),+) => {{
        let router = $crate::Router::new();
        $(
            $(#[$attr])*
            let router = router
                $(.procedure(:: $($global ::)+ Procedure))?
                $(.procedure($($local ::)+ Procedure))?;
        )+
        router
    }};
}

/// The API of generated code. It may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use garde;

    #[cfg(not(target_family = "wasm"))]
    pub use crate::app::WithoutState;
    pub use crate::codegen::{
        AnswerWriter, Chooses, IsConverted, Params, UnknownParams, answers, kept, no_reply,
        only_incoming, only_outgoing, outcome, refused, replied, results, rules, sendable,
        unreplied,
    };
    pub use crate::entry::{Sendable, Unsendable, exit_code, main};
    pub use crate::events::{
        AnyEvent, Asked, EmitFuture, EncodedReply, Event, Events, NoQuestions, NoReplies,
        NoRequests, Question, Replier, Request, Target,
    };
    pub use crate::http::answer::OutputInfo;
    pub use crate::http::input::{RawInput, inputs, optional_inputs};
    pub use crate::http::{Answer, Reply, RequestExtractor};
    pub use crate::payload::{
        Checked, Declared, EventPayload, EventPayloadAs, FastCheck, GardeRules, InputPayload,
        Issues, NoRules, NotEnforced, NothingToEnforce, RawPayload, RuleFree, Ruled, Rules,
        RulesOfParts, Undecided,
    };
    pub use crate::procedure::{
        HttpProcedure, Kind, ParamsInfo, Procedure, ProcedureInfo, ReplyFuture, ServeFn,
    };
    pub use crate::request_context::{RefreshFn, RequestContext};
    pub use crate::ws::{
        CloneExtractor, EncodedMember, Handlers, IntoOutcome, Join, Left, PresenceProcedure, Shown,
        SocketExtractor, SocketProcedure, member, shown,
    };
    pub use crate::{__check as check, __chosen as chosen, __issues as issues, __params as params};
}
