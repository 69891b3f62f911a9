//! WebSocket procedures: the two forms of handlers, and their `Socket` and `Io`.

mod connection;
mod function_form;
mod handlers;
mod history;
mod io;
mod join;
mod module_form;
mod presence;
mod socket;

pub use function_form::Receiver;
pub use handlers::{CloneExtractor, EncodedMember, Handlers, IntoOutcome, SocketExtractor};
pub use history::{Past, RoomHistory};
pub use io::Io;
pub use join::Join;
pub use presence::{Member, RoomPresence, SocketPresence, member};
pub use socket::{Left, Socket};

pub(crate) use connection::SocketExtension;
pub(crate) use function_form::run;
pub(crate) use module_form::{Refresh, disconnect_before_upgrade, serve};
pub(crate) use presence::checked_state;
