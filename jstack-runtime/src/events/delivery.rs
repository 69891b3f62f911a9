//! Delivery classes: what may happen to an event whose reader does not keep up.

/// How an event is delivered.
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
