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

#[cfg(feature = "server")]
pub use axum::extract::{Extension, Query, State};
pub use garde::Validate;
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

#[cfg(all(feature = "server", not(target_family = "wasm")))]
#[doc(hidden)]
pub use crate::__private::WithoutState as _;
#[cfg(feature = "server")]
pub use crate::{
    App, Bearer, CloseReason, ClosedBy, Io, Limits, Member, Origins, Raw, Receiver, Router, Socket,
    SuperJson, procedure, router,
};
pub use crate::{BoxError, Error, Events, Issue, Payload, Result, SocketId};
