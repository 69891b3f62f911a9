//! Shared by the procedures of one application while they serve: the hubs (by procedure), limits and
//! allowed origins.

use std::any::{TypeId, type_name};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::http::Origins;
use crate::http::allowed_headers::AllowedHeaders;
use crate::http::origin::Hosts;
use crate::limits::Limits;
use crate::platform::HashMap;
use crate::rooms::{Hub, Node};

/// One application, as its procedures see it.
pub(crate) struct AppContext {
    node: Arc<Node>,
    /// By the type of the procedure's marker, so that any handler can emit to any procedure.
    hubs: Mutex<HashMap<TypeId, Arc<Hub>>>,
    origins: OnceLock<Origins>,
    allowed_headers: OnceLock<AllowedHeaders>,
    hosts: OnceLock<Hosts>,
}

impl AppContext {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            node: Arc::new(Node::new()),
            hubs: Mutex::default(),
            origins: OnceLock::new(),
            allowed_headers: OnceLock::new(),
            hosts: OnceLock::new(),
        })
    }

    /// The rooms of the procedure whose marker this is.
    pub(crate) fn hub_of(&self, marker: TypeId) -> Arc<Hub> {
        self.hub(marker, "the procedure")
    }

    /// The same for those who know the marker's type: an error about the procedure can name it.
    pub(crate) fn hub_for<P: 'static>(&self) -> Arc<Hub> {
        self.hub(TypeId::of::<P>(), type_name::<P>())
    }

    fn hub(&self, marker: TypeId, name: &'static str) -> Arc<Hub> {
        let mut hubs = self.hubs.lock();
        hubs.entry(marker).or_insert_with(|| Hub::of(self.node.clone(), name)).clone()
    }

    /// Whether a procedure keeps a history.
    pub(crate) fn has_history(&self) -> bool {
        self.hubs.lock().values().any(|hub| hub.has_history())
    }

    pub(crate) fn hubs(&self) -> Vec<Arc<Hub>> {
        self.hubs.lock().values().cloned().collect()
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        self.node.limits()
    }

    pub(crate) fn set_allowed_headers(&self, allowed: AllowedHeaders) {
        let _ = self.allowed_headers.set(allowed);
    }

    pub(crate) fn allowed_headers(&self) -> &AllowedHeaders {
        self.allowed_headers.get_or_init(AllowedHeaders::default)
    }

    pub(crate) fn set_hosts(&self, hosts: Hosts) {
        let _ = self.hosts.set(hosts);
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        self.hosts.get_or_init(Hosts::default)
    }

    pub(crate) fn set_origins(&self, origins: Origins) {
        let _ = self.origins.set(origins);
    }

    pub(crate) fn origins(&self) -> &Origins {
        self.origins.get_or_init(Origins::default)
    }
}
