//! The subprotocol of one connection: what the client offers, and what is selected.

use std::sync::OnceLock;

use http::HeaderMap;

use crate::error::{Error, Result};
use crate::protocol::profile::{self, Profile, V1};

/// Shared by the handshake and the handlers that run before it is answered.
#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    offered: Vec<String>,
    selected: OnceLock<String>,
}

impl Negotiation {
    /// The offer of a request; the profile `v1` is selected automatically.
    pub(crate) fn of(headers: &HeaderMap, profile: Profile) -> Self {
        let offered = profile::offered(headers).map(str::to_owned).collect();
        let selected = OnceLock::new();
        if profile.is_v1() {
            let _ = selected.set(V1.to_owned());
        }
        Self { offered, selected }
    }

    pub(crate) fn offered(&self) -> &[String] {
        &self.offered
    }

    pub(crate) fn selected(&self) -> Option<&str> {
        self.selected.get().map(|name| &**name)
    }

    /// Selects a subprotocol for the answer to the handshake.
    pub(crate) fn select(&self, name: &str) -> Result {
        if !self.offered.iter().any(|offered| offered == name) {
            return Err(Error::bad_request(format!("the client does not offer `{name}`")));
        }
        match self.selected.get_or_init(|| name.to_owned()) {
            selected if selected == name => Ok(()),
            selected => Err(Error::conflict(format!("`{selected}` is selected already"))),
        }
    }
}
