//! Delivery classes: how an event is delivered to a client that reads too slowly.

/// How an event is delivered.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// use jstack_runtime::contract::Delivery;
///
/// #[derive(Clone, Debug, Events)]
/// pub enum Chat {
///     Message(String),
///     #[event(volatile)]
///     Typing(String),
/// }
///
/// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// # pub mod chat {
/// #     use super::*;
/// #     #[on(Message)]
/// #     async fn message(_: String) {}
/// #     #[on(Typing)]
/// #     async fn typing(_: String) {}
/// # }
/// # fn main() {
/// let contract = App::<()>::new().mount("post", router![chat]).describe();
/// assert_eq!(contract.procedures()[0].outgoing[1].delivery, Delivery::Volatile);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// In order, or the connection is closed and the client knows.
    #[default]
    Reliable,
    /// Dropped for a connection whose socket takes no bytes at the moment.
    Volatile,
    /// While the socket takes no bytes, a newer event replaces the one that waits: one for the
    /// event, or one for each value of the payload's field.
    Latest(Option<&'static str>),
}

impl Delivery {
    /// The class as a metric's label and as clients read it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Reliable => "reliable",
            Self::Volatile => "volatile",
            Self::Latest(_) => "latest",
        }
    }
}
