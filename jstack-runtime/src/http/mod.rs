//! GET and POST: reading input, answers, errors, origins and CORS.

#[cfg(feature = "server")]
pub(crate) mod allowed_headers;
#[cfg(feature = "server")]
pub(crate) mod answer;
#[cfg(feature = "server")]
pub(crate) mod bearer;
#[cfg(feature = "server")]
mod client_address;
#[cfg(feature = "server")]
pub(crate) mod cors;
#[cfg(feature = "server")]
pub(crate) mod extractor;
#[cfg(feature = "server")]
pub(crate) mod input;
#[cfg(feature = "server")]
pub(crate) mod origin;
#[cfg(feature = "server")]
pub(crate) mod percent;
#[cfg(feature = "server")]
pub(crate) mod problem;
#[cfg(feature = "server")]
pub(crate) mod refusal;
pub(crate) mod shape;
pub(crate) mod superjson;
#[cfg(feature = "server")]
pub(crate) mod versions;

#[cfg(feature = "server")]
pub use answer::{Answer, Raw, Reply, SuperJson};
#[cfg(feature = "server")]
pub use bearer::Bearer;
#[cfg(feature = "server")]
pub use client_address::ClientAddress;
#[cfg(feature = "server")]
pub(crate) use client_address::note_client;
#[cfg(feature = "server")]
pub use extractor::RequestExtractor;
#[cfg(feature = "server")]
pub use origin::{OriginError, Origins};
