#![doc = include_str!("docs/crate.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    any(target_family = "wasm", not(feature = "server")),
    allow(
        dead_code,
        unused_imports,
        reason = "both sides of a connection share what frames it and names its errors, and neither uses all"
    )
)]
#[cfg(all(
    target_family = "wasm",
    any(feature = "client", feature = "redis", feature = "tls", feature = "fuzzing")
))]
compile_error!(
    "the features `client`, `redis`, `tls` and `fuzzing` need an operating system: leave them out on WebAssembly"
);

#[cfg(feature = "server")]
mod app;
#[cfg(feature = "server")]
mod app_context;
#[cfg(feature = "server")]
pub mod broker;
#[cfg(not(feature = "server"))]
mod broker;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
mod close_reason;
#[cfg(feature = "server")]
mod codegen;
#[cfg(feature = "server")]
pub mod contract;
#[cfg(feature = "server")]
mod direct;
#[cfg(feature = "redis")]
mod emitter;
#[cfg(feature = "server")]
mod entry;
mod error;
mod events;
mod frame;
#[cfg(feature = "server")]
mod guard;
#[cfg(feature = "server")]
pub mod history;
mod http;
#[cfg(feature = "server")]
mod limits;
mod markers;
#[cfg(feature = "server")]
mod meters;
#[cfg(feature = "server")]
mod nearest;
#[cfg(feature = "server")]
mod net;
#[cfg(feature = "server")]
mod observe;
#[cfg(feature = "server")]
mod outbound;
mod payload;
mod platform;
pub mod prelude;
#[cfg(feature = "server")]
mod procedure;
mod protocol;
#[cfg(feature = "server")]
mod rate;
#[cfg(feature = "server")]
mod request_context;
#[cfg(feature = "server")]
mod rooms;
#[cfg(feature = "server")]
mod router;
#[cfg(all(feature = "server", not(target_family = "wasm")))]
mod server;
mod socket_id;
#[cfg(feature = "server")]
mod sync;
#[cfg(feature = "server")]
mod transport;
mod untrusted;
#[cfg(all(feature = "server", target_family = "wasm"))]
pub mod workers;
#[cfg(feature = "server")]
mod ws;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

#[cfg(feature = "server")]
pub use app::App;
#[cfg(all(feature = "client", feature = "server"))]
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
#[cfg(feature = "server")]
#[doc(no_inline)]
pub use axum;
#[cfg(feature = "server")]
pub use broker::Memory;
#[cfg(feature = "redis")]
pub use broker::Redis;
#[cfg(feature = "server")]
pub use close_reason::{CloseReason, ClosedBy};
#[cfg(feature = "redis")]
pub use emitter::Emitter;
pub use error::{BoxError, Error, Failure, Issue, Result};
pub use events::{Asked, EmitFuture, Events};
#[cfg(feature = "server")]
pub use http::{Bearer, ClientAddress, OriginError, Origins, Raw, SuperJson};
#[doc = include_str!("docs/events.md")]
pub use jstack_macros::Events;
#[doc = include_str!("docs/payload.md")]
pub use jstack_macros::Payload;
#[cfg(feature = "server")]
#[doc = include_str!("docs/main.md")]
pub use jstack_macros::main;
#[cfg(feature = "server")]
#[doc = include_str!("docs/procedure.md")]
pub use jstack_macros::procedure;
#[cfg(feature = "server")]
pub use limits::Limits;
pub use markers::{HttpProcedure, PresenceProcedure, Present, Shown, SocketProcedure, shown};
pub use payload::{Issues, Payload};
#[cfg(feature = "server")]
pub use router::Router;
pub use socket_id::{ParseSocketIdError, SocketId};
#[cfg(feature = "server")]
pub use ws::{Io, Join, Member, Past, Receiver, RoomHistory, RoomPresence, Socket, SocketPresence};

#[cfg(all(feature = "server", not(target_family = "wasm")))]
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
#[cfg(feature = "server")]
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

    pub use crate::__check as check;
    pub use crate::events::{
        AnyEvent, Asked, Delivery, EmitFuture, EncodedReply, Event, Events, NoQuestions, NoReplies,
        NoRequests, Question, Replier, Request, Target,
    };
    pub use crate::markers::{HttpProcedure, PresenceProcedure, Shown, SocketProcedure, shown};
    pub use crate::payload::{
        Checked, Declared, EventPayload, EventPayloadAs, FastCheck, GardeRules, InputPayload,
        Issues, NoRules, NotEnforced, NothingToEnforce, RawPayload, RuleFree, Ruled, Rules,
        RulesOfParts, Undecided, rules,
    };

    #[cfg(feature = "server")]
    pub use server::*;

    /// What the expansion of `#[procedure]` names.
    #[cfg(feature = "server")]
    mod server {
        #[cfg(not(target_family = "wasm"))]
        pub use crate::app::WithoutState;
        pub use crate::codegen::{
            AnswerWriter, Chooses, IsConverted, Params, UnknownParams, answers, kept, no_reply,
            only_incoming, only_outgoing, outcome, refused, replied, results, sendable, unreplied,
        };
        pub use crate::entry::{Sendable, Unsendable, exit_code, main};
        pub use crate::http::answer::OutputInfo;
        pub use crate::http::input::{RawInput, inputs, optional_inputs};
        pub use crate::http::{Answer, Reply, RequestExtractor};
        pub use crate::procedure::{
            Kind, ParamsInfo, Procedure, ProcedureInfo, ReplyFuture, ServeFn,
        };
        pub use crate::request_context::{RefreshFn, RequestContext};
        pub use crate::ws::{
            CloneExtractor, EncodedMember, Handlers, IntoOutcome, Join, Left, SocketExtractor,
            member,
        };
        pub use crate::{__chosen as chosen, __issues as issues, __params as params};
    }
}
