//! What one application's procedures share while they serve: hubs by procedure, and the rules.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::config::Limits;
use crate::http::Origins;
use crate::rooms::{Hub, Process};

/// One application, as its procedures see it.
pub(crate) struct Site {
    process: Arc<Process>,
    /// By the type of the procedure's marker, so that any handler can emit to any procedure.
    hubs: Mutex<HashMap<TypeId, Arc<Hub>>>,
    origins: OnceLock<Origins>,
}

impl Site {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            process: Arc::new(Process::new()),
            hubs: Mutex::default(),
            origins: OnceLock::new(),
        })
    }

    /// The rooms of the procedure whose marker this is.
    pub(crate) fn hub_of(&self, marker: TypeId) -> Arc<Hub> {
        let mut hubs = self.hubs.lock();
        hubs.entry(marker).or_insert_with(|| Hub::new(self.process.clone())).clone()
    }

    pub(crate) fn hubs(&self) -> Vec<Arc<Hub>> {
        self.hubs.lock().values().cloned().collect()
    }

    pub(crate) fn process(&self) -> &Arc<Process> {
        &self.process
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        self.process.limits()
    }

    pub(crate) fn set_origins(&self, origins: Origins) {
        let _ = self.origins.set(origins);
    }

    pub(crate) fn origins(&self) -> &Origins {
        self.origins.get_or_init(Origins::default)
    }
}
