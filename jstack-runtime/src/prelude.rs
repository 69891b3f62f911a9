//! The names that a handler module needs, in one line.
//!
//! ```
//! use jstack_runtime::prelude::*;
//!
//! #[procedure(get)]
//! async fn greet(Query(name): Query<String>) -> Result<String> {
//!     Ok(format!("hello {name}"))
//! }
//! ```

pub use axum::extract::{Extension, Query, State};
pub use garde::Validate;
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub use crate::__private::WithoutState as _;
pub use crate::{
    App, Bearer, BoxError, CloseReason, ClosedBy, Error, Events, Io, Issue, Limits, Member,
    Origins, Payload, Raw, Receiver, Result, Router, Socket, SocketId, SuperJson, procedure,
    router,
};
