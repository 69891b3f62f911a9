//! The connections of a process to Redis, and the tasks that keep them.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

#[cfg(feature = "redis-cluster")]
use super::cluster::TopologyWatcher;
#[cfg(feature = "redis-cluster")]
use super::connect::Deployment;
use super::connect::{Address, Link};
use super::counters::COUNTERS;
use super::dialect::Plain;
use super::publish::{Outbox, Publisher};
use super::subscribe::{Inbox, Listener, Table};
use crate::broker::format::names;
use crate::broker::format::text::Form;
use crate::error::{Error, Result};

/// The tasks and connections that start with the first use of the broker. Dropping it ends the
/// tasks.
pub(crate) struct Connections {
    /// Identifies this process in envelopes.
    pub(crate) origin: u64,
    /// The prefix of channel names, encoded.
    pub(crate) prefix: String,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) table: Arc<Table>,
    pub(crate) link: Link,
    heartbeat: Duration,
    publishing: OnceLock<Vec<JoinHandle<()>>>,
    listening: OnceLock<Vec<JoinHandle<()>>>,
}

impl Connections {
    /// Prepares them; nothing runs yet.
    pub(crate) fn new(
        address: &Address,
        prefix: &str,
        deadline: Duration,
        heartbeat: Duration,
        linger: Duration,
        form: Form,
    ) -> Self {
        LazyLock::force(&COUNTERS);
        let link = Link { address: address.clone(), answer: deadline, form };
        let origin = RandomState::new().hash_one(std::process::id());
        let route = address.route();
        let probe_prefix = names::probe_name(prefix, origin);
        Self {
            origin,
            prefix: names::prefix(prefix),
            outbox: Outbox::new(route.clone(), deadline, probe_prefix),
            table: Table::new(route, linger, deadline),
            heartbeat: link.heartbeat(heartbeat),
            link,
            publishing: OnceLock::new(),
            listening: OnceLock::new(),
        }
    }

    /// Starts what publishes, unless it runs. Fails outside a runtime.
    pub(crate) fn start_publishing(&self) -> Result {
        if self.publishing.get().is_some() {
            return Ok(());
        }
        let runtime = Handle::try_current().map_err(Error::internal)?;
        self.publishing.get_or_init(|| {
            #[cfg(feature = "redis-cluster")]
            if let Deployment::Cluster { seeds, like } = &self.link.address.deployment {
                // The watcher starts both kinds of connections when they are needed.
                let (inbox, mut tasks) = Inbox::start(&self.table);
                let watcher = TopologyWatcher {
                    like: like.clone(),
                    seeds: seeds.clone(),
                    answer: self.link.answer,
                    heartbeat: self.heartbeat,
                    table: self.table.clone(),
                    outbox: self.outbox.clone(),
                    inbox,
                };
                tasks.push(runtime.spawn(self.table.clone().sweep()));
                tasks.push(runtime.spawn(watcher.run()));
                return tasks;
            }
            let publisher = Publisher {
                shard: 0,
                dialect: Plain,
                link: self.link.clone(),
                outbox: self.outbox.clone(),
                heartbeat: self.heartbeat,
            };
            vec![runtime.spawn(publisher.run())]
        });
        Ok(())
    }

    /// Starts what publishes and what listens, unless it runs. Fails outside a runtime.
    pub(crate) fn start_listening(&self) -> Result {
        if self.listening.get().is_some() {
            return Ok(());
        }
        self.start_publishing()?;
        let runtime = Handle::try_current().map_err(Error::internal)?;
        self.listening.get_or_init(|| {
            #[cfg(feature = "redis-cluster")]
            if matches!(self.link.address.deployment, Deployment::Cluster { .. }) {
                return Vec::new();
            }
            let (inbox, mut tasks) = Inbox::start(&self.table);
            tasks.push(runtime.spawn(self.table.clone().sweep()));
            let listener = Listener {
                shard: 0,
                dialect: Plain,
                link: self.link.clone(),
                table: self.table.clone(),
                inbox,
                outbox: self.outbox.clone(),
                heartbeat: self.heartbeat,
            };
            tasks.push(runtime.spawn(listener.run()));
            tasks
        });
        Ok(())
    }

    /// The trouble of a connection, if one has any.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.outbox.trouble().or_else(|| self.table.trouble())
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        let tasks = self.publishing.get().into_iter().chain(self.listening.get());
        tasks.flatten().for_each(JoinHandle::abort);
    }
}
