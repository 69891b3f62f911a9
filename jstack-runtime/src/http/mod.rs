//! GET and POST: reading input, answers, errors, origins and CORS.

pub(crate) mod allowed_headers;
pub(crate) mod answer;
pub(crate) mod bearer;
mod client_address;
pub(crate) mod cors;
pub(crate) mod extractor;
pub(crate) mod input;
pub(crate) mod origin;
pub(crate) mod problem;
pub(crate) mod refusal;
pub(crate) mod shape;
pub(crate) mod superjson;
pub(crate) mod versions;

pub use answer::{Answer, Raw, Reply, SuperJson};
pub use bearer::Bearer;
pub use client_address::ClientAddress;
pub use extractor::RequestExtractor;
pub use origin::{OriginError, Origins};
