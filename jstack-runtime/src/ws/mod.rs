//! WebSocket procedures: the upgrade, the connection's task, and what handlers hold.

mod connection;
mod guard;
mod handlers;
mod io;
mod liveness;
pub(crate) mod raw;
mod receiver;
mod session;
mod socket;
mod upgrade;
mod wire;

pub use handlers::{CloneExtractor, Handlers, Outcome, SocketExtractor, Ws};
pub use io::Io;
pub use receiver::Receiver;
pub use socket::{Left, Socket};

pub(crate) use guard::caught;
pub(crate) use receiver::run;
pub(crate) use session::{gone, serve};
pub(crate) use socket::Current;
pub(crate) use upgrade::{Opening, Run, Upgrade};
#[cfg(feature = "fuzzing")]
pub(crate) use wire::fuzz;
